-- +goose Up
-- Who must not be mailed, by address, domain or keyed hash, on one list or on all; on
-- what consent the others are; and which DNS records of ours were seen in place.

CREATE TABLE suppressed (
    id     INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, ascending in order of commit
    who    TEXT    NOT NULL, -- an address in lower case, a domain, or hash:…
    list   INTEGER NOT NULL, -- 0: whatever the list
    reason TEXT    NOT NULL,
    detail TEXT    NOT NULL,
    at     INTEGER NOT NULL
);
-- What was removed keeps its number, too.
INSERT INTO sqlite_sequence (name, seq) SELECT 'suppressed', seq FROM sqlite_sequence WHERE name = 'suppressions';
INSERT INTO suppressed (id, who, list, reason, detail, at)
    SELECT id, address, 0, reason, detail, at FROM suppressions ORDER BY id;
DROP TABLE suppressions;
ALTER TABLE suppressed RENAME TO suppressions;
CREATE UNIQUE INDEX suppressions_who ON suppressions (who, list);

ALTER TABLE members ADD COLUMN consent_until INTEGER NOT NULL DEFAULT 0; -- 0: without an end

-- The record of each consent, kept as it was given.
CREATE TABLE consents (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    contact   INTEGER NOT NULL,
    list      INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    how       TEXT    NOT NULL,
    ip        TEXT    NOT NULL,
    form      TEXT    NOT NULL, -- the words that were agreed to
    confirmed INTEGER NOT NULL, -- 0: not, or not asked
    until     INTEGER NOT NULL  -- 0: without an end
);
CREATE INDEX consents_contact ON consents (contact, id);

CREATE TABLE dns_seen (
    name  TEXT    PRIMARY KEY,
    value TEXT    NOT NULL,
    at    INTEGER NOT NULL
) WITHOUT ROWID;

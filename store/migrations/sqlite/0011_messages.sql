-- +goose Up
-- Messages to one person each, made from a template. A message's row in the ledger has
-- the message's own number where others have their contact: ids begin far above those
-- of contacts (campaign.FirstMessage), so that the two are never taken for one another.

CREATE TABLE messages (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    run     INTEGER NOT NULL REFERENCES runs (id),
    lane    INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    key     TEXT    NOT NULL, -- who asks twice with one key gets one message; '' for none
    request BLOB    NOT NULL, -- SHA-256 of what was asked for
    data    TEXT    NOT NULL, -- JSON object; '' when the message needs it no longer
    created INTEGER NOT NULL
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('messages', 1099511627775);
CREATE UNIQUE INDEX messages_key ON messages (key) WHERE key <> '';
CREATE INDEX messages_contact ON messages (contact, id);
CREATE INDEX messages_run ON messages (run, id);

-- 0: sends to an audience. 1: stands open for messages. 2: did so, and ends when all of
-- its messages have.
ALTER TABLE runs ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;
DROP INDEX runs_open;
CREATE UNIQUE INDEX runs_open ON runs (campaign) WHERE state IN ('scheduled', 'running', 'paused') AND standing < 2;

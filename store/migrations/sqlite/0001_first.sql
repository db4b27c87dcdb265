-- +goose Up
-- Times are Unix milliseconds, 0 for none. States, reasons and lanes are the
-- numbers of package campaign.

CREATE TABLE contacts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, also after an undo
    address    TEXT    NOT NULL UNIQUE,           -- in lower case: what makes a contact one
    spelling   TEXT    NOT NULL,                  -- as given, '' when that is the address
    attributes TEXT    NOT NULL,                  -- JSON object
    created    INTEGER NOT NULL,
    updated    INTEGER NOT NULL,
    import     INTEGER NOT NULL                   -- that created it: what undo needs
);

CREATE TABLE lists (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL UNIQUE,
    created      INTEGER NOT NULL,
    subscribed   INTEGER NOT NULL DEFAULT 0, -- kept counts of members
    unsubscribed INTEGER NOT NULL DEFAULT 0
);

-- No foreign keys on the bulk tables: imports and their undo alone add and remove
-- contacts and memberships, a thousand at a time.
CREATE TABLE members (
    list    INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    status  INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    import  INTEGER NOT NULL, -- that added it, 0 for none
    PRIMARY KEY (list, contact)
) WITHOUT ROWID;
CREATE INDEX members_contact ON members (contact);

CREATE TABLE suppressions (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- followers ask for ids above the last they saw
    address TEXT    NOT NULL UNIQUE,
    reason  TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    at      INTEGER NOT NULL
);

CREATE TABLE fields (name TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE imports (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    list          INTEGER NOT NULL REFERENCES lists (id),
    file          TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    new           INTEGER NOT NULL DEFAULT 0,
    updated       INTEGER NOT NULL DEFAULT 0,
    unchanged     INTEGER NOT NULL DEFAULT 0,
    duplicate     INTEGER NOT NULL DEFAULT 0,
    suppressed    INTEGER NOT NULL DEFAULT 0,
    unsubscribed  INTEGER NOT NULL DEFAULT 0,
    first_contact INTEGER NOT NULL DEFAULT 0, -- the contacts it created have
    last_contact  INTEGER NOT NULL DEFAULT 0, -- ids in this range
    undone        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX imports_list ON imports (list, id);

-- What an import did to the attributes of contacts that it found.
CREATE TABLE import_changes (
    import  INTEGER NOT NULL REFERENCES imports (id),
    contact INTEGER NOT NULL,
    before  TEXT    NOT NULL, -- the attributes that were
    given   TEXT    NOT NULL, -- the attributes that the row gave
    PRIMARY KEY (import, contact)
) WITHOUT ROWID;
CREATE INDEX import_changes_contact ON import_changes (contact);

-- Specs are immutable, named by the SHA-256 of their JSON: a run shares its spec
-- with its campaign until the campaign is edited.
CREATE TABLE specs (
    hash TEXT PRIMARY KEY,
    spec TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE campaigns (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL UNIQUE,
    spec    TEXT    NOT NULL REFERENCES specs (hash),
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX campaigns_spec ON campaigns (spec);

CREATE TABLE runs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    campaign        INTEGER NOT NULL REFERENCES campaigns (id),
    spec            TEXT    NOT NULL REFERENCES specs (hash),
    state           TEXT    NOT NULL,
    note            TEXT    NOT NULL DEFAULT '',
    epoch           INTEGER NOT NULL DEFAULT 0,
    start_at        INTEGER NOT NULL DEFAULT 0,
    started         INTEGER NOT NULL DEFAULT 0,
    finished        INTEGER NOT NULL DEFAULT 0,
    snapshot_cursor INTEGER NOT NULL DEFAULT 0,
    snapshot_done   INTEGER NOT NULL DEFAULT 0,
    cancel_lane     INTEGER NOT NULL DEFAULT 0, -- rows up to here are closed,
    cancel_contact  INTEGER NOT NULL DEFAULT 0  -- in order of lane and contact
);
CREATE INDEX runs_campaign ON runs (campaign, id);
CREATE INDEX runs_spec ON runs (spec);
CREATE UNIQUE INDEX runs_open ON runs (campaign) WHERE state IN ('scheduled', 'running', 'paused');

CREATE TABLE ledger (
    run         INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    contact     INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    reason      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    code        INTEGER NOT NULL DEFAULT 0,
    enhanced    INTEGER NOT NULL DEFAULT 0, -- class·10⁶ + subject·10³ + detail (RFC 3463)
    reply       INTEGER NOT NULL DEFAULT 0, -- in replies
    at          INTEGER NOT NULL DEFAULT 0,
    due         INTEGER NOT NULL DEFAULT 0, -- Deferred only
    first_tried INTEGER NOT NULL DEFAULT 0,
    resent      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, lane, contact)
) WITHOUT ROWID;
CREATE INDEX ledger_contact ON ledger (contact, run);
CREATE INDEX ledger_due ON ledger (run, due) WHERE state = 2;
-- The states that people page through and that few rows are in.
CREATE INDEX ledger_state ON ledger (run, state, lane, contact) WHERE state >= 2;

CREATE TABLE run_counts (
    run    INTEGER NOT NULL,
    lane   INTEGER NOT NULL,
    state  INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    resent INTEGER NOT NULL, -- of the n
    PRIMARY KEY (run, lane, state, reason)
) WITHOUT ROWID;

CREATE TABLE attempts (
    run      INTEGER NOT NULL,
    contact  INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    reason   INTEGER NOT NULL,
    code     INTEGER NOT NULL,
    enhanced INTEGER NOT NULL,
    reply    TEXT    NOT NULL,
    host     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (run, contact, number)
) WITHOUT ROWID;

CREATE TABLE replies (
    id   INTEGER PRIMARY KEY,
    text TEXT    NOT NULL UNIQUE
);

CREATE TABLE checkpoints (
    name TEXT    PRIMARY KEY,
    seq  INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO checkpoints (name, seq) VALUES ('events', 0);

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

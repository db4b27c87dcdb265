-- +goose Up
-- Who is told over HTTP of what happens, and how that went.

CREATE TABLE webhooks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: queues are named by it
    url           TEXT    NOT NULL,
    note          TEXT    NOT NULL,
    types         TEXT    NOT NULL, -- of events, separated by commas
    state         TEXT    NOT NULL,
    why           TEXT    NOT NULL,
    secret        BLOB    NOT NULL, -- as it signs: who reads this table has its events, too
    old_secret    BLOB    NOT NULL, -- signs, too, until old_until
    old_until     INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    failing_since INTEGER NOT NULL,
    waiting       INTEGER NOT NULL, -- in its queue, as counted last
    dropped       INTEGER NOT NULL,
    dropped_since INTEGER NOT NULL
);

-- What happened to people and runs, written in the transaction in which it happened.
CREATE TABLE webhook_facts (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    type    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    list    INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    late    INTEGER NOT NULL,
    told    INTEGER NOT NULL DEFAULT 0 -- it is in the queues
);
CREATE INDEX webhook_facts_untold ON webhook_facts (id) WHERE NOT told;
CREATE INDEX webhook_facts_contact ON webhook_facts (contact);

-- What people want of the dispatcher.
CREATE TABLE webhook_orders (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    event    TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    made     INTEGER NOT NULL
);

-- The last attempt of each event at each endpoint.
CREATE TABLE webhook_deliveries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint INTEGER NOT NULL,
    event    TEXT    NOT NULL,
    type     TEXT    NOT NULL,
    at       INTEGER NOT NULL, -- of the event
    address  TEXT    NOT NULL, -- that it is about, in lower case; '' for none
    state    TEXT    NOT NULL,
    attempts INTEGER NOT NULL,
    tried    INTEGER NOT NULL,
    took     INTEGER NOT NULL, -- milliseconds
    status   INTEGER NOT NULL,
    answer   TEXT    NOT NULL,
    error    TEXT    NOT NULL,
    next     INTEGER NOT NULL,
    body     BLOB    NOT NULL
);
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (endpoint, event);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (endpoint, state, id);
CREATE INDEX webhook_deliveries_address ON webhook_deliveries (address) WHERE address <> '';

INSERT INTO checkpoints (name, seq) VALUES ('webhooks', 0);

-- +goose Up
-- Expressions under a name, who refers to them, what runs took over of them; and texts to
-- begin with.

CREATE TABLE segments (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    expression TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    updated    INTEGER NOT NULL
);

-- The names in the campaigns' specs as they stand, whether such a segment is there or not.
CREATE TABLE segment_users (
    segment  TEXT    NOT NULL,
    campaign INTEGER NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    PRIMARY KEY (segment, campaign)
);
CREATE INDEX segment_users_campaign ON segment_users (campaign);

-- Written once, before the first page of a run's audience is taken.
CREATE TABLE run_selections (
    run       INTEGER PRIMARY KEY,
    selection TEXT     NOT NULL -- JSON
);

CREATE TABLE templates (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL UNIQUE,
    content TEXT    NOT NULL, -- JSON
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);

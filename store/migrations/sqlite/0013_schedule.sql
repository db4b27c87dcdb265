-- +goose Up
-- Campaigns put away, what was foretold of runs, and campaigns that are sent again and
-- again.

ALTER TABLE campaigns ADD COLUMN archived INTEGER NOT NULL DEFAULT 0; -- when; 0: it is not

ALTER TABLE runs ADD COLUMN forecast       INTEGER NOT NULL DEFAULT 0;  -- milliseconds; 0: none was made
ALTER TABLE runs ADD COLUMN forecast_bound TEXT    NOT NULL DEFAULT ''; -- by what

CREATE TABLE recurrences (
    campaign INTEGER PRIMARY KEY REFERENCES campaigns (id),
    spec     TEXT    NOT NULL REFERENCES specs (hash), -- as it was reviewed
    next     INTEGER NOT NULL,
    note     TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX recurrences_next ON recurrences (next);
CREATE INDEX recurrences_spec ON recurrences (spec);

-- +goose Up
-- Campaigns put away, what was foretold of runs, and campaigns that are sent again and
-- again.

ALTER TABLE campaigns ADD COLUMN archived bigint NOT NULL DEFAULT 0; -- when; 0: it is not

ALTER TABLE runs ADD COLUMN forecast       bigint NOT NULL DEFAULT 0;  -- milliseconds; 0: none was made
ALTER TABLE runs ADD COLUMN forecast_bound text   NOT NULL DEFAULT ''; -- by what

CREATE TABLE recurrences (
    campaign bigint PRIMARY KEY REFERENCES campaigns (id),
    spec     text COLLATE "C" NOT NULL REFERENCES specs (hash), -- as it was reviewed
    next     bigint NOT NULL,
    note     text   NOT NULL DEFAULT ''
);
CREATE INDEX recurrences_next ON recurrences (next);
CREATE INDEX recurrences_spec ON recurrences (spec);

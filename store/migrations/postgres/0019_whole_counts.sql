-- +goose Up
-- Who leaves by a run's message, and the hits that name nobody, are counted for the runs
-- that begin from here on.
ALTER TABLE runs ADD COLUMN whole_counts boolean NOT NULL DEFAULT false;
ALTER TABLE hit_counts ADD COLUMN nameless bigint NOT NULL DEFAULT 0; -- hits of n that name nobody

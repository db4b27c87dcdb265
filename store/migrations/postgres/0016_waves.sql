-- +goose Up
-- Waves: parts of a run's audience that are fed one after the other. In a run without
-- waves every row's wave is 0.

ALTER TABLE ledger ADD COLUMN wave smallint NOT NULL DEFAULT 0;
-- The index has who waits in a wave: what is settled leaves it. ONLY: earlier runs have no
-- waves, and their partitions are neither read nor locked for it.
CREATE INDEX ledger_wave ON ONLY ledger (run, lane, wave, contact) WHERE wave <> 0 AND state = 0;

-- How a run's audience is parted is written once, before its first page is taken; how far
-- its waves are open only grows.
CREATE TABLE run_waves (
    run    bigint   PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    kind   text     NOT NULL,
    share  integer  NOT NULL, -- of the audience, in a million, that the first wave has
    base   bigint   NOT NULL, -- when the first of waves by the clock opens
    open   smallint NOT NULL DEFAULT 0,  -- the last wave that may be fed
    opened bigint   NOT NULL DEFAULT 0,  -- when that was last raised,
    note   text     NOT NULL DEFAULT '', -- and why
    due    bigint   NOT NULL DEFAULT 0   -- when the next is to open; 0: not known yet
);

-- How many the snapshot had wait in each wave. They stay as they are.
CREATE TABLE wave_counts (
    run  integer  NOT NULL,
    lane smallint NOT NULL,
    wave smallint NOT NULL,
    n    bigint   NOT NULL,
    PRIMARY KEY (run, lane, wave)
);

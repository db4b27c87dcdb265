-- +goose Up
-- Waves: parts of a run's audience that are fed one after the other. In a run without
-- waves every row's wave is 0.

ALTER TABLE ledger ADD COLUMN wave INTEGER NOT NULL DEFAULT 0;
-- The index has who waits in a wave: what is settled leaves it.
CREATE INDEX ledger_wave ON ledger (run, lane, wave, contact) WHERE wave <> 0 AND state = 0;

-- How a run's audience is parted is written once, before its first page is taken; how far
-- its waves are open only grows.
CREATE TABLE run_waves (
    run    INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    kind   TEXT    NOT NULL,
    share  INTEGER NOT NULL, -- of the audience, in a million, that the first wave has
    base   INTEGER NOT NULL, -- when the first of waves by the clock opens
    open   INTEGER NOT NULL DEFAULT 0,  -- the last wave that may be fed
    opened INTEGER NOT NULL DEFAULT 0,  -- when that was last raised,
    note   TEXT    NOT NULL DEFAULT '', -- and why
    due    INTEGER NOT NULL DEFAULT 0   -- when the next is to open; 0: not known yet
);

-- How many the snapshot had wait in each wave. They stay as they are.
CREATE TABLE wave_counts (
    run  INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    wave INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (run, lane, wave)
) WITHOUT ROWID;

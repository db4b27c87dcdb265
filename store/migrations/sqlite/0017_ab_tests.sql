-- +goose Up
-- A/B tests: who gets which variant, how each does, and who won.

ALTER TABLE ledger ADD COLUMN variant INTEGER NOT NULL DEFAULT 0; -- campaign.Variant

ALTER TABLE runs ADD COLUMN ab_winner   INTEGER NOT NULL DEFAULT 0;  -- what the rest gets; 0: not decided
ALTER TABLE runs ADD COLUMN ab_decision TEXT    NOT NULL DEFAULT ''; -- campaign.ABDecision as JSON

-- Kept counts, of runs with a test alone. Variant 0 is of who waits, or waited, for the winner.
CREATE TABLE variant_counts (
    run     INTEGER NOT NULL,
    variant INTEGER NOT NULL,
    state   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (run, variant, state)
) WITHOUT ROWID;

CREATE TABLE variant_hits (
    run      INTEGER NOT NULL,
    variant  INTEGER NOT NULL,
    link     INTEGER NOT NULL, -- 0: opened; -1: any link
    person   INTEGER NOT NULL, -- how often, by persons,
    nameless INTEGER NOT NULL, -- of whom nobody knows who they are so often,
    machine  INTEGER NOT NULL, -- and by machines
    people   INTEGER NOT NULL, -- recipients, where they are known
    PRIMARY KEY (run, variant, link)
) WITHOUT ROWID;

CREATE TABLE variant_heard (
    run     INTEGER NOT NULL,
    variant INTEGER NOT NULL,
    kind    INTEGER NOT NULL, -- campaign.FeedbackKind
    n       INTEGER NOT NULL,
    PRIMARY KEY (run, variant, kind)
) WITHOUT ROWID;

-- +goose Up
-- A/B tests: who gets which variant, how each does, and who won.

ALTER TABLE ledger ADD COLUMN variant smallint NOT NULL DEFAULT 0; -- campaign.Variant

ALTER TABLE runs ADD COLUMN ab_winner   smallint NOT NULL DEFAULT 0;  -- what the rest gets; 0: not decided
ALTER TABLE runs ADD COLUMN ab_decision text     NOT NULL DEFAULT ''; -- campaign.ABDecision as JSON

-- Kept counts, of runs with a test alone. Variant 0 is of who waits, or waited, for the winner.
CREATE TABLE variant_counts (
    run     bigint   NOT NULL,
    variant smallint NOT NULL,
    state   smallint NOT NULL,
    n       bigint   NOT NULL,
    PRIMARY KEY (run, variant, state)
);

CREATE TABLE variant_hits (
    run      bigint   NOT NULL,
    variant  smallint NOT NULL,
    link     integer  NOT NULL, -- 0: opened; -1: any link
    person   bigint   NOT NULL, -- how often, by persons,
    nameless bigint   NOT NULL, -- of whom nobody knows who they are so often,
    machine  bigint   NOT NULL, -- and by machines
    people   bigint   NOT NULL, -- recipients, where they are known
    PRIMARY KEY (run, variant, link)
);

CREATE TABLE variant_heard (
    run     bigint   NOT NULL,
    variant smallint NOT NULL,
    kind    smallint NOT NULL, -- campaign.FeedbackKind
    n       bigint   NOT NULL,
    PRIMARY KEY (run, variant, kind)
);

-- +goose Up
-- What was heard about recipients: once for each run, contact and kind (the numbers of
-- campaign.FeedbackKind).

CREATE TABLE feedback (
    contact bigint   NOT NULL,
    kind    smallint NOT NULL,
    run     bigint   NOT NULL,
    at      bigint   NOT NULL,
    detail  text     NOT NULL,
    PRIMARY KEY (contact, kind, run)
);

-- Kept counts of what was heard after the message had been accepted.
CREATE TABLE feedback_counts (
    run  bigint   NOT NULL,
    lane smallint NOT NULL,
    kind smallint NOT NULL,
    n    bigint   NOT NULL,
    PRIMARY KEY (run, lane, kind)
);

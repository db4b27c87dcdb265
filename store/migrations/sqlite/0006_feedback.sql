-- +goose Up
-- What was heard about recipients: once for each run, contact and kind (the numbers of
-- campaign.FeedbackKind).

CREATE TABLE feedback (
    contact INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    detail  TEXT    NOT NULL,
    PRIMARY KEY (contact, kind, run)
) WITHOUT ROWID;

-- Kept counts of what was heard after the message had been accepted.
CREATE TABLE feedback_counts (
    run  INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (run, lane, kind)
) WITHOUT ROWID;

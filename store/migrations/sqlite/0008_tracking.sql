-- +goose Up
-- What is measured about readers: as much as their list allows, and machines apart.

ALTER TABLE lists ADD COLUMN tracking INTEGER NOT NULL DEFAULT 0; -- campaign.Tracking

-- Where the counted links of a run's messages lead. What is in mailboxes for years has
-- these numbers: a row never changes.
CREATE TABLE links (
    run    INTEGER NOT NULL,
    number INTEGER NOT NULL, -- from 1
    target TEXT    NOT NULL, -- as it was written
    fixed  INTEGER NOT NULL, -- bytes of target that are the same for everybody
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

-- What one recipient did, where that is measured by person.
CREATE TABLE hits (
    run      INTEGER NOT NULL,
    contact  INTEGER NOT NULL,
    link     INTEGER NOT NULL, -- 0: opened
    person   INTEGER NOT NULL, -- how often, by a person
    machine  INTEGER NOT NULL, -- and by machines,
    evidence INTEGER NOT NULL, -- which 1 << campaign.Evidence gave away
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (run, contact, link)
) WITHOUT ROWID;
CREATE INDEX hits_contact ON hits (contact, run);

-- Kept counts.
CREATE TABLE hit_counts (
    run      INTEGER NOT NULL,
    link     INTEGER NOT NULL, -- 0: opened; -1: any link
    evidence INTEGER NOT NULL, -- campaign.Evidence
    n        INTEGER NOT NULL,
    people   INTEGER NOT NULL, -- recipients, where they are known
    PRIMARY KEY (run, link, evidence)
) WITHOUT ROWID;

INSERT INTO checkpoints (name, seq) VALUES ('hits', 0);

-- +goose Up
-- What is measured about readers: as much as their list allows, and machines apart.

ALTER TABLE lists ADD COLUMN tracking smallint NOT NULL DEFAULT 0; -- campaign.Tracking

-- Where the counted links of a run's messages lead. What is in mailboxes for years has
-- these numbers: a row never changes.
CREATE TABLE links (
    run    bigint  NOT NULL,
    number integer NOT NULL, -- from 1
    target text    NOT NULL, -- as it was written
    fixed  integer NOT NULL, -- bytes of target that are the same for everybody
    PRIMARY KEY (run, number)
);

-- What one recipient did, where that is measured by person.
CREATE TABLE hits (
    run      bigint  NOT NULL,
    contact  bigint  NOT NULL,
    link     integer NOT NULL, -- 0: opened
    person   integer NOT NULL, -- how often, by a person
    machine  integer NOT NULL, -- and by machines,
    evidence integer NOT NULL, -- which 1 << campaign.Evidence gave away
    first    bigint  NOT NULL,
    last     bigint  NOT NULL,
    PRIMARY KEY (run, contact, link)
);
CREATE INDEX hits_contact ON hits (contact, run);

-- Kept counts.
CREATE TABLE hit_counts (
    run      bigint   NOT NULL,
    link     integer  NOT NULL, -- 0: opened; -1: any link
    evidence smallint NOT NULL, -- campaign.Evidence
    n        bigint   NOT NULL,
    people   bigint   NOT NULL, -- recipients, where they are known
    PRIMARY KEY (run, link, evidence)
);

INSERT INTO checkpoints (name, seq) VALUES ('hits', 0);

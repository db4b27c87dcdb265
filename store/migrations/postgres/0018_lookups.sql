-- +goose Up
-- Which contacts are in a run's part of the ledger: a contact's runs are found without
-- asking each partition, of which there may be thousands.

CREATE TABLE run_members (
    bucket integer   NOT NULL, -- contacts by their number divided by 512:
    run    integer   NOT NULL,
    bits   bit(512) NOT NULL, -- one for each of them, by the rest
    PRIMARY KEY (bucket, run) INCLUDE (bits)
);

-- Earlier runs have no marks: of those the ledger is asked.
ALTER TABLE runs ADD COLUMN marked boolean NOT NULL DEFAULT false;

CREATE INDEX signups_form ON signups (form);

-- Those whom a reason kept from getting it are paged through, and counted by what their
-- servers said, without a look at the rows. ONLY: the partitions of later runs have the
-- index, and none of the earlier ones is read and locked for it, however many there are;
-- of those ledger_state serves.
CREATE INDEX ledger_reason ON ONLY ledger (run, state, reason, lane, contact, code, reply) WHERE state >= 2;

-- +goose Up
-- Messages to one person each, made from a template. A message's row in the ledger has
-- the message's own number where others have their contact: ids begin far above those
-- of contacts (campaign.FirstMessage), so that the two are never taken for one another.

CREATE TABLE messages (
    id      bigint   GENERATED ALWAYS AS IDENTITY (START WITH 1099511627776) PRIMARY KEY,
    contact bigint   NOT NULL,
    created bigint   NOT NULL,
    run     bigint   NOT NULL REFERENCES runs (id),
    lane    smallint NOT NULL,
    key     text     NOT NULL, -- who asks twice with one key gets one message; '' for none
    request bytea    NOT NULL, -- SHA-256 of what was asked for
    data    text     NOT NULL  -- JSON object; '' when the message needs it no longer
);
CREATE UNIQUE INDEX messages_key ON messages (key) WHERE key <> '';
CREATE INDEX messages_contact ON messages (contact, id);
CREATE INDEX messages_run ON messages (run, id);

-- 0: sends to an audience. 1: stands open for messages. 2: did so, and ends when all of
-- its messages have.
ALTER TABLE runs ADD COLUMN standing smallint NOT NULL DEFAULT 0;
DROP INDEX runs_open;
CREATE UNIQUE INDEX runs_open ON runs (campaign) WHERE state IN ('scheduled', 'running', 'paused') AND standing < 2;

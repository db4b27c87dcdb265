-- +goose Up
-- Who has not confirmed a form is counted on its page.
CREATE INDEX signups_form ON signups (form);

-- Those whom a reason kept from getting it are paged through, and counted by what their
-- servers said, without a look at the rows.
CREATE INDEX ledger_reason ON ledger (run, state, reason, lane, contact, code, reply) WHERE state >= 2;

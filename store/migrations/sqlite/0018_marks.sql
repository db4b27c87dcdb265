-- +goose Up
-- Who has not confirmed a form is counted on its page.
CREATE INDEX signups_form ON signups (form);

-- +goose Up
-- Whom an OpenID provider knows a user as. '' for users who don't sign in there.

ALTER TABLE users ADD COLUMN issuer text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN subject text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN let_in_until bigint NOT NULL DEFAULT 0; -- until then a password counts, whatever the configuration says
CREATE UNIQUE INDEX users_subject ON users (issuer, subject) WHERE subject <> '';

-- +goose Up
-- Who uses the pages and the API. Hashes only: passwords by argon2id, tokens and
-- links by SHA-256.

CREATE TABLE users (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    email        TEXT    NOT NULL UNIQUE, -- in lower case
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    zone         TEXT    NOT NULL, -- IANA time zone
    disabled     INTEGER NOT NULL DEFAULT 0,
    password     TEXT    NOT NULL, -- '' until chosen
    epoch        INTEGER NOT NULL DEFAULT 0, -- sessions of an earlier one are over
    created      INTEGER NOT NULL,
    invite       BLOB    UNIQUE, -- SHA-256 of the link to choose a password
    invite_until INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE api_tokens (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name    TEXT    NOT NULL,
    hint    TEXT    NOT NULL,
    scopes  INTEGER NOT NULL,
    hash    BLOB    NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX api_tokens_user ON api_tokens (user_id, id);

CREATE TABLE sessions (
    token   TEXT    PRIMARY KEY, -- hashed by who gives it
    data    BLOB    NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    user_id INTEGER NOT NULL, -- 0 for nobody
    who     TEXT    NOT NULL,
    via     TEXT    NOT NULL,
    address TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    status  INTEGER NOT NULL
);

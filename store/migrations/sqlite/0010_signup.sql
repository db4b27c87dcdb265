-- +goose Up
-- What members of a list see of it; who left it; how people join it by themselves; and
-- the later keys of the tokens in messages.

ALTER TABLE lists ADD COLUMN title TEXT NOT NULL DEFAULT ''; -- for its members; '': its name
ALTER TABLE lists ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE lists ADD COLUMN visible INTEGER NOT NULL DEFAULT 0; -- to its members, by its title
ALTER TABLE members ADD COLUMN left_by INTEGER NOT NULL DEFAULT 0; -- 1: the person

-- The first key is the secret called tokens.
CREATE TABLE token_keys (
    number  INTEGER PRIMARY KEY, -- from 2
    secret  BLOB    NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE forms (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    slug    TEXT    NOT NULL UNIQUE, -- in the address of its page
    list    INTEGER NOT NULL REFERENCES lists (id),
    version INTEGER NOT NULL, -- the latest of form_versions
    closed  INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX forms_list ON forms (list, id);

-- What a form said, kept so that it can be told what people agreed to.
CREATE TABLE form_versions (
    form    INTEGER NOT NULL REFERENCES forms (id),
    version INTEGER NOT NULL,
    spec    TEXT    NOT NULL, -- JSON
    at      INTEGER NOT NULL,
    PRIMARY KEY (form, version)
) WITHOUT ROWID;

-- Those who asked to join and have not confirmed it yet. Who confirms goes into consents.
CREATE TABLE signups (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: links name it
    form       INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    address    TEXT    NOT NULL, -- in lower case
    email      TEXT    NOT NULL, -- as given
    attributes TEXT    NOT NULL, -- JSON object
    language   TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    ip         TEXT    NOT NULL,
    network    TEXT    NOT NULL, -- of one client: what limits are kept by
    agent      TEXT    NOT NULL,
    mailed     INTEGER NOT NULL DEFAULT 0 -- when the confirmation mail was handed over
);
CREATE INDEX signups_address ON signups (address, at);
CREATE INDEX signups_network ON signups (network, at);
CREATE INDEX signups_at ON signups (at);
CREATE INDEX signups_unmailed ON signups (id) WHERE mailed = 0;

ALTER TABLE consents ADD COLUMN agent TEXT NOT NULL DEFAULT ''; -- the browser it was given with
ALTER TABLE consents ADD COLUMN signup_form INTEGER NOT NULL DEFAULT 0;
ALTER TABLE consents ADD COLUMN form_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE consents ADD COLUMN confirmed_ip TEXT NOT NULL DEFAULT '';

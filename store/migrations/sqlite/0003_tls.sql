-- +goose Up
-- What protects only as long as it is remembered (RFC 8461 §10.2).
CREATE TABLE mta_sts (
    domain  TEXT    PRIMARY KEY,
    id      TEXT    NOT NULL,
    policy  TEXT    NOT NULL, -- as mtasts.Parse reads it
    fetched INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX mta_sts_expires ON mta_sts (expires);

-- What RFC 8460 reports. Sessions that were alike are one row.
CREATE TABLE tls_results (
    day      INTEGER NOT NULL, -- since 1970-01-01
    domain   TEXT    NOT NULL,
    likeness BLOB    NOT NULL, -- hash of policy and session
    policy   TEXT    NOT NULL, -- JSON
    session  TEXT    NOT NULL, -- JSON
    sessions INTEGER NOT NULL,
    PRIMARY KEY (day, domain, likeness)
) WITHOUT ROWID;

-- +goose Up
-- What protects only as long as it is remembered (RFC 8461 §10.2).
CREATE TABLE mta_sts (
    domain  text   COLLATE "C" PRIMARY KEY,
    id      text   NOT NULL,
    policy  text   NOT NULL, -- as mtasts.Parse reads it
    fetched bigint NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX mta_sts_expires ON mta_sts (expires);

-- What RFC 8460 reports. Sessions that were alike are one row.
CREATE TABLE tls_results (
    day      integer NOT NULL, -- since 1970-01-01
    domain   text COLLATE "C" NOT NULL,
    likeness bytea   NOT NULL, -- hash of policy and session
    policy   text    NOT NULL, -- JSON
    session  text    NOT NULL, -- JSON
    sessions bigint  NOT NULL,
    PRIMARY KEY (day, domain, likeness)
);

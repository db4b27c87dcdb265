-- +goose Up
-- What steers runs and sites while they are under way.

CREATE TABLE run_brakes ( -- of runs whose brake was pulled
    run  BIGINT  PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    at   BIGINT  NOT NULL,
    note TEXT    NOT NULL
);

CREATE TABLE site_limits ( -- what people allow a site at most, 0: nothing is said
    site        TEXT    PRIMARY KEY,
    rate        DOUBLE PRECISION NOT NULL, -- messages per second
    connections INTEGER NOT NULL,
    since       BIGINT  NOT NULL,
    who         TEXT    NOT NULL
);

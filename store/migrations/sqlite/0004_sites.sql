-- +goose Up
-- What people order for sites, and a copy of what the senders have learned of them.

CREATE TABLE site_pauses (
    site  TEXT    PRIMARY KEY,
    since INTEGER NOT NULL,
    ends  INTEGER NOT NULL, -- 0: when it is resumed
    why   TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE site_records (
    site   TEXT NOT NULL,
    kind   TEXT NOT NULL, -- source, sending_domain, url_domain or site
    value  TEXT NOT NULL,
    record TEXT NOT NULL, -- JSON, written by the mirror alone
    PRIMARY KEY (site, kind, value)
) WITHOUT ROWID;

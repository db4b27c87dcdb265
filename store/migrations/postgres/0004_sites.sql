-- +goose Up
-- What people order for sites, and a copy of what the senders have learned of them.

CREATE TABLE site_pauses (
    site  text   COLLATE "C" PRIMARY KEY,
    since bigint NOT NULL,
    ends  bigint NOT NULL, -- 0: when it is resumed
    why   text   NOT NULL
);

CREATE TABLE site_records (
    site   text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL, -- source, sending_domain, url_domain or site
    value  text COLLATE "C" NOT NULL,
    record text NOT NULL, -- JSON, written by the mirror alone
    PRIMARY KEY (site, kind, value)
);

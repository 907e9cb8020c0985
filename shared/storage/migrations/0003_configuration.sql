-- why: Postgres holds what is configured; Redis has copies of the newest for the stages. Every revision is kept whole, so that
-- the newest is read in one row, and going back needs no chain of differences that could have a gap.
CREATE TABLE config_revisions (
    -- Greater for later ones. The key decides between two collectors that build on the same revision.
    number    bigint PRIMARY KEY,
    -- The number and the beginning of the digest of the documents, as events record it.
    id        text COLLATE "C" NOT NULL,
    created   timestamptz NOT NULL DEFAULT now(),
    note      text NOT NULL,
    -- Whose documents it changed: a tenant's history leaves the others' revisions out.
    tenants   text[] COLLATE "C" NOT NULL,
    -- All documents of all tenants, as they were written. They name secrets and hold none.
    documents jsonb NOT NULL,
    -- What it changed, as it was told then: a later program may compare documents otherwise.
    changes   jsonb NOT NULL
);
CREATE INDEX config_revisions_by_tenant ON config_revisions USING gin (tenants);

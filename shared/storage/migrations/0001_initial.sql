-- why: the rows that outlive Redis. One transaction of the collector moves a partition's positions, its rows and its
-- events forward together, so every table here is true as of `partitions.changes_pos`.
--
-- Conventions
--   * Every primary key of customers' data begins with the tenant: rows of two tenants can never collide.
--   * Positions and versions are stream ids as fixed-width text (`000001700000000000-0000000001`), compared bytewise: hence
--     COLLATE "C". The greater text is the newer version.
--   * `state` holds the fold itself (an encoded tributary.v1.State); `fields` is what people see of it, for SQL by hand.
--     Code reads `state` alone.

-- why: the number of partitions decides where every id lives, so it can never change under stored rows.
CREATE TABLE deployment (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 1024)
);

-- why: one row a partition, updated by every flush: its lock puts flushes in a row, its epoch refuses former owners, and
-- its position refuses a flush that was folded from somewhere else.
CREATE TABLE partitions (
    p                  integer PRIMARY KEY,
    epoch              bigint NOT NULL DEFAULT 0,
    changes_pos        text COLLATE "C" NOT NULL,
    events_pos         text COLLATE "C" NOT NULL,
    published_profiles text COLLATE "C" NOT NULL,
    published_sessions text COLLATE "C" NOT NULL,
    -- While it lies ahead, Redis may have lost what it remembered of event ids, and appends are to ask this database. Not used yet.
    recheck_until      timestamptz
);

-- why: one row a member, that is, what was recorded under one profile id.
CREATE TABLE profiles (
    tenant     text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    p          integer NOT NULL,
    version    text COLLATE "C" NOT NULL,
    state      bytea NOT NULL,
    fields     jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
-- why: recovery publishes what a crash left unpublished: the rows of a partition above a version, ascending.
CREATE INDEX profiles_by_version ON profiles (p, version);

-- why: a session is the join of its members, one for each profile at which its events were accepted.
CREATE TABLE sessions (
    tenant     text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    origin     text COLLATE "C" NOT NULL,
    -- The profile that the session was bound to at acceptance: where a retry starts once Redis has forgotten the binding.
    bound      text COLLATE "C" NOT NULL,
    p          integer NOT NULL,
    version    text COLLATE "C" NOT NULL,
    state      bytea NOT NULL,
    fields     jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id, origin)
);
CREATE INDEX sessions_by_version ON sessions (p, version);

-- why: when two profiles meet, the one born first stays; so the birth is written once and never again.
CREATE TABLE origins (
    tenant text COLLATE "C" NOT NULL,
    id     text COLLATE "C" NOT NULL,
    born   timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- why: partitioned by the day of receipt, so that retention drops a table instead of deleting rows. The day tables are
-- made ahead by the collector. `received` belongs to the key because Postgres wants the partition's column in it, and
-- because an id used again after the dedup window is another event.
CREATE TABLE events (
    tenant     text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    type       text COLLATE "C" NOT NULL,
    source     text COLLATE "C" NOT NULL,
    profile_id text COLLATE "C" NOT NULL,
    session_id text COLLATE "C",
    time       timestamptz NOT NULL,
    received   timestamptz NOT NULL,
    properties jsonb NOT NULL,
    context    jsonb NOT NULL,
    revision   text NOT NULL,
    request_id text,
    -- Derived events: the event that caused this one, and how far it is from a client's.
    cause      text COLLATE "C",
    depth      integer NOT NULL DEFAULT 0,
    p          integer NOT NULL,
    -- The id of the event's entry in its stream.
    entry      text COLLATE "C" NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id, received)
) PARTITION BY RANGE (received);
-- why: a profile's history is read newest first, a page at a time; the order is total, so no page skips or repeats.
CREATE INDEX events_by_profile ON events (tenant, profile_id, time DESC, id DESC, received DESC);
CREATE INDEX events_by_session ON events (tenant, session_id) WHERE session_id IS NOT NULL;

-- why: an entry that can never be written would stop its partition for ever; it is set aside in the transaction that
-- would have written it, so it is neither lost nor counted twice.
CREATE TABLE dead_letters (
    tenant    text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    p         integer NOT NULL,
    entry     text COLLATE "C" NOT NULL,
    subject   text COLLATE "C" NOT NULL,
    reason    text COLLATE "C" NOT NULL,
    message   text NOT NULL,
    data      bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, kind, p, entry, subject)
);

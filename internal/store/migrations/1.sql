-- What Cairn did to this database. Times are those of this server.

-- The version of these tables, in one row.
CREATE TABLE cairn.journal (
    version integer NOT NULL
);
INSERT INTO cairn.journal VALUES (1);

-- One application of a plan.
CREATE TABLE cairn.run (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state            text NOT NULL CHECK (state IN ('running', 'stopped', 'failed', 'done', 'undone', 'abandoned', 'superseded')),
    digest           text NOT NULL,                  -- of the plan
    from_fingerprint text NOT NULL,
    to_fingerprint   text NOT NULL,
    schemas          text[] NOT NULL,                -- that the plan manages, empty for all
    steps            integer NOT NULL,               -- of the plan
    undoes           bigint REFERENCES cairn.run,    -- the run that this one takes back
    role             text NOT NULL,                  -- the session's user
    account          text NOT NULL,                  -- user and host that cairn ran as and on
    client           text NOT NULL,                  -- address that the server saw, '' for a local socket
    program          text NOT NULL,                  -- version of cairn
    started          timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended            timestamptz,
    error            text NOT NULL DEFAULT '',
    plan             bytea NOT NULL,                 -- the plan file, compressed by gzip
    before           bytea                           -- a snapshot of what the plan changes, compressed by gzip; only of the last runs
);
CREATE INDEX ON cairn.run (digest);

-- What became of each step of a run.
CREATE TABLE cairn.step (
    run     bigint NOT NULL REFERENCES cairn.run,
    step    integer NOT NULL,                        -- from 1
    outcome text NOT NULL CHECK (outcome IN ('started', 'done', 'failed')),
    hash    text NOT NULL,                           -- sha256 of the statement
    tries   integer NOT NULL DEFAULT 1,
    started timestamptz NOT NULL,
    ended   timestamptz,
    error   text NOT NULL DEFAULT '',
    PRIMARY KEY (run, step)
);

//! The tables of proposals, canaries, outcomes and runs: rows are only ever added.

/// The tables.
pub const SCHEMA: &str = "
CREATE TABLE proposal (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt TEXT NOT NULL,                         -- without version
    cause  TEXT NOT NULL,
    body   TEXT NOT NULL,                         -- canonical JSON of the proposal
    entry  INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;
CREATE INDEX proposal_by_prompt ON proposal (prompt, id);

CREATE TABLE proposal_standing (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    proposal INTEGER NOT NULL REFERENCES proposal (id),
    standing TEXT NOT NULL,
    until    INTEGER,                             -- of what is deferred, ms
    version  TEXT,                                -- of what was applied: the version that it became
    entry    INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;
CREATE INDEX proposal_standing_of ON proposal_standing (proposal, id);

CREATE TABLE agent_run (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    at    INTEGER NOT NULL,                       -- ms
    body  TEXT NOT NULL,                          -- canonical JSON of the run's record
    entry INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;

CREATE TABLE canary (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    proposal INTEGER NOT NULL REFERENCES proposal (id),
    prompt   TEXT NOT NULL,
    version  TEXT NOT NULL,                       -- the candidate; what it stands beside is the active one
    share    REAL NOT NULL,
    entry    INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;
CREATE TABLE canary_end (
    canary INTEGER PRIMARY KEY REFERENCES canary (id),
    how    TEXT NOT NULL CHECK (how IN ('promote', 'stop')),
    entry  INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;

CREATE TABLE proposal_outcome (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    proposal INTEGER NOT NULL REFERENCES proposal (id),
    at       INTEGER NOT NULL,                    -- ms
    body     TEXT NOT NULL,                       -- canonical JSON of the settled outcome
    entry    INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;

CREATE TRIGGER proposal_stays BEFORE UPDATE ON proposal
BEGIN SELECT RAISE (ABORT, 'a proposal is immutable'); END;
CREATE TRIGGER proposal_kept BEFORE DELETE ON proposal
BEGIN SELECT RAISE (ABORT, 'a proposal is kept'); END;
CREATE TRIGGER proposal_standing_stays BEFORE UPDATE ON proposal_standing
BEGIN SELECT RAISE (ABORT, 'what became of a proposal is appended only'); END;
CREATE TRIGGER proposal_standing_kept BEFORE DELETE ON proposal_standing
BEGIN SELECT RAISE (ABORT, 'what became of a proposal is appended only'); END;
CREATE TRIGGER proposal_outcome_stays BEFORE UPDATE ON proposal_outcome
BEGIN SELECT RAISE (ABORT, 'an outcome is immutable'); END;
CREATE TRIGGER proposal_outcome_kept BEFORE DELETE ON proposal_outcome
BEGIN SELECT RAISE (ABORT, 'an outcome is kept'); END;
CREATE TRIGGER agent_run_stays BEFORE UPDATE ON agent_run
BEGIN SELECT RAISE (ABORT, 'a run is immutable'); END;
CREATE TRIGGER agent_run_kept BEFORE DELETE ON agent_run
BEGIN SELECT RAISE (ABORT, 'a run is kept'); END;
";

-- The tables of Roundtrip.
--
-- Instants are whole microseconds since 1970 (`…_us`), so that they can be compared. A `document` is the JSON of one
-- domain value and holds all of it; the words beside it are generated from the document, so the two cannot disagree.

CREATE TABLE user_integrations (
    provider      TEXT    NOT NULL,
    account_id    TEXT    NOT NULL,
    email         TEXT,
    display_name  TEXT,
    scopes        TEXT    NOT NULL CHECK (json_valid(scopes)),
    status        TEXT    NOT NULL CHECK (status IN ('active', 'needs_reauth', 'error', 'revoked')),
    revoked_at_us INTEGER,
    error_count   INTEGER NOT NULL DEFAULT 0 CHECK (error_count >= 0),
    extra         TEXT    NOT NULL CHECK (json_valid(extra)),
    key_version   INTEGER,
    tokens        BLOB,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    PRIMARY KEY (provider, account_id),
    CHECK ((tokens IS NULL) = (key_version IS NULL))
) STRICT;

CREATE TABLE calendar_sync_configs (
    connection    TEXT    NOT NULL PRIMARY KEY,
    document      TEXT    NOT NULL CHECK (json_valid(document)),
    enabled       INTEGER AS (document ->> '$.enabled') VIRTUAL,
    direction     TEXT    AS (document ->> '$.direction') VIRTUAL,
    every_minutes INTEGER AS (document ->> '$.every_minutes') VIRTUAL
) STRICT;

CREATE TABLE calendar_sync_filters (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES calendar_sync_configs (connection) ON DELETE CASCADE,
    document   TEXT NOT NULL CHECK (json_valid(document))
) STRICT;

CREATE TABLE calendar_sync_mappings (
    connection     TEXT NOT NULL,
    appointment_id TEXT NOT NULL,
    document       TEXT NOT NULL CHECK (json_valid(document)),
    link           TEXT AS (document ->> '$.link.kind') VIRTUAL,
    generation     ANY  AS (document ->> '$.generation') VIRTUAL,
    event_id       TEXT AS (document ->> '$.event_id') VIRTUAL,
    etag           TEXT AS (document ->> '$.event.etag') VIRTUAL,
    version        ANY  AS (document ->> '$.appointment.version') VIRTUAL,
    PRIMARY KEY (connection, appointment_id)
) STRICT;
CREATE INDEX calendar_sync_mappings_event ON calendar_sync_mappings (connection, event_id);

-- Runs and items are both the history; they are listed, paged and counted apart.
CREATE TABLE calendar_sync_runs (
    connection    TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    started_at_us INTEGER NOT NULL,
    document      TEXT    NOT NULL CHECK (json_valid(document)),
    result        TEXT    AS (document ->> '$.result') VIRTUAL,
    PRIMARY KEY (connection, id)
) STRICT;
CREATE INDEX calendar_sync_runs_started ON calendar_sync_runs (connection, started_at_us);

CREATE TABLE calendar_sync_history (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    connection     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    at_us          INTEGER NOT NULL,
    document       TEXT    NOT NULL CHECK (json_valid(document)),
    run_id         TEXT    AS (document ->> '$.run_id') VIRTUAL,
    appointment_id TEXT    AS (document ->> '$.appointment_id') VIRTUAL,
    result         TEXT    AS (document ->> '$.result') VIRTUAL,
    UNIQUE (connection, id)
) STRICT;
CREATE INDEX calendar_sync_history_at ON calendar_sync_history (connection, at_us);
CREATE INDEX calendar_sync_history_appointment ON calendar_sync_history (connection, appointment_id, at_us);

CREATE TABLE calendar_sync_conflicts (
    connection     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    raised_at_us   INTEGER NOT NULL,
    closed_at_us   INTEGER,
    document       TEXT    NOT NULL CHECK (json_valid(document)),
    appointment_id TEXT    AS (document ->> '$.appointment_id') VIRTUAL,
    kind           TEXT    AS (document ->> '$.kind') VIRTUAL,
    state          TEXT    AS (document ->> '$.state.kind') VIRTUAL,
    PRIMARY KEY (connection, id)
) STRICT;
CREATE INDEX calendar_sync_conflicts_state ON calendar_sync_conflicts (connection, state, raised_at_us);

-- What the guard asks before a mass change.
CREATE TABLE calendar_sync_questions (
    connection     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    asked_at_us    INTEGER NOT NULL,
    answered_at_us INTEGER,
    document       TEXT    NOT NULL CHECK (json_valid(document)),
    kind           TEXT    AS (document ->> '$.kind') VIRTUAL,
    answer         TEXT    AS (document ->> '$.answer') VIRTUAL,
    PRIMARY KEY (connection, id)
) STRICT;

CREATE TABLE sync_state (
    connection TEXT NOT NULL PRIMARY KEY,
    document   TEXT NOT NULL CHECK (json_valid(document))
) STRICT;

-- At most one sent and one waiting row per link and side (P6). SQLite checks a unique index row by row, but the rule
-- is about the end of a commit: inside one, a waiting row may become the sent one and leave its place to a newer
-- intent in either order. So `slot` is empty while a commit works and takes the state at its end.
CREATE TABLE outbox (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    connection     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    slot           TEXT,
    due_at_us      INTEGER NOT NULL,
    created_at_us  INTEGER NOT NULL,
    document       TEXT    NOT NULL CHECK (json_valid(document)),
    appointment_id TEXT    NOT NULL AS (document ->> '$.appointment_id') VIRTUAL,
    side           TEXT    NOT NULL AS (document ->> '$.side') VIRTUAL,
    state          TEXT    NOT NULL AS (document ->> '$.state') VIRTUAL,
    UNIQUE (connection, id),
    CHECK (slot IS NULL OR slot = state)
) STRICT;
CREATE UNIQUE INDEX outbox_one_per_slot ON outbox (connection, appointment_id, side, slot);
CREATE INDEX outbox_created ON outbox (connection, created_at_us, sequence);

-- Calendars the trainer may choose as sources of busy times, and those times (times only, no content).
CREATE TABLE external_calendars (
    connection  TEXT NOT NULL,
    calendar_id TEXT NOT NULL,
    document    TEXT NOT NULL CHECK (json_valid(document)),
    PRIMARY KEY (connection, calendar_id)
) STRICT;

CREATE TABLE external_availability_blocks (
    connection  TEXT    NOT NULL,
    calendar_id TEXT    NOT NULL,
    start_at_us INTEGER NOT NULL,
    end_at_us   INTEGER NOT NULL CHECK (end_at_us > start_at_us),
    PRIMARY KEY (connection, calendar_id, start_at_us, end_at_us),
    FOREIGN KEY (connection, calendar_id) REFERENCES external_calendars (connection, calendar_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE settings (
    key      TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL CHECK (json_valid(document))
) STRICT;

CREATE TABLE audit_log (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us      INTEGER NOT NULL,
    connection TEXT,
    event      TEXT    NOT NULL,
    details    TEXT    NOT NULL CHECK (json_valid(details))
) STRICT;
CREATE INDEX audit_log_at ON audit_log (at_us);

CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only');
END;

-- An entry may go only once the log holds one that is more than 365 days younger. The retention writes such an entry
-- about itself first, so that even this deletion is on record.
CREATE TRIGGER audit_log_is_kept_a_year BEFORE DELETE ON audit_log
WHEN OLD.at_us >= (SELECT max(at_us) FROM audit_log) - 31536000000000
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only');
END;

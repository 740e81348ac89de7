-- Events that the trainer marked: what the open question needs of them, or that they were dismissed (then nothing but the id).
CREATE TABLE calendar_sync_marked (
    connection TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    document   TEXT NOT NULL CHECK (json_valid(document)),
    step       TEXT AS (document ->> '$.step.kind') VIRTUAL,
    PRIMARY KEY (connection, event_id)
) STRICT;

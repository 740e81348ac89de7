-- How long both sides have been without a success, and what was counted on each day (at most 90 of them).
CREATE TABLE silence_watch (
    connection TEXT NOT NULL PRIMARY KEY,
    document   TEXT NOT NULL CHECK (json_valid(document))
) STRICT;

CREATE TABLE daily_counts (
    connection TEXT NOT NULL,
    day        TEXT NOT NULL CHECK (day GLOB '????-??-??'),
    document   TEXT NOT NULL CHECK (json_valid(document)),
    PRIMARY KEY (connection, day)
) STRICT;

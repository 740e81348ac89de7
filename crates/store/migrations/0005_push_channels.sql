-- Channels of a calendar's notices, so that a restart makes no second one. Their tokens are kept nowhere.
CREATE TABLE push_channels (
    connection TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    document   TEXT NOT NULL CHECK (json_valid(document)),
    PRIMARY KEY (connection, channel_id)
) STRICT;

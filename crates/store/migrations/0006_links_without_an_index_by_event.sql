-- Nobody looks a link up by its event: all links are read, and sorted in memory. To keep this index, SQLite read the document of
-- each link that was written twice, the one before and the one after.
DROP INDEX calendar_sync_mappings_event;

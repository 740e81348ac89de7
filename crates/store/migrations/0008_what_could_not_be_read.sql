-- The documents of links tell where the platform's last word could not be read. An older version would drop that when it writes them,
-- and call the visit synced: to the database they are another schema.
SELECT 1;

-- The documents of links and marked events say more than before (what was kept and why, which words were written). An older version
-- would drop that when it writes them, and make an event twice: to the database they are another schema.
SELECT 1;

-- `INSERT OR REPLACE` removes the row in its way without running the triggers of a deletion.
CREATE TRIGGER audit_log_is_never_replaced BEFORE INSERT ON audit_log
WHEN NEW.sequence IN (SELECT sequence FROM audit_log)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only');
END;

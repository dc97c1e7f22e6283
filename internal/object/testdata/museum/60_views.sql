-- Views, rules, triggers and policies.
CREATE VIEW hall.authors AS SELECT id, name, "Mixed Case", mood FROM hall.author WHERE born IS NOT NULL;
CREATE VIEW hall.safe WITH (security_barrier = true, check_option = cascaded) AS SELECT id, name FROM hall.author WHERE id > 5;
CREATE VIEW hall.local_check WITH (check_option = local) AS SELECT * FROM hall.authors WHERE id < 5;
CREATE RECURSIVE VIEW public.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 10;
CREATE VIEW hall.of_functions AS SELECT f.i, hall.total(f.i) OVER (ORDER BY f.i) AS s FROM hall.many(3) f;
CREATE VIEW "Hall of Mirrors"."View 1" AS SELECT a.*, b.title AS "The ""Title""" FROM hall.authors a JOIN hall.book b ON b.author = a.id;
COMMENT ON VIEW hall.authors IS 'those born';
COMMENT ON COLUMN hall.authors."Mixed Case" IS 'copied';
ALTER VIEW hall.authors ALTER COLUMN name SET DEFAULT 'from the view';
ALTER VIEW hall.authors OWNER TO museum_owner;
GRANT SELECT, INSERT ON hall.authors TO museum_reader;
GRANT UPDATE (name) ON hall.authors TO museum_reader;

CREATE MATERIALIZED VIEW hall.summary WITH (fillfactor = 50) AS SELECT author, count(*) AS n, max(title) AS last FROM hall.book GROUP BY author;
CREATE MATERIALIZED VIEW hall.unfilled USING heap_again AS SELECT * FROM hall.summary WITH NO DATA;
CREATE UNIQUE INDEX summary_author ON hall.summary (author);
CREATE MATERIALIZED VIEW hall.stored TABLESPACE museum_space AS SELECT 1 AS one;
ALTER MATERIALIZED VIEW hall.summary ALTER COLUMN last SET STATISTICS 10, ALTER COLUMN last SET STORAGE EXTERNAL, CLUSTER ON summary_author;
COMMENT ON MATERIALIZED VIEW hall.summary IS 'counted';
COMMENT ON COLUMN hall.summary.n IS 'how many';
ALTER MATERIALIZED VIEW hall.summary OWNER TO museum_owner;
GRANT SELECT ON hall.summary TO museum_reader;

CREATE RULE insert_author AS ON INSERT TO hall.safe DO INSTEAD INSERT INTO hall.author (name) VALUES (new.name) RETURNING id, name;
CREATE RULE nothing AS ON DELETE TO hall.fleeting WHERE old.a > 5 DO INSTEAD NOTHING;
CREATE RULE also AS ON UPDATE TO hall.fleeting DO ALSO (SELECT 1; NOTIFY museum, 'it''s');
CREATE RULE silent AS ON DELETE TO hall.book DO ALSO NOTIFY gone;
ALTER TABLE hall.book DISABLE RULE silent;
ALTER TABLE hall.fleeting ENABLE ALWAYS RULE also;
CREATE RULE replicated AS ON INSERT TO hall.fleeting DO ALSO NOTIFY come;
ALTER TABLE hall.fleeting ENABLE REPLICA RULE replicated;
COMMENT ON RULE nothing ON hall.fleeting IS 'keeps some';

CREATE FUNCTION hall.fire() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN new; END$$;
CREATE TRIGGER each_row BEFORE INSERT OR UPDATE OF title, third ON hall.book FOR EACH ROW WHEN (new.title IS NOT NULL) EXECUTE FUNCTION hall.fire('a', 'it''s', '');
CREATE TRIGGER each_statement AFTER DELETE OR TRUNCATE ON hall.book FOR EACH STATEMENT EXECUTE FUNCTION hall.fire();
CREATE TRIGGER transition AFTER UPDATE ON hall.book REFERENCING OLD TABLE AS before NEW TABLE AS "After" FOR EACH STATEMENT EXECUTE FUNCTION hall.fire();
CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON hall.book FROM hall.author DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hall.fire();
CREATE CONSTRAINT TRIGGER at_once AFTER INSERT ON hall.book FOR EACH ROW EXECUTE FUNCTION hall.fire();
CREATE CONSTRAINT TRIGGER may_wait AFTER INSERT ON hall.book DEFERRABLE FOR EACH ROW EXECUTE FUNCTION hall.fire();
CREATE TRIGGER instead INSTEAD OF INSERT ON hall.authors FOR EACH ROW EXECUTE FUNCTION hall.fire();
CREATE TRIGGER on_event AFTER INSERT ON hall.event FOR EACH ROW EXECUTE FUNCTION hall.fire();
ALTER TABLE hall.book DISABLE TRIGGER each_row;
ALTER TABLE hall.book ENABLE ALWAYS TRIGGER each_statement;
ALTER TABLE hall.book ENABLE REPLICA TRIGGER checked;
COMMENT ON TRIGGER each_row ON hall.book IS 'never fires';

ALTER TABLE hall.author ENABLE ROW LEVEL SECURITY;
ALTER TABLE hall.book ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON hall.author USING (true);
CREATE POLICY readers ON hall.author AS RESTRICTIVE FOR SELECT TO museum_reader, museum_owner USING (id > 3);
CREATE POLICY writers ON hall.author FOR INSERT TO museum_reader WITH CHECK (name <> '');
CREATE POLICY changers ON hall.author FOR UPDATE TO PUBLIC USING (id IN (SELECT author FROM hall.book)) WITH CHECK (hall.mood_number(mood) > 1);
CREATE POLICY removers ON hall.author FOR DELETE USING (false);
CREATE POLICY of_books ON hall.book FOR SELECT TO museum_reader USING (title IS NOT NULL);
COMMENT ON POLICY readers ON hall.author IS 'who may see';

CREATE FUNCTION hall.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;
CREATE EVENT TRIGGER museum_end ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION hall.watch();
CREATE EVENT TRIGGER museum_start ON ddl_command_start EXECUTE FUNCTION hall.watch();
CREATE FUNCTION "Hall of Mirrors".watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;
CREATE EVENT TRIGGER museum_drop ON sql_drop EXECUTE FUNCTION "Hall of Mirrors".watch();
CREATE EVENT TRIGGER museum_rewrite ON table_rewrite EXECUTE FUNCTION hall.watch();
ALTER EVENT TRIGGER museum_start DISABLE;
ALTER EVENT TRIGGER museum_start OWNER TO museum_super;
ALTER EVENT TRIGGER museum_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER museum_rewrite ENABLE REPLICA;
COMMENT ON EVENT TRIGGER museum_end IS 'watches';

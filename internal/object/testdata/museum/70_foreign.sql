-- Foreign data and replication.
CREATE FOREIGN DATA WRAPPER dummy OPTIONS (debug 'it''s', "Mixed" 'x');
CREATE FOREIGN DATA WRAPPER checked VALIDATOR postgresql_fdw_validator;
CREATE FUNCTION hall.fdw_handler() RETURNS fdw_handler LANGUAGE c AS '$libdir/postgres_fdw', 'postgres_fdw_handler';
CREATE FOREIGN DATA WRAPPER handled HANDLER hall.fdw_handler;
ALTER FOREIGN DATA WRAPPER checked OWNER TO museum_super;
COMMENT ON FOREIGN DATA WRAPPER dummy IS 'does nothing';
GRANT USAGE ON FOREIGN DATA WRAPPER dummy TO museum_reader;
CREATE SERVER far TYPE 'postgres' VERSION '9.6' FOREIGN DATA WRAPPER checked OPTIONS (host 'example.org', port '5433');
CREATE SERVER "Near" FOREIGN DATA WRAPPER dummy;
COMMENT ON SERVER far IS 'away';
ALTER SERVER far OWNER TO museum_owner;
GRANT USAGE ON FOREIGN SERVER far TO museum_reader WITH GRANT OPTION;
CREATE USER MAPPING FOR museum_reader SERVER far OPTIONS (user 'somebody');
CREATE USER MAPPING FOR PUBLIC SERVER far;
CREATE FOREIGN TABLE hall.distant (
    id integer OPTIONS (column_name 'the id') NOT NULL,
    name text OPTIONS (a '1', b 'it''s') COLLATE "C" DEFAULT 'none',
    twice integer GENERATED ALWAYS AS (id * 2) STORED,
    CONSTRAINT positive CHECK (id > 0)
) SERVER "Near" OPTIONS (schema_name 'x', "Table" 'y');
ALTER FOREIGN TABLE hall.distant ALTER name SET STATISTICS 5, ALTER name SET (n_distinct = 3), ALTER name SET STORAGE PLAIN;
ALTER FOREIGN TABLE hall.distant ALTER name SET STORAGE EXTERNAL;
CREATE FOREIGN TABLE hall.distant_child () INHERITS (hall.parent) SERVER "Near";
CREATE TABLE hall.listed (a integer, b text) PARTITION BY LIST (a);
CREATE FOREIGN TABLE hall.listed_1 PARTITION OF hall.listed (b DEFAULT 'far') FOR VALUES IN (1) SERVER "Near" OPTIONS (p 'q');
CREATE FOREIGN TABLE "Hall of Mirrors"."Far" (a integer) SERVER far;
CREATE TRIGGER far_trigger AFTER INSERT ON hall.distant FOR EACH ROW EXECUTE FUNCTION hall.fire();
COMMENT ON FOREIGN TABLE hall.distant IS 'not here';
COMMENT ON COLUMN hall.distant.name IS 'its name';
ALTER FOREIGN TABLE hall.distant OWNER TO museum_owner;
GRANT SELECT ON hall.distant TO museum_reader;
GRANT INSERT (name) ON hall.distant TO museum_reader;

CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert');
CREATE PUBLICATION "Some" FOR TABLE hall.pairs, ONLY hall.parent, hall.event WITH (publish_via_partition_root = true);
CREATE PUBLICATION another FOR TABLE ONLY hall.pairs;
CREATE PUBLICATION nothing WITH (publish = 'update, delete, truncate');
COMMENT ON PUBLICATION "Some" IS 'a few';
ALTER PUBLICATION nothing OWNER TO museum_owner;
CREATE SUBSCRIPTION museum_all CONNECTION 'dbname=x host=example.org' PUBLICATION "B c", a WITH (connect = false, slot_name = NONE,
    binary = true, synchronous_commit = 'remote_apply', streaming = true);
CREATE SUBSCRIPTION museum_plain CONNECTION 'host=example.org' PUBLICATION a WITH (connect = false);
ALTER SUBSCRIPTION museum_plain OWNER TO museum_super;
COMMENT ON SUBSCRIPTION museum_all IS 'takes';

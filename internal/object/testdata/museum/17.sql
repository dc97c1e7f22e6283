-- New in PostgreSQL 17.
CREATE COLLATION hall.builtin (PROVIDER = builtin, LOCALE = 'C.UTF-8');
CREATE EVENT TRIGGER museum_login ON login EXECUTE FUNCTION hall.watch();
ALTER EVENT TRIGGER museum_login DISABLE;
GRANT MAINTAIN ON hall.author TO museum_reader;
CREATE SUBSCRIPTION museum_17 CONNECTION 'host=example.org' PUBLICATION a WITH (connect = false, failover = true);
CREATE TABLE hall.partitioned_identity (a integer GENERATED ALWAYS AS IDENTITY, b integer) PARTITION BY LIST (b);
CREATE TABLE hall.partitioned_identity_1 PARTITION OF hall.partitioned_identity FOR VALUES IN (1);
CREATE TABLE hall.partitioned_exclude (a integer, q int4range, r int4range, EXCLUDE USING gist (r WITH &&, q WITH =)) PARTITION BY LIST (q);

-- New in PostgreSQL 15.
CREATE UNLOGGED SEQUENCE hall.fleeting_counter;
CREATE TABLE hall.distinct_nulls (a integer, b integer, UNIQUE NULLS NOT DISTINCT (a), n numeric(3, -2));
CREATE UNIQUE INDEX distinct_nulls_b ON hall.distinct_nulls (b) NULLS NOT DISTINCT;
CREATE TABLE hall.set_some (a integer, b integer, FOREIGN KEY (a, b) REFERENCES hall.pairs ON DELETE SET NULL (b));
CREATE TABLE hall.default_some (a integer, b integer, FOREIGN KEY (a, b) REFERENCES hall.pairs ON DELETE SET DEFAULT (a));
CREATE VIEW hall.invoked WITH (security_invoker = true) AS SELECT 1 AS one;
CREATE PUBLICATION filtered FOR TABLE hall.pairs (a, b) WHERE (a > 5), TABLE hall.pair_use WHERE (a > b);
CREATE PUBLICATION both_sorts FOR TABLE hall.pairs WHERE (b > 5), TABLES IN SCHEMA "Hall of Mirrors";
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA hall, "Hall of Mirrors";
CREATE SUBSCRIPTION museum_15 CONNECTION 'host=example.org' PUBLICATION a WITH (connect = false, two_phase = true, disable_on_error = true);

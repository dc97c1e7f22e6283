-- New in PostgreSQL 16.
CREATE COLLATION hall.ruled (PROVIDER = icu, LOCALE = 'und', RULES = '&a < g');
CREATE SUBSCRIPTION museum_16 CONNECTION 'host=example.org' PUBLICATION a WITH (connect = false, streaming = parallel, origin = none,
    password_required = false, run_as_owner = true);
CREATE TABLE hall.stored_so (a text STORAGE EXTERNAL);

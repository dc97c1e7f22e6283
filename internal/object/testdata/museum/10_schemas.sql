-- Schemas, extensions, languages and what a new object may be granted.
CREATE SCHEMA hall AUTHORIZATION museum_owner;
CREATE SCHEMA "Hall of Mirrors";
COMMENT ON SCHEMA hall IS 'the rooms';
COMMENT ON SCHEMA "Hall of Mirrors" IS 'it''s "quoted"';
GRANT USAGE ON SCHEMA hall TO museum_reader;
GRANT CREATE, USAGE ON SCHEMA "Hall of Mirrors" TO museum_owner WITH GRANT OPTION;

CREATE EXTENSION hstore WITH SCHEMA hall;
CREATE EXTENSION pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION hstore IS 'ours';

CREATE FUNCTION hall.handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION hall.inline(internal) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION hall.validator(oid) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE "Pl" HANDLER hall.handler INLINE hall.inline VALIDATOR hall.validator;
CREATE FUNCTION "Hall of Mirrors".handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE bare HANDLER "Hall of Mirrors".handler;
COMMENT ON LANGUAGE "Pl" IS 'a tongue';
ALTER LANGUAGE "Pl" OWNER TO museum_owner;
REVOKE USAGE ON LANGUAGE "Pl" FROM PUBLIC;
GRANT USAGE ON LANGUAGE "Pl" TO museum_reader;

ALTER DEFAULT PRIVILEGES FOR ROLE museum_owner GRANT SELECT ON TABLES TO museum_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE museum_owner IN SCHEMA hall GRANT USAGE ON SEQUENCES TO museum_reader WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE museum_owner REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE museum_owner IN SCHEMA hall GRANT USAGE ON TYPES TO museum_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE museum_owner GRANT ALL ON SCHEMAS TO museum_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE museum_reader GRANT INSERT ON TABLES TO museum_owner;

-- Types of every form, collations and conversions.
CREATE COLLATION hall.plain FROM "C";
CREATE COLLATION "Hall of Mirrors"."Odd" FROM "C";
CREATE COLLATION hall.ordered (PROVIDER = icu, LOCALE = 'de-u-co-phonebk', DETERMINISTIC = false);
CREATE COLLATION hall.libc (LC_COLLATE = 'C', LC_CTYPE = 'POSIX');
COMMENT ON COLLATION hall.ordered IS 'as in the phone book';
ALTER COLLATION hall.ordered OWNER TO museum_owner;

CREATE CONVERSION hall.usual FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION "Hall of Mirrors".back FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
COMMENT ON CONVERSION hall.usual IS 'both ways';
ALTER CONVERSION hall.usual OWNER TO museum_owner;

CREATE TYPE hall.mood AS ENUM ('low', 'so "so"', 'it''s high', '');
CREATE TYPE hall.nothing AS ENUM ();
CREATE TYPE "Hall of Mirrors"."Size" AS ENUM ('S', 'M', 'L');
COMMENT ON TYPE hall.mood IS 'how it is';
ALTER TYPE hall.mood OWNER TO museum_owner;
REVOKE USAGE ON TYPE hall.mood FROM PUBLIC;
GRANT USAGE ON TYPE hall.mood TO museum_reader;

CREATE TYPE hall.address AS (street text COLLATE "C", number integer, "Post Code" varchar(10), moods hall.mood[]);
CREATE TYPE hall.empty AS ();
COMMENT ON TYPE hall.address IS 'where';
COMMENT ON COLUMN hall.address."Post Code" IS 'up to ten';
ALTER TYPE hall.address OWNER TO museum_owner;
GRANT USAGE ON TYPE hall.address TO museum_reader WITH GRANT OPTION;

CREATE DOMAIN hall.code AS varchar(12) COLLATE "C" DEFAULT 'none'::varchar NOT NULL
    CONSTRAINT code_shape CHECK (VALUE ~ '^[a-z]+$') CONSTRAINT "code Length" CHECK (length(VALUE) > 2);
ALTER DOMAIN hall.code ADD CONSTRAINT later CHECK (VALUE <> 'never') NOT VALID;
CREATE DOMAIN hall.codes AS hall.code[];
CREATE DOMAIN hall.deep AS hall.address CHECK ((VALUE).number > 0);
COMMENT ON DOMAIN hall.code IS 'a code';
COMMENT ON CONSTRAINT code_shape ON DOMAIN hall.code IS 'letters only';
ALTER DOMAIN hall.code OWNER TO museum_owner;
GRANT USAGE ON DOMAIN hall.code TO museum_reader;

CREATE FUNCTION hall.float_gap(double precision, double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT RETURN $2 - $1;
CREATE TYPE hall.span AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = hall.float_gap);
CREATE TYPE hall.words AS RANGE (SUBTYPE = text, COLLATION = "C", SUBTYPE_OPCLASS = text_pattern_ops, MULTIRANGE_TYPE_NAME = hall.many_words);
CREATE TYPE hall.steps;
CREATE FUNCTION hall.steps_canonical(hall.steps) RETURNS hall.steps LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
CREATE TYPE hall.steps AS RANGE (SUBTYPE = integer, CANONICAL = hall.steps_canonical);
COMMENT ON TYPE hall.span IS 'from to';
ALTER TYPE hall.span OWNER TO museum_owner;
GRANT USAGE ON TYPE hall.span TO museum_reader;

CREATE TYPE hall.label;
CREATE FUNCTION hall.label_in(cstring) RETURNS hall.label LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION hall.label_out(hall.label) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION hall.label_recv(internal) RETURNS hall.label LANGUAGE internal STABLE STRICT AS 'textrecv';
CREATE FUNCTION hall.label_send(hall.label) RETURNS bytea LANGUAGE internal STABLE STRICT AS 'textsend';
CREATE FUNCTION hall.label_subscript(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'raw_array_subscript_handler';
CREATE TYPE hall.label (INPUT = hall.label_in, OUTPUT = hall.label_out, RECEIVE = hall.label_recv, SEND = hall.label_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended, CATEGORY = 'S', PREFERRED = false, DEFAULT = 'it''s', DELIMITER = ';',
    COLLATABLE = true, TYPMOD_IN = varchartypmodin, TYPMOD_OUT = varchartypmodout, ANALYZE = ts_typanalyze);
CREATE TYPE hall.number;
CREATE FUNCTION hall.number_in(cstring) RETURNS hall.number LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION hall.number_out(hall.number) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE hall.number (INPUT = hall.number_in, OUTPUT = hall.number_out, LIKE = integer, CATEGORY = 'n', PREFERRED = true);
CREATE TYPE hall.pair;
CREATE FUNCTION hall.pair_in(cstring) RETURNS hall.pair LANGUAGE internal IMMUTABLE STRICT AS 'point_in';
CREATE FUNCTION hall.pair_out(hall.pair) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'point_out';
CREATE TYPE hall.pair (INPUT = hall.pair_in, OUTPUT = hall.pair_out, INTERNALLENGTH = 16, ALIGNMENT = double, ELEMENT = double precision,
    SUBSCRIPT = hall.label_subscript);
CREATE TYPE hall.small;
CREATE FUNCTION hall.small_in(cstring) RETURNS hall.small LANGUAGE internal IMMUTABLE STRICT AS 'int2in';
CREATE FUNCTION hall.small_out(hall.small) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int2out';
CREATE TYPE hall.small (INPUT = hall.small_in, OUTPUT = hall.small_out, INTERNALLENGTH = 2, PASSEDBYVALUE, ALIGNMENT = int2);
CREATE TYPE hall.kept;
CREATE FUNCTION hall.kept_in(cstring) RETURNS hall.kept LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION hall.kept_out(hall.kept) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE TYPE hall.kept (INPUT = hall.kept_in, OUTPUT = hall.kept_out, STORAGE = external);
CREATE TYPE hall.letter;
CREATE FUNCTION hall.letter_in(cstring) RETURNS hall.letter LANGUAGE internal IMMUTABLE STRICT AS 'charin';
CREATE FUNCTION hall.letter_out(hall.letter) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'charout';
CREATE TYPE hall.letter (INPUT = hall.letter_in, OUTPUT = hall.letter_out, INTERNALLENGTH = 1, PASSEDBYVALUE, ALIGNMENT = char);
CREATE TYPE hall.main;
CREATE FUNCTION hall.main_in(cstring) RETURNS hall.main LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION hall.main_out(hall.main) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE TYPE hall.main (INPUT = hall.main_in, OUTPUT = hall.main_out, STORAGE = main);
CREATE TYPE hall.shut;
COMMENT ON TYPE hall.shut IS 'a shell';
CREATE TYPE hall.half;
CREATE FUNCTION hall.half_of(hall.half) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'int4abs';
COMMENT ON TYPE hall.label IS 'a base type';
ALTER TYPE hall.label OWNER TO museum_owner;
REVOKE USAGE ON TYPE hall.label FROM PUBLIC;
GRANT USAGE ON TYPE hall.label TO museum_reader;

-- Functions, procedures, aggregates, operators and what is made of them.
CREATE FUNCTION hall.add_all(a integer, b integer DEFAULT 2, VARIADIC rest integer[] DEFAULT '{}') RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 7 RETURN a + b + coalesce(array_length(rest, 1), 0);
CREATE FUNCTION hall.split_up(INOUT x integer, OUT y text, IN z text DEFAULT 'it''s') RETURNS record
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL RESTRICTED
    SET search_path = hall, public SET work_mem = '8MB' AS $body$BEGIN x := x + 1; y := z || '$$'; END$body$;
CREATE FUNCTION hall.many(n integer) RETURNS TABLE (i integer, t text) LANGUAGE sql ROWS 5
    BEGIN ATOMIC SELECT g, g::text FROM generate_series(1, n) g; END;
CREATE FUNCTION hall.each_one(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS 'SELECT unnest($1)';
CREATE FUNCTION hall.numbered() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_row_number';
CREATE FUNCTION hall.like_c(a integer) RETURNS integer LANGUAGE internal STRICT AS 'int4abs';
CREATE FUNCTION hall.with_support(text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT SUPPORT array_unnest_support AS 'boolin';
CREATE FUNCTION hall.spoken() RETURNS integer LANGUAGE "Pl" AS 'BEGIN RETURN 1; END';
CREATE FUNCTION "Hall of Mirrors"."Mixed Case"("Arg 1" hall.mood, hall.address[]) RETURNS hall.code
    LANGUAGE sql AS $$SELECT 'abc'::hall.code$$;
COMMENT ON FUNCTION hall.add_all(integer, integer, integer[]) IS 'adds';
ALTER FUNCTION hall.add_all(integer, integer, integer[]) OWNER TO museum_owner;
REVOKE EXECUTE ON FUNCTION hall.add_all(integer, integer, integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hall.add_all(integer, integer, integer[]) TO museum_reader;

CREATE PROCEDURE hall.act(INOUT a integer, b text DEFAULT NULL) LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '1s'
    AS 'BEGIN a := a + 1; END';
CREATE PROCEDURE hall.atomic(a integer) BEGIN ATOMIC SELECT a; SELECT a + 1; END;
COMMENT ON PROCEDURE hall.act(integer, text) IS 'acts';
ALTER PROCEDURE hall.act(integer, text) OWNER TO museum_owner;
GRANT EXECUTE ON PROCEDURE hall.act(integer, text) TO museum_reader;

CREATE FUNCTION hall.int_state(bigint, integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $1 + $2;
CREATE FUNCTION hall.int_back(bigint, integer) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN $1 - $2;
CREATE FUNCTION hall.int_both(bigint, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $1 + $2;
CREATE FUNCTION hall.int_final(bigint) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN $1;
CREATE FUNCTION hall.int_final_more(bigint, integer) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN $1;
CREATE AGGREGATE hall.total(integer) (SFUNC = hall.int_state, STYPE = bigint, SSPACE = 64, FINALFUNC = hall.int_final,
    FINALFUNC_MODIFY = shareable, COMBINEFUNC = hall.int_both, INITCOND = '0', PARALLEL = safe,
    MSFUNC = hall.int_state, MINVFUNC = hall.int_back, MSTYPE = bigint, MSSPACE = 32, MFINALFUNC = hall.int_final_more,
    MFINALFUNC_EXTRA, MFINALFUNC_MODIFY = read_write, MINITCOND = '0');
CREATE AGGREGATE hall.total_more(integer) (SFUNC = hall.int_state, STYPE = bigint, FINALFUNC = hall.int_final_more, FINALFUNC_EXTRA,
    FINALFUNC_MODIFY = read_write, MSFUNC = hall.int_state, MINVFUNC = hall.int_back, MSTYPE = bigint, MFINALFUNC = hall.int_final,
    MFINALFUNC_MODIFY = shareable, PARALLEL = restricted);
CREATE AGGREGATE hall.total_plain(integer) (SFUNC = hall.int_state, STYPE = bigint, MSFUNC = hall.int_state, MINVFUNC = hall.int_back, MSTYPE = bigint);
CREATE AGGREGATE hall.gathered(internal_in integer) (SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}');
CREATE AGGREGATE hall.serial_total(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg,
    COMBINEFUNC = numeric_avg_combine, SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize, PARALLEL = safe);
CREATE AGGREGATE hall.percentile(double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
    FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE hall.ranked(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal,
    FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE AGGREGATE hall.lowest(integer) (SFUNC = int4smaller, STYPE = integer, SORTOP = <);
COMMENT ON AGGREGATE hall.total(integer) IS 'sums';
ALTER AGGREGATE hall.total(integer) OWNER TO museum_owner;
GRANT EXECUTE ON FUNCTION hall.total(integer) TO museum_reader;

CREATE FUNCTION hall.label_lt(hall.label, hall.label) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'text_lt';
CREATE FUNCTION hall.label_gt(hall.label, hall.label) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'text_gt';
CREATE FUNCTION hall.label_eq(hall.label, hall.label) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'texteq';
CREATE FUNCTION hall.label_ne(hall.label, hall.label) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'textne';
CREATE FUNCTION hall.label_cmp(hall.label, hall.label) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'bttextcmp';
CREATE FUNCTION hall.label_hash(hall.label) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'hashtext';
CREATE FUNCTION hall.label_text_cmp(hall.label, text) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'bttextcmp';
CREATE FUNCTION hall.label_text_lt(hall.label, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'text_lt';
CREATE OPERATOR hall.< (FUNCTION = hall.label_lt, LEFTARG = hall.label, RIGHTARG = hall.label, COMMUTATOR = OPERATOR(hall.>),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR hall.> (FUNCTION = hall.label_gt, LEFTARG = hall.label, RIGHTARG = hall.label, COMMUTATOR = OPERATOR(hall.<));
CREATE OPERATOR hall.= (FUNCTION = hall.label_eq, LEFTARG = hall.label, RIGHTARG = hall.label, COMMUTATOR = OPERATOR(hall.=),
    NEGATOR = OPERATOR(hall.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR hall.<> (FUNCTION = hall.label_ne, LEFTARG = hall.label, RIGHTARG = hall.label, NEGATOR = OPERATOR(hall.=));
CREATE OPERATOR hall.<~ (FUNCTION = hall.label_text_lt, LEFTARG = hall.label, RIGHTARG = text);
CREATE OPERATOR hall.@@@ (FUNCTION = hall.like_c, RIGHTARG = integer);
COMMENT ON OPERATOR hall.< (hall.label, hall.label) IS 'before';
ALTER OPERATOR hall.< (hall.label, hall.label) OWNER TO museum_owner;
CREATE OPERATOR FAMILY hall.label_family USING btree;
ALTER OPERATOR FAMILY hall.label_family USING btree ADD OPERATOR 1 hall.<~ (hall.label, text), FUNCTION 1 (hall.label, text) hall.label_text_cmp(hall.label, text);
CREATE OPERATOR CLASS hall.label_ops DEFAULT FOR TYPE hall.label USING btree FAMILY hall.label_family AS
    OPERATOR 1 hall.<, OPERATOR 3 hall.=, OPERATOR 5 hall.>, FUNCTION 1 hall.label_cmp(hall.label, hall.label);
CREATE OPERATOR CLASS hall.label_hash_ops FOR TYPE hall.label USING hash AS OPERATOR 1 hall.=, FUNCTION 1 hall.label_hash(hall.label);
CREATE OPERATOR FAMILY hall.near USING gist;
CREATE OPERATOR CLASS hall.near_ops FOR TYPE line USING gist FAMILY hall.near AS
    OPERATOR 15 <-> (line, line) FOR ORDER BY float_ops,
    FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 5 gist_box_penalty(internal, internal, internal), FUNCTION 6 gist_box_picksplit(internal, internal),
    FUNCTION 7 gist_box_same(box, box, internal), FUNCTION 8 gist_box_distance(internal, box, smallint, oid, internal), STORAGE box;
COMMENT ON OPERATOR CLASS hall.label_ops USING btree IS 'sorts';
COMMENT ON OPERATOR FAMILY hall.label_family USING btree IS 'a family';
ALTER OPERATOR CLASS hall.label_ops USING btree OWNER TO museum_owner;
ALTER OPERATOR FAMILY hall.label_family USING btree OWNER TO museum_owner;
CREATE FUNCTION hall.label_larger(hall.label, hall.label) RETURNS hall.label LANGUAGE internal IMMUTABLE STRICT AS 'text_larger';
CREATE AGGREGATE hall.greatest_label(hall.label) (SFUNC = hall.label_larger, STYPE = hall.label, SORTOP = OPERATOR(hall.>));
CREATE TYPE hall.labels AS RANGE (SUBTYPE = hall.label);

CREATE FUNCTION hall.mood_number(hall.mood) RETURNS integer LANGUAGE sql IMMUTABLE STRICT RETURN length($1::text);
CREATE FUNCTION hall.address_text(hall.address, integer, boolean) RETURNS text LANGUAGE sql IMMUTABLE RETURN ($1).street;
CREATE CAST (hall.mood AS integer) WITH FUNCTION hall.mood_number(hall.mood) AS ASSIGNMENT;
CREATE CAST (hall.address AS text) WITH FUNCTION hall.address_text(hall.address, integer, boolean);
CREATE CAST (hall.label AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (hall.pair AS text) WITH INOUT;
COMMENT ON CAST (hall.mood AS integer) IS 'its length';

CREATE FUNCTION hall.code_from(internal) RETURNS internal LANGUAGE internal STRICT IMMUTABLE AS 'prsd_lextype';
CREATE FUNCTION hall.code_to(internal) RETURNS hall.label LANGUAGE internal STRICT IMMUTABLE AS 'textrecv';
CREATE TRANSFORM FOR hall.label LANGUAGE plpgsql (FROM SQL WITH FUNCTION hall.code_from(internal), TO SQL WITH FUNCTION hall.code_to(internal));
CREATE FUNCTION hall.number_from(internal) RETURNS internal LANGUAGE internal STRICT IMMUTABLE AS 'prsd_lextype';
CREATE TRANSFORM FOR hall.number LANGUAGE "Pl" (FROM SQL WITH FUNCTION hall.number_from(internal));
CREATE FUNCTION hall.transformed(hall.label) RETURNS void TRANSFORM FOR TYPE hall.label LANGUAGE plpgsql AS 'BEGIN END';
COMMENT ON TRANSFORM FOR hall.label LANGUAGE plpgsql IS 'as it is';

CREATE ACCESS METHOD heap_again TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD "Btree Again" TYPE INDEX HANDLER bthandler;
COMMENT ON ACCESS METHOD heap_again IS 'the same';
CREATE OPERATOR CLASS hall.again_ops DEFAULT FOR TYPE bigint USING "Btree Again" AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint8cmp(bigint, bigint);

-- Text search.
CREATE FUNCTION hall.next_token(internal, internal, internal) RETURNS internal LANGUAGE internal STRICT AS 'prsd_nexttoken';
CREATE TEXT SEARCH PARSER hall.usual (START = prsd_start, GETTOKEN = hall.next_token, END = prsd_end, LEXTYPES = prsd_lextype,
    HEADLINE = prsd_headline);
CREATE FUNCTION hall.start_parsing(internal, integer) RETURNS internal LANGUAGE internal STRICT AS 'prsd_start';
CREATE FUNCTION hall.end_parsing(internal) RETURNS void LANGUAGE internal STRICT AS 'prsd_end';
CREATE FUNCTION hall.token_types(internal) RETURNS internal LANGUAGE internal STRICT AS 'prsd_lextype';
CREATE TEXT SEARCH PARSER "Hall of Mirrors"."Parser" (START = hall.start_parsing, GETTOKEN = prsd_nexttoken, END = hall.end_parsing, LEXTYPES = hall.token_types);
CREATE TEXT SEARCH TEMPLATE hall.bare (LEXIZE = dsimple_lexize);
CREATE FUNCTION hall.lexize(internal, internal, internal, internal) RETURNS internal LANGUAGE internal STRICT AS 'dsimple_lexize';
CREATE TEXT SEARCH TEMPLATE "Hall of Mirrors"."Template" (INIT = dsimple_init, LEXIZE = hall.lexize);
CREATE TEXT SEARCH DICTIONARY "Hall of Mirrors"."Dictionary" (TEMPLATE = "Hall of Mirrors"."Template");
CREATE TEXT SEARCH CONFIGURATION "Hall of Mirrors"."Configuration" (PARSER = "Hall of Mirrors"."Parser");
CREATE TEXT SEARCH TEMPLATE hall.full (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY hall.words (TEMPLATE = hall.full, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY hall.stems (TEMPLATE = snowball, LANGUAGE = german);
CREATE TEXT SEARCH DICTIONARY hall.plain (TEMPLATE = hall.bare);
CREATE TEXT SEARCH CONFIGURATION hall.config (PARSER = hall.usual);
ALTER TEXT SEARCH CONFIGURATION hall.config ADD MAPPING FOR asciiword, word WITH hall.words, hall.stems;
ALTER TEXT SEARCH CONFIGURATION hall.config ADD MAPPING FOR email WITH simple;
CREATE TEXT SEARCH CONFIGURATION hall.copied (COPY = pg_catalog.english);
CREATE TEXT SEARCH CONFIGURATION hall.empty_config (PARSER = pg_catalog."default");
COMMENT ON TEXT SEARCH PARSER hall.usual IS 'reads';
COMMENT ON TEXT SEARCH TEMPLATE hall.full IS 'a template';
COMMENT ON TEXT SEARCH DICTIONARY hall.words IS 'a dictionary';
COMMENT ON TEXT SEARCH CONFIGURATION hall.config IS 'a configuration';
ALTER TEXT SEARCH DICTIONARY hall.words OWNER TO museum_owner;
ALTER TEXT SEARCH CONFIGURATION hall.config OWNER TO museum_owner;

-- Text search.
CREATE FUNCTION hall.next_token(internal, internal, internal) RETURNS internal LANGUAGE internal STRICT AS 'prsd_nexttoken';
CREATE TEXT SEARCH PARSER hall.usual (START = prsd_start, GETTOKEN = hall.next_token, END = prsd_end, LEXTYPES = prsd_lextype,
    HEADLINE = prsd_headline);
CREATE TEXT SEARCH PARSER "Hall of Mirrors"."Parser" (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE hall.bare (LEXIZE = dsimple_lexize);
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

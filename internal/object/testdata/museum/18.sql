-- New in PostgreSQL 18.
CREATE TABLE hall.period (id int4range, valid daterange, amount integer, PRIMARY KEY (id, valid WITHOUT OVERLAPS));
CREATE TABLE hall.period_use (id int4range, valid daterange, UNIQUE (id, valid WITHOUT OVERLAPS),
    FOREIGN KEY (id, PERIOD valid) REFERENCES hall.period (id, PERIOD valid));
CREATE TABLE hall.computed (a integer, twice integer GENERATED ALWAYS AS (a * 2) VIRTUAL, text text GENERATED ALWAYS AS ('x' || a::text));
CREATE TABLE hall.unenforced (a integer, CHECK (a > 0) NOT ENFORCED, b integer REFERENCES hall.book NOT ENFORCED);
CREATE TABLE hall.named_not_null (a integer CONSTRAINT a_is_there NOT NULL, b integer, c integer NOT NULL NO INHERIT);
ALTER TABLE hall.named_not_null ADD CONSTRAINT b_later NOT NULL b NOT VALID;
COMMENT ON CONSTRAINT a_is_there ON hall.named_not_null IS 'always';
CREATE PUBLICATION generated FOR TABLE hall.computed WITH (publish_generated_columns = stored);
CREATE DOMAIN hall.named_not_null_domain AS integer CONSTRAINT is_there NOT NULL;
CREATE FOREIGN TABLE hall.virtual_far (a integer, b integer GENERATED ALWAYS AS (a + 1) VIRTUAL) SERVER "Near";
CREATE INDEX author_again ON hall.author USING "Btree Again" (id hall.again_ops);

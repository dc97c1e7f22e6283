-- A partition detached, an index on all partitions, a label of an enum.
CREATE TYPE mood AS ENUM ('ok', 'good', 'bad');

CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL);

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL,
    email text,
    code bigint NOT NULL,
    amount bigint NOT NULL,
    mood mood NOT NULL DEFAULT 'ok',
    note text
);
CREATE INDEX orders_account ON orders (account_id);
CREATE INDEX orders_email ON orders (email);

CREATE TABLE events (id bigint NOT NULL, account_id bigint NOT NULL, what text) PARTITION BY RANGE (id);
CREATE TABLE events_old (id bigint NOT NULL, account_id bigint NOT NULL, what text);
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM (1000000) TO (1000000000);
CREATE INDEX events_account ON events (account_id);

CREATE FUNCTION rate(amount bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT amount / 100';
CREATE VIEW bills AS SELECT id, account_id, rate(amount) AS rated FROM orders;

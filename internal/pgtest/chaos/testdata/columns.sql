-- A column more and one less, NOT NULL, a function and a view that are replaced.
CREATE TYPE mood AS ENUM ('ok', 'bad');

CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL);

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL,
    email text NOT NULL,
    code bigint NOT NULL,
    amount bigint NOT NULL,
    mood mood NOT NULL DEFAULT 'ok',
    flag boolean NOT NULL DEFAULT false
);
CREATE INDEX orders_account ON orders (account_id);
CREATE INDEX orders_email ON orders (email);

CREATE TABLE events (id bigint NOT NULL, account_id bigint NOT NULL, what text) PARTITION BY RANGE (id);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (0) TO (1000000);
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM (1000000) TO (1000000000);

CREATE FUNCTION rate(amount bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT amount / 50';
CREATE VIEW bills AS SELECT id, rate(amount) AS rated, flag FROM orders;

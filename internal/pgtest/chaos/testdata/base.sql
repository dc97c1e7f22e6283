-- What every change starts from. Rows with an id below 1000000 are there from the
-- start, the workload makes those from there on.
CREATE TYPE mood AS ENUM ('ok', 'bad');

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
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (0) TO (1000000);
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM (1000000) TO (1000000000);

CREATE FUNCTION rate(amount bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT amount / 100';
CREATE VIEW bills AS SELECT id, account_id, rate(amount) AS rated FROM orders;

-- A small public library: who may borrow, what there is to borrow, and who has it.

CREATE TYPE loan_state AS ENUM ('out', 'returned', 'lost');

CREATE TABLE members (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    card_number text NOT NULL UNIQUE,
    full_name text NOT NULL,
    email text,
    joined_on date NOT NULL DEFAULT CURRENT_DATE
);

CREATE TABLE books (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    isbn text NOT NULL,
    title text NOT NULL,
    copies integer NOT NULL DEFAULT 1 CHECK (copies >= 0)
);

CREATE TABLE loans (
    member_id integer NOT NULL REFERENCES members (id),
    book_id integer NOT NULL REFERENCES books (id),
    state loan_state NOT NULL DEFAULT 'out',
    due_on date NOT NULL,
    page_views bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (member_id, book_id, due_on)
);

COMMENT ON TABLE loans IS 'One row for each time a book left the house';

CREATE INDEX loans_out_by_due_date ON loans (due_on) WHERE state = 'out';

CREATE VIEW overdue AS
SELECT m.full_name, m.email, l.book_id, l.due_on
FROM loans l
JOIN members m ON m.id = l.member_id
WHERE l.state = 'out' AND l.due_on < CURRENT_DATE;

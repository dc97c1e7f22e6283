-- A small public library: who may borrow, what there is to borrow, and who has it.

CREATE TYPE loan_state AS ENUM ('out', 'returned', 'lost');

CREATE TABLE members (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    card_number text NOT NULL UNIQUE,
    full_name text NOT NULL,
    fax text,
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
    page_views integer NOT NULL DEFAULT 0,
    PRIMARY KEY (member_id, book_id, due_on)
);

COMMENT ON TABLE loans IS 'One row for each time a book left the house';

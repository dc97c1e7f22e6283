-- Rows that the changes of the museum have to get along with.
INSERT INTO hall.author (code, name, mood, born, mark, two) VALUES ('abc', 'First', 'low', '1900-01-01', 'mark', '(1,2)');
INSERT INTO hall.author (code, name, mood, home) VALUES ('abd', 'Second', 'it''s high', ROW('street', 5, 'X1', ARRAY['low']::hall.mood[]));
INSERT INTO hall.book (author, third, title, during, room) SELECT id, id, 'title ' || id, daterange('2020-01-01', '2020-02-01'), id FROM hall.author WHERE id < 105;
INSERT INTO hall.pairs VALUES (1, 2, 'low'), (2, 3, 'it''s high');
INSERT INTO hall.pair_use VALUES (1, 2);
INSERT INTO hall.fleeting VALUES (1, 'x');
INSERT INTO hall.typed VALUES ('x', 3);
INSERT INTO hall.typed_still VALUES ('x', 3, 'y', NULL);
INSERT INTO hall.with_owned DEFAULT VALUES;
INSERT INTO hall.parent VALUES (1, 'a');
INSERT INTO hall.child VALUES (2, 'b', 'c');
INSERT INTO hall.grandchild VALUES (3, 'c', 'd', true);
INSERT INTO hall.event VALUES (1, '2024-05-05 00:00+00', 'a', 3), (2, '2023-05-05 00:00+00', 'a', 3), (3, '2023-05-05 00:00+00', 'other', NULL);
INSERT INTO hall.note VALUES (2, '2023-05-05 00:00+00', 'a');
INSERT INTO hall.hashed SELECT n, n::text FROM generate_series(1, 9) n;
INSERT INTO "Hall of Mirrors"."Table ""quoted""" ("id x", t, c) VALUES (1, now(), 'abc');

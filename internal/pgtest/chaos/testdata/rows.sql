INSERT INTO accounts SELECT n, 'account ' || n FROM generate_series(1, 1000) n;
INSERT INTO orders SELECT n, 1 + n % 1000, 'user' || n || '@example.com', n, n % 500, 'ok', 'note ' || n FROM generate_series(1, 20000) n;
INSERT INTO events SELECT n, 1 + n % 1000, 'event ' || n FROM generate_series(1, 10000) n;
ANALYZE;

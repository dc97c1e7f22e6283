ALTER SEQUENCE hall.fleeting_counter SET LOGGED;
ALTER PUBLICATION filtered SET TABLE hall.pairs (a, b, c) WHERE (a > 6);
ALTER PUBLICATION schemas DROP TABLES IN SCHEMA hall;

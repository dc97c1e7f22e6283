REVOKE MAINTAIN ON hall.author FROM museum_reader;
ALTER EVENT TRIGGER museum_login ENABLE;
DROP EVENT TRIGGER museum_login;

// Package pg talks to PostgreSQL: it connects, quotes, splits scripts into
// statements and tells SQLSTATE codes apart. It knows nothing of schemas.
package pg

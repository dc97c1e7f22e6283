// Package load runs SQL files on a scratch database, so that the schema they
// describe can be read back from its catalogs. PostgreSQL alone judges what the
// statements mean; this package decides only which of them are run, in which
// session settings, and when a failed one is tried again.
package load

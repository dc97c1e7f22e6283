package pg

import (
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// tlsSettings are the settings of a connection that libpq's programs take from
// variables.
var tlsSettings = map[string]string{
	"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
	"sslnegotiation": "PGSSLNEGOTIATION", "channel_binding": "PGCHANNELBINDING",
}

// TLSEnvironment returns the variables with which another program protects its
// connection as this one is protected.
func TLSEnvironment(c *pgx.ConnConfig) []string {
	var variables []string
	for _, name := range sortedKeys(tlsSettings) {
		value := setting(c.ConnString(), name)
		if value == "" {
			value = os.Getenv(tlsSettings[name])
		}
		if value != "" {
			variables = append(variables, tlsSettings[name]+"="+value)
		}
	}
	return variables
}

// setting returns what a resolved connection string says last of a name.
func setting(dsn, name string) string {
	if isURL(dsn) {
		_, query, _ := strings.Cut(dsn, "?")
		values, err := url.ParseQuery(query)
		if all := values[name]; err == nil && len(all) > 0 {
			return all[len(all)-1]
		}
		return ""
	}
	found := regexp.MustCompile(`(?:^|\s)`+name+`\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)+))`).FindAllStringSubmatch(dsn, -1)
	if len(found) == 0 {
		return ""
	}
	last := found[len(found)-1]
	return regexp.MustCompile(`\\(.)`).ReplaceAllString(last[1]+last[2], "$1")
}

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
	value := ""
	for _, pair := range keywordPair.FindAllStringSubmatch(dsn, -1) {
		if pair[1] == name {
			value = escaped.ReplaceAllString(pair[2]+pair[3], "$1")
		}
	}
	return value
}

// keywordPair matches name = value or name = 'value' (manual chapter 34.1.1.1).
var (
	keywordPair = regexp.MustCompile(`(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))`)
	escaped     = regexp.MustCompile(`\\(.)`)
)

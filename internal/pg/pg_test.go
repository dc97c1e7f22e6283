package pg

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestQuote(t *testing.T) {
	idents := map[string]string{
		"a_1$": "a_1$", "": `""`, "A": `"A"`, "1a": `"1a"`, `a"b`: `"a""b"`, "table": `"table"`,
		"user": `"user"`, "name": "name", "between": `"between"`, "json_table": `"json_table"`, "ä": `"ä"`,
	}
	for in, want := range idents {
		if got := QuoteIdent(in); got != want {
			t.Errorf("QuoteIdent(%q) = %s, want %s", in, got, want)
		}
	}
	literals := map[string]string{"a": "'a'", "a'b": "'a''b'", `a\'`: `E'a\\'''`, "": "''"}
	for in, want := range literals {
		if got := QuoteLiteral(in); got != want {
			t.Errorf("QuoteLiteral(%q) = %s, want %s", in, got, want)
		}
	}
	if got := QuoteName("", "a"); got != "a" {
		t.Error(got)
	}
	if got := QuoteName("B", "a"); got != `"B".a` {
		t.Error(got)
	}
}

func TestRedact(t *testing.T) {
	for _, in := range []string{
		"postgres://u:s3cret@h/d", "postgres://u:s3cret/s3cret@h/d", "x postgresql://u:s3cr@s3cret@h y",
		"host=h password=s3cret user=u", "password='a s3cret' x", `password=a\ s3cret x`, "PGPASSWORD=s3cret psql",
		"postgres://h/d?password=s3cret&user=u", "postgres://h/d?pass%77ord=s3cret", "ALTER ROLE x PASSWORD 's3cret'",
		"cannot parse `host=h password = s3cret`", "sslpassword=s3cret",
		"CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 's3cret')", "options (\"client_secret\" 's3cret')", "PASSWORD\n$x$s3cret$x$",
		"CONNECTION 'host=h password=s3cret'", "ALTER ROLE x SET app.api_secret = 's3''cret s3cret'", "SET app.db_password TO 's3cret'",
	} {
		got := Redact(in)
		if strings.Contains(got, "s3cret") {
			t.Errorf("Redact(%q) = %q", in, got)
		}
		if !HasPassword(in) {
			t.Errorf("HasPassword(%q) is false", in)
		}
	}
	for _, in := range []string{"postgres://u@h:5432/d", "postgres://h:5432/d?application_name=a@b", "host=h user=u", "shop", "wrong password"} {
		if HasPassword(in) {
			t.Errorf("HasPassword(%q) is true: %s", in, Redact(in))
		}
	}
}

func TestParseConfig(t *testing.T) {
	env := map[string]string{"PGHOST": "envhost", "PGPORT": "1111", "PGUSER": "envuser", "PGDATABASE": "envdb", "PGPASSWORD": "p'w", "PGSSLMODE": "disable"}
	tests := []struct {
		name    string
		dsn     string
		options Options
		want    string
	}{
		{"environment", "", Options{}, "envuser:p'w@envhost:1111/envdb"},
		{"database name", "my db", Options{}, "envuser:p'w@envhost:1111/my db"},
		{"key value", "host=h dbname=d password=x", Options{}, "envuser:x@h:1111/d"},
		{"URL", "postgres://u@h:2/d", Options{}, "u:p'w@h:2/d"},
		{"partial URL", "postgresql:///d", Options{}, "envuser:p'w@envhost:1111/d"},
		{"overrides", "postgres://u@h:2/d", Options{Host: "o", Port: "3", User: "x"}, "x:p'w@o:3/d"},
		{"overrides of name", "d", Options{Host: "o", Port: "3", User: "x"}, "x:p'w@o:3/d"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.options.Getenv = func(name string) string { return env[name] }
			c, err := ParseConfig(test.dsn, test.options)
			if err != nil {
				t.Fatal(err)
			}
			got := c.User + ":" + c.Password + "@" + address(c.Host, c.Port) + "/" + c.Database
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestApplicationName(t *testing.T) {
	env := map[string]string{}
	options := Options{ApplicationName: "cairn", Getenv: func(name string) string { return env[name] }}
	for _, want := range []string{"cairn", "mine"} {
		c, err := ParseConfig("host=h", options)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.RuntimeParams["application_name"]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		env["PGAPPNAME"] = "mine"
	}
}

func TestConnectErrors(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	env := Options{Getenv: func(string) string { return "" }}
	for dsn, want := range map[string]string{
		"postgres://u:s3cret@127.0.0.1:1/d": `connecting to database "d" at 127.0.0.1:1 as user "u": connection refused`,
		"host=/nowhere dbname=d user=u":     `connecting to database "d" at /nowhere/.s.PGSQL.5432 as user "u": no such file or directory`,
		"postgres://u:s3cret@h:x/d":         "",
		"nonsense=":                         "",
		"host":                              "",
	} {
		_, err := Connect(ctx, dsn, env)
		var connect *ConnectError
		if !errors.As(err, &connect) {
			t.Fatalf("%s: got %v", dsn, err)
		}
		text := err.Error()
		if want != "" && text != want || strings.ContainsAny(text, "\n") || strings.Contains(text, "s3cret") || connect.Hint() == "" {
			t.Errorf("%s: got %q (hint %q), want %q", dsn, text, connect.Hint(), want)
		}
		if want != "" && !IsConnection(err) {
			t.Errorf("%s: not a connection error", dsn)
		}
	}
}

func TestTLSEnvironment(t *testing.T) {
	for dsn, want := range map[string]string{
		"host=h sslmode=require":                                                 "PGSSLMODE=require",
		`host=h sslmode = 'disable' sslmode='allow'`:                             "PGSSLMODE=allow",
		"postgres://h/d?sslmode=require&sslmode=prefer&application_name=sslcert": "PGSSLMODE=prefer",
		`host=h sslmode=prefer application_name='x sslmode=disable'`:             "PGSSLMODE=prefer",
		"host=h": "",
	} {
		c, err := ParseConfig(dsn, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(TLSEnvironment(c), " "); got != want {
			t.Errorf("%s: got %s", dsn, got)
		}
	}
}

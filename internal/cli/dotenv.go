package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// readDotEnv returns getenv extended by the variables of a .env file, which
// does not have to exist. The real environment wins.
func readDotEnv(file string, getenv func(string) string) (func(string) string, error) {
	text, err := readText(file)
	if errors.Is(err, os.ErrNotExist) {
		return getenv, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the environment: %w", pathError(err, file))
	}
	variables, err := parseDotEnv(file, string(text))
	if err != nil {
		return nil, err
	}
	return func(name string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return variables[name]
	}, nil
}

// parseDotEnv reads lines of KEY=VALUE. A value may be quoted; single quotes
// keep everything as it is, double quotes know \n, \t, \" and \\.
func parseDotEnv(file, text string) (map[string]string, error) {
	variables := map[string]string{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		name = strings.TrimSpace(name)
		if !found || name == "" || strings.ContainsAny(name, " \t\"'") {
			// The line is not quoted: it may hold a secret.
			return nil, hintf("write KEY=VALUE", "reading %s: line %d is not KEY=VALUE", file, number)
		}
		value, ok := dotEnvValue(strings.TrimSpace(value))
		if !ok {
			return nil, hintf("close the quote on the same line",
				"reading %s: the value of %s on line %d has an open quote", file, name, number)
		}
		variables[name] = value
	}
	return variables, nil
}

func dotEnvValue(v string) (string, bool) {
	if v == "" {
		return "", true
	}
	switch v[0] {
	case '\'':
		end := strings.IndexByte(v[1:], '\'')
		if end < 0 {
			return "", false
		}
		return v[1 : 1+end], true
	case '"':
		return unquoteDouble(v[1:])
	case '#':
		return "", true
	}
	if i := strings.Index(v, " #"); i >= 0 {
		v = strings.TrimSpace(v[:i])
	}
	return v, true
}

func unquoteDouble(v string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			return b.String(), true
		case c == '\\' && i+1 < len(v):
			i++
			switch v[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '"', '\\', '$':
				b.WriteByte(v[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(v[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

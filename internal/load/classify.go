package load

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Finding is a statement that was not run, or not for what it says, and why.
type Finding struct {
	Code    string // stable, "not-schema"
	File    string
	Line    int
	Column  int // in characters from 1
	Message string
	Hint    string
}

// verdict is what happens to a statement.
type verdict int

const (
	run    verdict = iota // it is sent
	ignore                // it means nothing here
	report                // it is not run, with a finding
	refuse                // it is an error
)

// judgement is a verdict with its reason.
type judgement struct {
	verdict verdict
	message string
	hint    string
}

// dataWords start statements about rows.
var dataWords = map[string]bool{
	"INSERT": true, "UPDATE": true, "DELETE": true, "MERGE": true, "TRUNCATE": true,
	"COPY": true, "WITH": true, "VALUES": true, "TABLE": true,
}

// passingWords start statements that leave nothing behind.
var passingWords = map[string]bool{
	"SELECT": true, "EXPLAIN": true, "SHOW": true, "ANALYZE": true, "ANALYSE": true, "VACUUM": true,
	"CHECKPOINT": true, "CLUSTER": true, "LOCK": true, "PREPARE": true, "EXECUTE": true,
	"DEALLOCATE": true, "DECLARE": true, "FETCH": true, "MOVE": true, "CLOSE": true,
	"LISTEN": true, "UNLISTEN": true, "NOTIFY": true,
}

// transactionWords start statements that are left out because the loader has
// transactions of its own.
var transactionWords = map[string]bool{
	"BEGIN": true, "START": true, "COMMIT": true, "END": true, "SAVEPOINT": true, "RELEASE": true,
}

var (
	setvalCall         = regexp.MustCompile(`(?is)^select\s+(?:pg_catalog\s*\.\s*)?setval\s*\(`)
	onTablespace       = regexp.MustCompile(`(?is)^(?:grant|revoke|comment|security\s+label)\b[^';]*?\bon\s+tablespace\b`)
	onLargeObject      = regexp.MustCompile(`(?is)^(?:alter|(?:grant|revoke|comment|security\s+label)\b[^';]*?\bon)\s+large\s+object\b`)
	doesNotConnect     = regexp.MustCompile(`(?is)\bconnect\s*=\s*'?(?:false|off|no|0)\b`)
	startsSubscription = regexp.MustCompile(`(?is)^alter\s+subscription\s+(?:"(?:[^"]|"")*"|[^\s"]+)\s*(?:enable|refresh)\b`)
	transactionalTwo   = regexp.MustCompile(`^(?:PREPARE TRANSACTION|COMMIT PREPARED)`)
)

// judge decides about a statement from its first words. Settings have been
// taken out before.
func judge(s pg.Statement, words []string) judgement {
	if len(words) == 0 {
		return judgement{}
	}
	first := words[0]
	line := strings.Join(words, " ")
	switch {
	case (first == "PREPARE" || first == "COMMIT") && transactionalTwo.MatchString(line):
		return refusal(first+" PREPARED transactions have no place in a schema", "remove the statement")
	case first == "ROLLBACK", first == "ABORT":
		return refusal(first+" would undo a part of the file", "remove the statement and what it undoes")
	case transactionWords[first]:
		return judgement{verdict: ignore}
	case dataWords[first]:
		return judgement{verdict: report, message: first + " is data, not part of the schema"}
	case first == "SELECT" && setvalCall.MatchString(s.SQL):
		return judgement{verdict: report, message: "setval is data, not part of the schema"}
	case passingWords[first]:
		return judgement{verdict: report, message: first + " is not part of the schema"}
	}
	return judgeDefinition(s, words)
}

func judgeDefinition(s pg.Statement, words []string) judgement {
	two := strings.Join(words[:min(2, len(words))], " ")
	if has(words, "DROP", "USER", "MAPPING") {
		return judgement{}
	}
	switch two {
	case "CREATE DATABASE", "DROP ROLE", "DROP USER", "DROP GROUP":
		return judgement{verdict: report, message: two + " is not part of the schema"}
	case "DROP DATABASE", "ALTER SYSTEM", "CREATE TABLESPACE", "ALTER TABLESPACE", "DROP TABLESPACE", "DROP OWNED", "REASSIGN OWNED":
		return refusal(two+" is not part of a schema", "remove the statement")
	case "CREATE SUBSCRIPTION":
		if !doesNotConnect.MatchString(s.SQL) {
			return refusal("CREATE SUBSCRIPTION would connect to its publisher while the file is only read",
				"write WITH (connect = false, slot_name = ...), as pg_dump does")
		}
	}
	switch {
	case two == "ALTER SUBSCRIPTION" && startsSubscription.MatchString(s.SQL):
		return judgement{verdict: report, message: "ALTER SUBSCRIPTION ... ENABLE or REFRESH would connect to the publisher, and is not part of the schema"}
	case speaksOf(s.SQL, "object") && onLargeObject.MatchString(s.SQL):
		return judgement{verdict: report, message: "large objects are data, not part of the schema"}
	case speaksOf(s.SQL, "tablespace") && onTablespace.MatchString(s.SQL):
		return judgement{verdict: report, message: fmt.Sprintf("%s ON TABLESPACE is not part of the schema", words[0])}
	}
	return judgement{}
}

// speaksOf reports whether a word in lower case stands anywhere in a statement,
// which is soon known of most.
func speaksOf(sql, word string) bool {
	for i := range len(sql) - len(word) + 1 {
		if sql[i]|0x20 == word[0] && strings.EqualFold(sql[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

func refusal(message, hint string) judgement {
	return judgement{verdict: refuse, message: message, hint: hint}
}

// isRole reports whether a statement creates or changes a role.
func isRole(words []string) bool {
	if !has(words, "CREATE") && !has(words, "ALTER") || len(words) < 2 {
		return false
	}
	return words[1] == "ROLE" || words[1] == "USER" && !has(words[1:], "USER", "MAPPING") || words[1] == "GROUP"
}

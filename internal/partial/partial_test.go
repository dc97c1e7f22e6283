package partial

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cairn-db/cairn/internal/load"
)

func pieces(t *testing.T, text string) []*load.Piece {
	t.Helper()
	script, err := load.Parse([]load.Source{{Name: "a.sql", Text: text}}, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return script.Pieces()
}

// A record is read as it was written, without the texts of statements that may hold
// secrets, and broken bytes are refused.
func TestRecord(t *testing.T) {
	all := pieces(t, "CREATE SCHEMA s; SET search_path = s; CREATE TABLE a (); CREATE USER MAPPING FOR CURRENT_USER SERVER x OPTIONS (password 'secret'); "+
		"SET check_function_bodies = off; CREATE TABLE b ()")
	want := NewRecord([32]byte{1, 2}, 3, all)
	text := want.Encode()
	if strings.Contains(string(text), "secret") {
		t.Error("a password is written")
	}
	got, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range got.Pieces {
		p := want.Pieces[i].Piece
		if (k.Piece == nil) != (p == nil) || k.Hash != all[i].Hash {
			t.Errorf("statement %d is read as %v", i, k)
		}
		if p != nil && (k.Piece.SQL != p.SQL || !reflect.DeepEqual(k.Piece.Settings, p.Settings) || k.Piece.Trusts != p.Trusts || k.Piece.Effect().Reach != load.Named) {
			t.Errorf("statement %d is read as %+v", i, *k.Piece)
		}
	}
	if got.State != want.State || got.Derived != 3 {
		t.Errorf("it is read as %v, %d", got.State, got.Derived)
	}
	for n := range text {
		if _, err := Decode(text[:n]); err == nil {
			t.Fatalf("%d of %d bytes are read", n, len(text))
		}
	}
	if _, err := Decode(append(text, 0)); err == nil {
		t.Error("a byte too much is read")
	}
}

// What is run is what changed, who mentions that, and what these need.
func TestChoose(t *testing.T) {
	const before = "CREATE TABLE hub (id integer PRIMARY KEY); CREATE TABLE a (id integer, b integer); CREATE TABLE other (id integer);" +
		"CREATE INDEX other_id ON other (id); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES hub; ALTER TABLE other ADD FOREIGN KEY (id) REFERENCES hub;" +
		"CREATE VIEW v AS SELECT a.id FROM a JOIN other USING (id); CREATE VIEW w AS SELECT * FROM v; COMMENT ON TABLE a IS 'hub of v'; COMMENT ON TABLE other IS 'y'"
	for _, test := range []struct{ old, new, want string }{
		{"", "", ""},
		{"b integer", "b bigint", "1 2 3 5 7 9"},
		{"'y'", "'z'", "1 2 3 4 6 7 10"},
		{"SELECT * FROM v", "SELECT id FROM v", "2 3 7 8"},
	} {
		old := pieces(t, before)
		new := pieces(t, strings.Replace(before, test.old, test.new, 1))
		c, err := Choose(NewRecord([32]byte{}, 0, old), new, len(new))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for at := range new {
			if c.chosen[at] {
				got = append(got, fmt.Sprint(at+1))
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s becomes %s: %v are run, want %s", test.old, test.new, got, test.want)
		}
		if len(c.Old()) != len(c.New()) {
			t.Errorf("%d statements are run as they were, %d as they are", len(c.Old()), len(c.New()))
		}
	}
}

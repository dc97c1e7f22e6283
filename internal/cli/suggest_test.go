package cli

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"plan", "apply", "dump", "diff", "doctor", "version"}
	for word, want := range map[string]string{"plna": "plan", "aply": "apply", "ver": "version", "frobnicate": "", "dif": "diff", "x": ""} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDescribeChanged(t *testing.T) {
	for text, want := range map[string]string{
		"column:public.users.nickname (added)":        "table public.users (column added: nickname)",
		`column:public."a.b"."c.d" (dropped)`:         `table public."a.b" (column dropped: "c.d")`,
		"view:public.names (changed)":                 "view public.names (changed)",
		"comment:table:public.users (changed)":        "comment on table public.users (changed)",
		"function:public.f(a integer) (changed)":      "function public.f(a integer) (changed)",
		"table public.users (column added: nickname)": "table public.users (column added: nickname)",
		"anything": "anything",
	} {
		if got := describeChanged(text); got != want {
			t.Errorf("describeChanged(%q) = %q, want %q", text, got, want)
		}
	}
}

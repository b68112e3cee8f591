package search

import (
	"testing"

	"nightjar/schema"
)

func TestMendChangesAsLittleAsCan(t *testing.T) {
	for text, want := range map[string][2]string{
		"source:sshd @usr.name:(root OR ": {"source:sshd @usr.name:(root)", "Remove OR and close the group"},
		"a (b c":                          {"a (b c)", "Close the group"},
		`"a b`:                            {`"a b"`, "Close the quote"},
		"a b)":                            {"a b", "Remove )"},
		"a AND":                           {"a", "Remove AND"},
		"a AND OR b":                      {"a AND b", "Remove OR"},
		"OR a":                            {"a", "Remove OR"},
		"host: web":                       {"host:web", "Remove the space"},
		"@n:[1 to 5]":                     {"@n:[1 TO 5]", "Write TO"},
		"日本 (b":                           {"日本 (b)", "Close the group"},
		"a\nb) c":                         {"a\nb c", "Remove )"},
		"a ()":                            {"a", "Remove ()"},
		"host:":                           {"", ""},
		"CIDR(@a, x)":                     {"", ""},
		"OR":                              {"", ""},
		"fine":                            {"", ""},
	} {
		mended, does, ok := Mend(text)
		if !ok {
			mended, does = "", ""
		}
		if mended != want[0] || does != want[1] {
			t.Errorf("%q: got %q, %q; want %q, %q", text, mended, does, want[0], want[1])
		}
	}
}

func TestGroupedIsWhatElseWasMeant(t *testing.T) {
	for text, want := range map[string]string{
		"source:sshd @o:failure OR @usr.name:root": "source:sshd (@o:failure OR @usr.name:root)",
		"a b OR c d":                 "a (b OR c) d",
		"a OR b c OR d":              "(a OR b) (c OR d)",
		"a b c OR d":                 "a b (c OR d)",
		"-(a b OR c) d":              "-(a (b OR c)) d",
		"host:x (y z OR w)":          "host:x y (z OR w)",
		"host:(a OR b) @x:1 OR @y:2": "host:(a OR b) (@x:1 OR @y:2)",
	} {
		q, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, mixed := q.Grouped()
		if got.String() != want || !mixed {
			t.Errorf("%q: got %q, %t; want %q", text, got, mixed, want)
		}
		if again, err := Parse(got.String()); err != nil || again.String() != got.String() {
			t.Errorf("%q is %q when it is read again: %v", got, again, err)
		}
	}
	if q, _ := Parse("a (b OR c)"); q != nil {
		if _, mixed := q.Grouped(); mixed {
			t.Error("there is nothing to choose")
		}
	}
}

func TestInsteadKeepsTheText(t *testing.T) {
	field := func(name string) schema.Field { return schema.ParseField(name) }
	for _, c := range []struct {
		text      string
		a, meant  Asked
		want      string
		leavesOut bool
	}{
		{"source:sshd  -@ssh.mehtod:(a OR b)", Asked{Field: field("@ssh.mehtod")}, Asked{Field: field("@ssh.method")}, "source:sshd  -@ssh.method:(a OR b)", true},
		{`_exists_:@a.x "@a.x:1"`, Asked{Field: field("@a.x")}, Asked{Field: field("@b.$1")}, `_exists_:@b.$1 "@a.x:1"`, false},
		{"status:Eror  host:x", Asked{Field: field("status"), Value: "Eror", Exact: true}, Asked{Field: field("status"), Value: "error", Exact: true}, "status:error host:x", false},
	} {
		q, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Instead(c.text, c.a, c.meant); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
		if got := q.LeavesOut(c.a.Field); got != c.leavesOut {
			t.Errorf("%q leaves out: %t", c.text, got)
		}
	}
}

// FuzzMend offers nothing that can't be read, and nothing for what can.
func FuzzMend(f *testing.F) {
	for _, seed := range []string{"a (b OR ", `"x`, "a) b", "AND a", "@n:[1 to 3]", "a ((b", "x OR OR y", "host: a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mended, does, ok := Mend(text)
		if !ok {
			return
		}
		if _, err := Parse(text); err == nil {
			t.Fatalf("%q can be read", text)
		}
		if _, err := Parse(mended); err != nil || does == "" {
			t.Fatalf("%q is mended as %q (%s): %v", text, mended, does, err)
		}
	})
}

// FuzzGrouped offers a query that is read as it was meant.
func FuzzGrouped(f *testing.F) {
	for _, seed := range []string{"a b OR c", "-(a b OR c) d", "host:(a OR b) OR x y", "ANY(@a, @b:1 @c:2 OR @d:3) e OR f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			return
		}
		grouped, _ := q.Grouped()
		again, err := Parse(grouped.String())
		if err != nil || again.String() != grouped.String() {
			t.Fatalf("%q grouped is %q, which is read as %v: %v", text, grouped, again, err)
		}
	})
}

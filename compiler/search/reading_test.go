package search

import (
	"reflect"
	"testing"
)

// TestReadingShowsWhatBelongsTogether has what is written beside what is read, and reads
// that again.
func TestReadingShowsWhatBelongsTogether(t *testing.T) {
	for _, c := range []struct {
		text, want string
		mixed      bool
	}{
		{"a b", "a AND b", false},
		{"host:a OR host:b", "host:(a OR b)", false},
		{"host:a @x:1 OR @y:2", "(host:a AND @x:1) OR @y:2", true},
		{"host:a OR @x:1 AND @y:2 OR z", "host:a OR (@x:1 AND @y:2) OR z", true},
		{"(host:a OR @x:1) @y:2", "(host:a OR @x:1) AND @y:2", false},
		{"-(host:a @x:1) OR z", "NOT (host:a AND @x:1) OR z", false},
		{"host:(a OR b) -service:c", "host:(a OR b) AND NOT service:c", false},
		{"*", "*:*", false},
		{"@x:[1 TO 5] OR CIDR(@ip, 10.0.0.0/8) y", `@x:[1 TO 5] OR (CIDR(@ip, 10.0.0.0/8) AND y)`, true},
	} {
		q, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got, mixed := q.Reading()
		if got != c.want || mixed != c.mixed {
			t.Errorf("%s: got %s, %t; want %s", c.text, got, mixed, c.want)
		}
		if again, err := Parse(got); err != nil || again.String() != q.String() {
			t.Errorf("%s is read as %s, which is read otherwise: %v %v", c.text, got, again, err)
		}
	}
}

// FuzzReadingMeansTheSame reads what is shown as it was read.
func FuzzReadingMeansTheSame(f *testing.F) {
	for _, seed := range []string{"a b OR c", "-a OR (b -c) d", "host:(a OR b) OR @x:>3 y", `ANY(@a, @b:1 OR @c:2 d)`, "_missing_:(a b) OR c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			return
		}
		shown, _ := q.Reading()
		again, err := Parse(shown)
		if err != nil {
			t.Fatalf("%q is shown as %q: %v", text, shown, err)
		}
		if !reflect.DeepEqual(again.String(), q.String()) {
			t.Fatalf("%q is shown as %q, which is %q, not %q", text, shown, again, q)
		}
	})
}

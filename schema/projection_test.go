package schema

import (
	"strings"
	"testing"
)

func TestProjectionKeepsKindsAndPaths(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                 `{}`,
		`{"a":{"b":1},"c":"x"}`:              `{"a.b":1,"c":"x"}`,
		`{"a":[1,2],"b":["x"],"c":[]}`:       `{"a":[1,2],"b":"x"}`,
		`{"a":[{"b":1.5},{"b":2.5}]}`:        `{"a.b":[1.5,2.5]}`,
		`{"a":[1,"1",true,2.5]}`:             `{"a":["1","1","true","2.5"],"a%mixed":["i1","s1","btrue","f2.5"]}`,
		`{"usr":{"id":7}}`:                   `{"usr.id":"7"}`,
		`{"usr":{"id":[7,"x"]}}`:             `{"usr.id%many":["7","x"]}`,
		`{"a":9007199254740992.0,"b":1e21}`:  `{"a":9007199254740992e0,"b":1e21}`,
		`{"k é":1,"":2,"a..b":3,"x%many":4}`: `{"%-":2,"a.%-.b":3,"k%20%C3%A9":1,"x%25many":4}`,
	} {
		a, err := ParseAttributes(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Projection(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func FuzzStoredPath(f *testing.F) {
	f.Add("a.b", "a..b")
	f.Add("", "%-")
	f.Add(".", "x%many")
	f.Fuzz(func(t *testing.T, a, b string) {
		sa, sb := StoredPath(a), StoredPath(b)
		if (a == b) != (sa == sb) {
			t.Errorf("%q and %q are stored as %q and %q", a, b, sa, sb)
		}
		if (strings.HasPrefix(b, a+".")) != strings.HasPrefix(sb, sa+".") {
			t.Errorf("%q below %q: stored as %q and %q", b, a, sb, sa)
		}
		for _, s := range []string{ManyPath(a), MixedPath(a)} {
			if s == sb {
				t.Errorf("%q is stored where the values of %q are", b, a)
			}
		}
		if back, err := unstoredPath(sa); err != nil || back != a {
			t.Errorf("%q is stored as %q, which is read as %q (%v)", a, sa, back, err)
		}
		for i := range len(sa) {
			if c := sa[i]; !isSafe(c) && c != '.' && c != '%' {
				t.Errorf("%q is stored as %q", a, sa)
			}
		}
	})
}

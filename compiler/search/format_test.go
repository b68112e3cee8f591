package search_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"nightjar/compiler/search"
)

// shape is the tree without its positions.
func shape(n search.Node) string {
	switch n := n.(type) {
	case search.Conjunction:
		return "and" + shapes(n.Nodes)
	case search.Disjunction:
		return "or" + shapes(n.Nodes)
	case search.Negation:
		return "not(" + shape(n.Node) + ")"
	case search.MatchAll:
		return "all"
	case search.Words:
		n.At = 0
		return fmt.Sprintf("%T%q", n, fmt.Sprint(n))
	case search.Equals:
		n.At = 0
		return fmt.Sprintf("%T%#v", n, n)
	case search.Like:
		n.At = 0
		return fmt.Sprintf("%T%#v", n, n)
	case search.Range:
		n.At = 0
		return fmt.Sprintf("%T%#v", n, n)
	case search.Exists:
		n.At = 0
		return fmt.Sprintf("%T%#v", n, n)
	case search.Network:
		return fmt.Sprintf("%T%v%v", n, n.Field, n.Blocks)
	case search.Folded:
		return fmt.Sprintf("%T%v%q", n, n.Field, n.Patterns)
	case search.Regexp:
		return fmt.Sprintf("%T%v%q", n, n.Field, n.Expr)
	case search.Any:
		return fmt.Sprintf("%T%v(%s)", n, n.Field, shape(n.Node))
	case search.Same:
		return fmt.Sprintf("%T%v%v", n, n.Field, n.Other)
	case search.Measured:
		return fmt.Sprintf("%T%v%v%s%d", n, n.Field, n.Measure, n.Op, n.Number)
	}
	panic(fmt.Sprintf("unknown node %T", n))
}

func shapes(nodes []search.Node) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = shape(n)
	}
	b, _ := json.Marshal(parts)
	return string(b)
}

func checkRoundTrip(t *testing.T, q *search.Query) {
	t.Helper()
	text := q.String()
	again, err := search.Parse(text)
	if err != nil {
		t.Fatalf("canonical text %q: %v", text, err)
	}
	if a, b := shape(q.Root), shape(again.Root); a != b {
		t.Fatalf("canonical text %q is another tree:\n%s\n%s", text, a, b)
	}
	if again.String() != text {
		t.Fatalf("canonical text of %q is %q", text, again.String())
	}
}

func TestCanonicalText(t *testing.T) {
	for in, want := range map[string]string{
		``:                                  `*:*`,
		`*`:                                 `*:*`,
		`a AND b && c`:                      `a b c`,
		`a || b OR c d`:                     `a OR b OR c d`,
		`(a OR b) c`:                        `(a OR b) c`,
		`NOT (a b)`:                         `-(a b)`,
		`NOT -a`:                            `a`,
		`@x:("a" OR *b OR c\:d)`:            `@x:(a OR *b OR "c:d")`,
		`@a:(x && -y)`:                      `@a:(x -y)`,
		`-@evt.name:"Access Denied"`:        `-@evt.name:"Access Denied"`,
		`@a:[1 TO 5} @b:>=3 @c:{* TO x}`:    `@a:[1 TO 5} @b:>=3 @c:<x`,
		`CIDR(@ip,10.1.0.0/8, 2001:db8::1)`: `CIDR(@ip, 10.0.0.0/8, 2001:db8::1/128)`,
		`\AND \-x* "-x" *:"a b"`:            `"AND" \-x* "-x" *:"a b"`,
		`_missing_:a -b:*`:                  `-_exists_:a -_exists_:b`,
		`ddsource:x hostname:y`:             `source:x host:y`,
		`message:hello message:>5 >5`:       `hello message:>5 message:>5`,
		`#calc:>5`:                          `#calc:>5`,
		`@a\ b:x env\:y:z`:                  `@a\ b:x env\:y:z`,
	} {
		q, err := search.Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := q.String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
		checkRoundTrip(t, q)
	}
}

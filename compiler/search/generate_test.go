package search_test

import (
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

func TestReadersAgree(t *testing.T) {
	g := searchtest.NewGenerator(20250101)
	w := searchtest.NewWorld(t, g.Events(1500))
	matched := 0
	const queries = 150
	for range queries {
		q := g.Query()
		w.Agree(t, q)
		matched += len(w.Recall(q))
	}
	if pairs := queries * len(w.Events); matched < pairs/20 || matched > pairs*19/20 {
		t.Errorf("%d of %d pairs match: the generator has lost its point", matched, pairs)
	}
	t.Logf("%d queries on %d events: %d pairs, %d of them matches", queries, len(w.Events), queries*len(w.Events), matched)
}

// TestWordsAndTokensDifferAlike goes around the places where our words are not
// the tokens of the server's index.
func TestWordsAndTokensDifferAlike(t *testing.T) {
	parts := []string{"foo", "FOO", "Bar", "_", "-", " ", "\t", "é", "K", "x", "9", ".", "😀", "", "登录", "失败", "ログイン"}
	g := searchtest.NewGenerator(3)
	events := make([]schema.Event, 4000)
	for i := range events {
		for range 1 + g.IntN(6) {
			events[i].Message += searchtest.Pick(g, parts)
		}
	}
	w := searchtest.NewWorld(t, events)
	for _, text := range []string{
		`foo`, `Foo`, `foo*`, `*foo`, `*foo*`, `foo?`, `"foo bar"`, `foo-bar`, `foo_bar`, `_foo`, `é`, `fooé`, `éfoo`, `foo.bar`, `"foo é bar"`,
		`foo*bar`, `"foo  bar"`, `-foo`, `foo OR bar`, `foo OR *x*`, `"foo bar" OR foo9 OR é`, `foo bar`, `fook`, `fooK`, `-"foo bar" bar`, `"-foo-"`,
		`登录`, `登`, `"登录 foo"`, `登录失败`, `foo登录`, `登录foo`, `グ`, `-登录 失`, `登录 OR foo`, `"foo 登录失败"`, `登*败`,
		`(foo OR bar OR x OR 9 OR k OR foofoo OR barbar OR foobar OR barfoo OR foox)`,
	} {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		w.Agree(t, q)
	}
}

func TestGeneratedQueriesKeepTheirMeaning(t *testing.T) {
	g := searchtest.NewGenerator(7)
	events := g.Events(50)
	for range 2000 {
		q := g.Query()
		again, err := search.Parse(q.String())
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		checkRoundTrip(t, again)
		for i := range events {
			if q.Match(&events[i]) != again.Match(&events[i]) {
				t.Fatalf("%s: parsed again it answers otherwise", q)
			}
		}
	}
}

package search_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

var fuzzSeeds = []string{
	``, `*`, `a AND b OR NOT c`, `source:sshd ("Failed password" OR "Failed publickey")`,
	`@a:(x && -y || "z w")`, `@a.b:[1 TO 5}`, `@n:>=-2.5e3`, `CIDR(@ip, 10.0.0.0/8, ::1)`, `_exists_:@a -_missing_:b`,
	`ICASE(@a, foo*, "K") -ICASE(source, ſshd)`, `REGEX(@a, "^(?i)f.o\s*$|[^\pL]") REGEX(message, "a{2,3}?b+")`, `ANY(@a, @b:x -@c:1 (@d:>5 OR _exists_:@e))`,
	`ANY(@a.b, ANY(@c, LENGTH(@d) > 2 SAME(@e, @f)) COUNT(@g) = 1)`, `SAME(@a, host) LENGTH(message) >= 10 COUNT(tags) < 2 -COUNT(@a.b) > 1`,
	`*:hello* *:"a b" tags:x env:(prod OR d?v)`, `a\:b\*c:"d\"e"`, `((((`, `@a:`, `"`, `[`, `\`, `#x:<1`, "a\x00b", "\xff",
}

// FuzzParse keeps the promises of Parse: it ends, errors have a place in
// the text, and the canonical text has the same tree.
func FuzzParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := search.Parse(text)
		if err == nil {
			checkRoundTrip(t, q)
			var p search.Params
			sql, err := q.SQL(&p)
			if err == nil && !isPlainSQL(sql) {
				t.Fatalf("user text in %s", sql)
			}
			return
		}
		var e *schema.SyntaxError
		if !errors.As(err, &e) {
			t.Fatalf("error of another kind: %v", err)
		}
		lines := strings.Split(text, "\n")
		if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(lines[e.Line-1])+1 {
			t.Fatalf("%q: %v is outside the text", text, err)
		}
	})
}

// isPlainSQL reports whether SQL is made of what the emitter writes.
func isPlainSQL(sql string) bool {
	for _, word := range strings.FieldsFunc(sql, func(r rune) bool { return strings.ContainsRune("(){}[],;:.`'<>=! +->", r) }) {
		if !plainWords[word] && !isNumbered(word) {
			return false
		}
	}
	return true
}

func isNumbered(word string) bool {
	return search.IsNumber(strings.TrimPrefix(word, "p"))
}

var plainWords = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(`true false AND OR NOT IN IS NULL BETWEEN LIKE attributes raw rest x arrayMap arrayFilter message tags source
		service host status timestamp UTC v t s i f if empty has hasAny ifNull arrayExists startsWith substring toString
		String Int64 Float64 Bool Array Nullable Identifier match positionCaseInsensitive multiSearchAny multiSearchAnyCaseInsensitive arrayStringConcat notEmpty length
		rest arrayIntersect arrayFold countSubstrings l least range arrayMap arrayFilter arrayConcat arrayFlatten arraySum arrayCount arrayDistinct arrayEnumerate assumeNotNull isNotNull CAST lengthUTF8 replaceAll replaceRegexpAll splitByChar
		JSONExtractRaw JSONExtractArrayRaw JSONExtractString null x % e0 e1 e2 d m concat JSONExtractKeysAndValuesRaw
		JSONAllPaths hasAllTokens hasAnyTokens extractAll w lower position toIPv6 toIPv6OrNull toInt64OrNull toFloat64OrNull isFinite fromUnixTimestamp64Milli toUnixTimestamp64Milli
		usr id name evt outcome network client ip http method useragent agent rule_id process executable path file
		id%many name%many outcome%many ip%many method%many useragent%many rule_id%many path%many`) {
		words[w] = true
	}
	return words
}()

// FuzzReadersAgree asks both readers the same: the mutated text, and queries
// made of the seed, on events made of it.
func FuzzReadersAgree(f *testing.F) {
	for i, s := range fuzzSeeds {
		f.Add(s, uint64(i))
	}
	w := searchtest.NewWorld(f, searchtest.NewGenerator(1).Events(500))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		g := searchtest.NewGenerator(seed)
		if seed%16 == 0 && len(w.Events) < 20_000 {
			w.Add(t, g.Events(50))
		}
		for range 3 {
			w.Agree(t, g.Query())
		}
		q, err := search.Parse(text)
		if err != nil {
			return
		}
		if _, err := q.SQL(&search.Params{}); err != nil {
			return // too large, and says so
		}
		w.Agree(t, q)
	})
}

package search

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nightjar/schema"
)

// lettersOfTerms make texts in which patterns nearly stand, often.
var lettersOfTerms = []string{"a", "b", "A", "B", "ab", "é", "É", "ſ", "K", "k", "K", "ß", "_", "0", ".", "-", " ", "  ", "\t", "\n", "日本", "İ", "i", "\U0001F600"}

func termsText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n + 1) {
		b.WriteString(lettersOfTerms[r.IntN(len(lettersOfTerms))])
	}
	return b.String()
}

func termsPattern(r *rand.Rand) Pattern {
	var b strings.Builder
	for range 1 + r.IntN(6) {
		switch r.IntN(5) {
		case 0:
			b.WriteString([]string{"*", "?"}[r.IntN(2)])
		default:
			b.WriteString(string(LiteralPattern(termsText(r, 2))))
		}
	}
	return Pattern(b.String())
}

// agreeOnTerms holds texts against patterns together and one by one. It returns how
// many fit.
func agreeOnTerms(t *testing.T, patterns []*text, fold func(rune) rune, texts []string) (fitting int) {
	t.Helper()
	set, tried := newTerms(patterns, fold), make([]bool, len(patterns))
	for _, s := range texts {
		got := map[int32]bool{}
		set.find(s, tried, func(term int32) bool { got[term] = true; return true })
		if slices.Contains(tried, true) {
			t.Fatal("what was tried is still marked")
		}
		for i, p := range patterns {
			if want := p.match(s); want != got[int32(i)] {
				t.Fatalf("pattern %d %v (%+v) in %q: together %t, alone %t", i, p.pieces, *p, s, got[int32(i)], want)
			} else if want {
				fitting++
			}
		}
		first := int32(-1)
		set.find(s, tried, func(term int32) bool { first = term; return false })
		if (first >= 0) != (len(got) > 0) || first >= 0 && !got[first] {
			t.Fatalf("the first of %v is %d", got, first)
		}
	}
	return fitting
}

// TestTermsTogetherFindWhatEachFindsAlone compares the automaton with holding every
// pattern against the text, by the ways in which patterns are meant.
func TestTermsTogetherFindWhatEachFindsAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 3))
	ways := map[string]func(Pattern) *text{
		"message":  newMessageText,
		"whole":    func(p Pattern) *text { return newWholeText(p) },
		"any case": func(p Pattern) *text { return newWholeTextAnyCase(p) },
		"folded":   newFoldedText,
	}
	for name, prepare := range ways {
		fitting := 0
		for range 300 {
			var patterns []*text
			for range 1 + r.IntN(40) {
				patterns = append(patterns, prepare(termsPattern(r)))
			}
			var texts []string
			for range 30 {
				texts = append(texts, termsText(r, 12))
			}
			fitting += agreeOnTerms(t, patterns, patterns[0].fold, texts)
		}
		if fitting < 3000 {
			t.Errorf("%s: only %d fit: the patterns test too little", name, fitting)
		}
	}
}

// FuzzTerms is that for any texts. Patterns are split at line breaks.
func FuzzTerms(f *testing.F) {
	f.Add("failed password\n*pass?ord*\nfoo*bar*baz\nword", "Failed  Password for foo bar BAZ")
	f.Add("a\naa\naaa*\n*aaaa\n?a\n* a", "aaa a aaaa")
	f.Add("é\nſ\n*K*", "É S k")
	f.Fuzz(func(t *testing.T, patterns, s string) {
		s = strings.ToValidUTF8(s, "�")
		var words, wholes, folded, simply []*text
		for _, line := range strings.Split(strings.ToValidUTF8(patterns, "�"), "\n") {
			if strings.HasSuffix(line, `\`) {
				continue // what Parse makes has no lone backslash
			}
			words = append(words, newMessageText(Pattern(line)))
			wholes = append(wholes, newWholeText(Pattern(line)))
			folded = append(folded, newWholeTextAnyCase(Pattern(line)))
			simply = append(simply, newFoldedText(Pattern(line)))
		}
		agreeOnTerms(t, words, foldRune, []string{s})
		agreeOnTerms(t, wholes, nil, []string{s})
		agreeOnTerms(t, folded, foldRune, []string{s})
		agreeOnTerms(t, simply, foldSimple, []string{s})
	})
}

// oneByOne is what a node means, with every text held against every pattern.
func oneByOne(n Node, e *schema.Event) bool {
	switch n := n.(type) {
	case Conjunction:
		return !slices.ContainsFunc(n.Nodes, func(n Node) bool { return !oneByOne(n, e) })
	case Disjunction:
		return slices.ContainsFunc(n.Nodes, func(n Node) bool { return oneByOne(n, e) })
	case Negation:
		return !oneByOne(n.Node, e)
	case Words, Like, Folded:
		return slices.ContainsFunc(soughtBy(n), func(s sought) bool { return s.in.each(s.pattern.match)(e) })
	}
	return matcher(n, nil)(e)
}

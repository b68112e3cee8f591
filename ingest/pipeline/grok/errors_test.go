package grok

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fastjson"
)

// mistakes are all that Compile says, a line each.
func mistakes(match, support string) string {
	_, err := Compile(match, support)
	if err == nil {
		return ""
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	var out []string
	for _, e := range list {
		var bad *RuleError
		if !errors.As(e, &bad) {
			return fmt.Sprintf("%T is no RuleError", e)
		}
		out = append(out, bad.Error())
	}
	return strings.Join(out, "\n")
}

func TestMistakesHavePlaceAndHint(t *testing.T) {
	for _, c := range []struct{ match, support, want string }{
		{"r %{wrd:x}", "", "match rules 1:5: rule r: no matcher or rule is named wrd; did you mean word?"},
		{"r a %{data:x:keyvalu}", "", "match rules 1:14: rule r: no filter is named keyvalu; did you mean keyvalue?"},
		{"r %{json:x}", "", "match rules 1:5: rule r: no matcher or rule is named json: it is a filter; write %{data:attribute:json}"},
		{"r %{data:x:word}", "", "match rules 1:12: rule r: no filter is named word; word is a matcher: %{word:attribute}"},
		{"r [%{data:x}", "", "match rules 1:3: rule r: a [ without its ]; write \\[ for the character"},
		{"r é(a", "", "match rules 1:4: rule r: a ( without its ); write \\( for the character"},
		{"r a)", "", "match rules 1:4: rule r: a ) without its (; write \\) for the character"},
		{"r *", "", "match rules 1:3: rule r: nothing to repeat before *; write \\* for the character"},
		{"r a{2,1}", "", "match rules 1:4: rule r: {2,1} asks for more than it allows; write {1,2}"},
		{"r a{5000}", "", "match rules 1:4: rule r: more than 1000 repetitions; write + or * where the number does not matter"},
		{"r (a{100}){100}", "", "match rules 1:11: rule r: more than 1000 repetitions; write + or * where the number does not matter"},
		{"r \\y", "", `match rules 1:3: rule r: \y means nothing here; write y for the letter, or \\y for a backslash before it`},
		{"r %{data:x", "", "match rules 1:11: rule r: a %{ without its }; write %{matcher:attribute:filter}; filters are one a token"},
		{"r %{data:x:json:lowercase}", "", "match rules 1:16: rule r: a %{ without its }; write %{matcher:attribute:filter}; filters are one a token"},
		{"r %{data:a b}", "", `match rules 1:10: rule r: the attribute "a b" has a ' '; attributes have letters, digits, _ - @ $ and dots; others are written ["odd name"]`},
		{"r %{data:a..b}", "", `match rules 1:10: rule r: the attribute "a..b" has an empty part; attributes have letters, digits, _ - @ $ and dots; others are written ["odd name"]`},
		{`r %{regex("[a"):x}`, "", `match rules 1:12: rule r: a [ without its ]; write \[ for the character`},
		{`r %{regex(abc):x}`, "", `match rules 1:11: rule r: regex takes texts in double quotes; write regex("regular expression")`},
		{`r %{date("yyyy-QQ"):x}`, "", `match rules 1:10: rule r: the format has QQ, which means nothing; letters are y M d H h m s S a E D z Z; others are written in quotes: 'T'`},
		{`r %{date("HH","Nowhere"):x}`, "", `match rules 1:15: rule r: no time zone is named "Nowhere"; write "UTC", "+02:00" or "Europe/Berlin"`},
		{`r %{word("x"):x}`, "", `match rules 1:5: rule r: the matcher word takes no arguments`},
		{`r %{data:x:scale(a)}`, "", `match rules 1:12: rule r: scale takes a number; write scale(1000)`},
		{`r %{data:x:csv("a","ab")}`, "", `match rules 1:12: rule r: separator and quote of csv are one character each, and not the same; write csv("a,b","tab")`},
		{`r (a)\2`, "", `match rules 1:6: rule r: a reference to a group that is not there; groups are counted by their ( in this rule`},
		{`r (?<=a*)b`, "", `match rules 1:3: rule r: what is looked for behind has no bound; write {0,20} for *, or {1,20} for +`},
		{"noBody", "", "match rules 1:1: rule noBody: the rule has no body; write a space and the body after the name"},
		{"a-b x", "", `match rules 1:2: "a-b" is not the name of a rule; a rule is a name of letters, digits, _ and ., one space, and its body`},
		{"r a\nr b", "", "match rules 2:1: rule r: the name is taken; another one is in line 1 of the match rules"},
		{"", "h a", "match rules 1:1: there is no match rule; write a rule: name %{word:user} logged in"},
		{"a %{b}\nb x", "", "match rules 1:5: rule a: no matcher or rule is named b above this line; a match rule uses helpers, and match rules above it"},
		{"r %{a}", "a %{b}\nb %{a}", "support rules 2:5: rule b: rules use each other in a circle: a > b > a"},
		{"r x", "h (", "support rules 1:3: rule h: a ( without its ); write \\( for the character"},
		{"r %{h}\ns %{wrd:x}", "h (", "support rules 1:3: rule h: a ( without its ); write \\( for the character\nmatch rules 2:5: rule s: no matcher or rule is named wrd; did you mean word?"},
		{"r a**", "", "match rules 1:5: rule r: a quantifier follows a quantifier; put the first into a group: (?:x+)?"},
		{"r [z-a]", "", "match rules 1:3: rule r: invalid character class range: `z-a`; a - as a character stands first or last in a class, or is written \\-"},
	} {
		if got := mistakes(c.match, c.support); got != c.want {
			t.Errorf("%q with %q:\n%s, want\n%s", c.match, c.support, got, c.want)
		}
	}
}

func TestHostileRulesAreRefused(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("h0 aaaa\n")
	for i := range 60 {
		fmt.Fprintf(&doubling, "h%d %%{h%d}%%{h%d}\n", i+1, i, i)
	}
	for name, c := range map[string][2]string{
		"helpers that double":  {"r %{h60}", doubling.String()},
		"deep groups":          {"r " + strings.Repeat("(", 1000) + strings.Repeat(")", 1000), ""},
		"deep arguments":       {"r %{data:x:" + strings.Repeat("array(", 100_000), ""},
		"more than a megabyte": {"r " + strings.Repeat("a", maxRules), ""},
		"many repetitions":     {"r ((a{30}){30}){30}", ""},
	} {
		if mistakes(c[0], c[1]) == "" {
			t.Errorf("%s: compiled", name)
		}
	}
}

// The rules that RE2 can't run are named; those that it can are not, with all that
// addresses and numbers look at.
func TestDearRulesAreNamed(t *testing.T) {
	p, err := Compile(`ahead a(?!bc)%{data:x}
behind %{data:x}(?<=ab)c
again (a+)\1
loop (?:(?>a+|b)c)*
cheap (?>a+|b)%{ip:x}%{number:y}%{data:z}(?=c)c
`+accessRules, accessHelpers)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range p.Dear() {
		got = append(got, d.Rule+": "+d.Why)
	}
	want := `ahead: it looks ahead: (?=…) or (?!…)
behind: it looks behind: (?<=…) or (?<!…)
again: it repeats what a group matched: \1
loop: an atomic group, a number or a possessive quantifier is repeated`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// A text on which a rule would go on for ever ends at its bound: with ErrBudget where
// only the backtracking engine can run it, with RE2's answer elsewhere.
func TestTheBoundHolds(t *testing.T) {
	for _, h := range hostile {
		p, err := Compile("r "+h.body, "")
		if err != nil {
			t.Fatal(err)
		}
		var arena fastjson.Arena
		found, rule, err := p.Parse(&Context{Received: received, Arena: &arena}, h.text)
		if found != nil || strings.Contains(h.name, "RE2") && err != nil {
			t.Errorf("%s: %v %v", h.name, found, err)
		}
		if strings.Contains(h.name, "dear") && (!errors.Is(err, ErrBudget) || rule != "r") {
			t.Errorf("%s: %q %v", h.name, rule, err)
		}
	}
	if got := parsed(t, "r (a+)+[bc]b", "", strings.Repeat("a", 2000)+"cb"); got != "{}" {
		t.Errorf("RE2 does not find it: %s", got)
	}
}

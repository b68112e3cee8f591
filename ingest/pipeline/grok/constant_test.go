package grok

import (
	"testing"

	"github.com/valyala/fastjson"
)

func TestConstantsSayWhatATextMeans(t *testing.T) {
	const support = `failed %{constant("failure"):evt.outcome}`
	for _, c := range []struct{ rule, text, want string }{
		{`r no %{word:a}%{failed}`, "no way", `{"a":"way","evt":{"outcome":"failure"}}`},
		{`r (?:yes%{constant("success"):o}|no%{constant("failure"):o})`, "no", `{"o":"failure"}`},
		{`r (?:yes%{constant("success"):o}|no%{constant("failure"):o})`, "yes", `{"o":"success"}`},
		{`r x%{constant("true"):b:boolean}%{constant("7"):n:integer}`, "x", `{"b":true,"n":7}`},
		{`r (?:%{regex("a+"):v}|%{constant(""):v})b`, "b", `{"v":""}`},
		{`r (?:%{regex("a+"):v}|%{constant(""):v})b`, "aab", `{"v":"aa"}`},
		{`r (?:q%{constant("1"):v})?b`, "b", `{}`},
	} {
		p, err := Compile(c.rule, support)
		if err != nil {
			t.Fatal(err)
		}
		var a fastjson.Arena
		found, _, err := p.Parse(&Context{Arena: &a}, c.text)
		if err != nil || found == nil || string(found.MarshalTo(nil)) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.rule, found, err, c.want)
		}
	}
	for _, rule := range []string{`r %{constant("x")}`, `r %{constant:a}`, `r %{constant("a","b"):c}`} {
		if _, err := Compile(rule, ""); err == nil {
			t.Errorf("%s is taken", rule)
		}
	}
}

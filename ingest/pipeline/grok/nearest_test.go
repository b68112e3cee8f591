package grok

import (
	"strings"
	"testing"
)

func TestTheNearestRuleIsNamedWithThePlaceWhereItFails(t *testing.T) {
	const support = "head %{word:prog}\\[%{integer:pid}\\] <%{word:level}>"
	const match = "open %{head} door=%{integer:door} who=\"%{data:who}\" via=%{ip:ip}:%{port:port} took=%{integer:ms}ms\nshut %{head} shut"
	for text, want := range map[string]string{
		`lockd[7] <W> door=17 who="ann" via=10.0.0.1:80 tok=3ms`: "rule open matches up to `…o=\"ann\" via=10.0.0.1:80 ` and wants `took=`, not `tok=3ms`",
		`lockd[7] <W> door=x`:   "rule open matches up to `lockd[7] <W> door=` and wants what is door, not `x`",
		`lockd[7] <W> shut now`: "rule shut matches up to `lockd[7] <W> shut` and wants the end, not ` now`",
		`lockd[7] <W> door=17 who="ann" via=10.0.0.1:80 took=3`: "wants `ms`, not the end",
		`(lockd`:                           "",
		strings.Repeat("x", nearestText+1): "",
	} {
		got := Nearest(match, support, text)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%.60s:\n got %s\nwant %s", text, got, want)
		}
	}
	for _, match := range []string{`r (a)\1b`, `r (?=x)y`, `r (?<!a)b`, "r %{data}", "r", "r %{nothing}"} {
		Nearest(match, "", "some text")
	}
}

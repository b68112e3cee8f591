package schema

import (
	"strings"
	"testing"
)

func TestTheClosestIsAnotherStyleOrAFewSlipsAway(t *testing.T) {
	candidates := []string{"isEnabled", "group_by_fields", "evaluationWindow", "größe"}
	for name, want := range map[string]string{
		"is_enabled": "isEnabled", "groupByFields": "group_by_fields", "evalutionWindw": "evaluationWindow",
		"grösse": "größe", "window": "", "xsEnobloi": "",
	} {
		if got := Closest(name, candidates, 3); got != want {
			t.Errorf("%s is taken for %q, want %q", name, got, want)
		}
	}
}

// TestALongNameCostsNoMoreThanAShortOne counts what is allocated, which comparing does.
func TestALongNameCostsNoMoreThanAShortOne(t *testing.T) {
	candidates := make([]string, 100)
	for i := range candidates {
		candidates[i] = strings.Repeat("c", 10+i%5)
	}
	long := strings.Repeat("ab", 1000)
	if n := testing.AllocsPerRun(10, func() { Closest(long, candidates, 3) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

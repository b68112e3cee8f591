package scheduler

import (
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/compiler/search"
)

// TestTheDelayOfASourceIsFoundInAnyCase asks for rules that mean a source in another
// letter case.
func TestTheDelayOfASourceIsFoundInAnyCase(t *testing.T) {
	t.Parallel()
	d := SilenceDelays{Default: time.Minute, BySource: map[string]time.Duration{"sshd": time.Hour, "nginx": 2 * time.Hour}}
	for query, want := range map[string]time.Duration{
		"source:sshd x": time.Hour, "ICASE(source, SSHD) x": time.Hour, "source:other": time.Minute, "x": 2 * time.Hour, "ICASE(source, SSH*)": 2 * time.Hour,
	} {
		q, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		plan := &compiler.BoundPlan{Plan: &compiler.Plan{Labels: []compiler.Label{{Filter: search.Filter{{Query: q}}}}}}
		if got := d.Of(plan); got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

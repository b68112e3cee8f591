package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestChaosMemoryGoesBackAfterABurst sends many events of many groups at once, and
// looks at the engine's memory when they have been evaluated and nothing more comes.
func TestChaosMemoryGoesBackAfterABurst(t *testing.T) {
	events := envInt("NIGHTJAR_CHAOS_BURST", 0)
	if events == 0 {
		t.Skip("takes some minutes: `make chaos`, or NIGHTJAR_CHAOS_BURST=216000 (events)")
	}
	f := newFolder(t)
	f.run(exitOK, "rules", "apply", f.put("one.json", ruleFile))
	time.Sleep(30 * time.Second) // until it is idle
	idle := f.p.rss()
	var lines strings.Builder
	begin := time.Now().Add(-10 * time.Minute).UnixMilli()
	for i := range events {
		fmt.Fprintf(&lines, `{"timestamp":%d,"source":"sshd","host":"h%d","message":"Failed password for user %d from 203.0.113.%d","usr":{"name":"u%d"},"port":%d}`+"\n",
			begin+int64(i)*600_000/int64(events), i%20, i%500, i%250, i%50_000, i%60_000)
	}
	f.run(exitOK, "ingest", "--source", "sshd", f.put("burst.ndjson", lines.String()))
	f.p.caughtUp()
	peak := f.p.rss()
	limit := idle * 13 / 10
	start := time.Now()
	f.p.awaitFor(time.Minute, fmt.Sprintf("at %d MB, which is 1.3 times the idle figure, but at %d", limit>>20, f.p.rss()>>20), func() bool { return f.p.rss() <= limit })
	t.Logf("idle %d MB, after %d events %d MB, and %d MB %s later", idle>>20, events, peak>>20, f.p.rss()>>20, time.Since(start).Round(time.Second))
}

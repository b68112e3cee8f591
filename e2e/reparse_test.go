package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStoredEventsAreReadAgain stores events that no pipeline reads, makes a pipeline for
// them, and reads them again while others come in and the engine is killed.
func TestStoredEventsAreReadAgain(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startEngine(t)
	send := func(from, to int) {
		t.Helper()
		var lines []string
		for i := from; i < to; i++ {
			lines = append(lines, fmt.Sprintf(`{"ddsource":"till","hostname":"h","message":"sale %d by user%d"}`, i, i%7))
		}
		lines = append(lines, `{"ddsource":"other","message":"sale 1 by user1"}`)
		if status, answer, err := p.request(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(lines, ",")+"]")); err != nil || status != http.StatusAccepted {
			t.Fatalf("%d %s %v", status, answer, err)
		}
	}
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"r","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"name":"a","query":"source:till","aggregation":"count","groupByFields":["host"]}],
		"cases":[{"status":"high","condition":"a > 10"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`), nil)
	send(0, 500)
	p.caughtUp()
	signals, _, _ := p.run("signals", "list", "--output", "json")

	p.call(http.MethodPost, "/api/v1/logs/config/pipelines", []byte(`{"name":"till","is_enabled":true,"filter":{"query":"source:till"},"processors":[
		{"type":"grok-parser","is_enabled":true,"source":"message","samples":[],"grok":{"support_rules":"","match_rules":"sale sale %{integer:sale.number} by %{word:usr.name}"}}]}`), nil)
	send(500, 520) // read by it as they come
	p.caughtUp()
	count := func(query string) (n int) {
		t.Helper()
		out, said, code := p.run("search", query, "--limit", "5000", "--output", "jsonl")
		if code != 0 {
			t.Fatalf("%s: %s", query, said)
		}
		seen := map[string]bool{}
		for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
			var e struct{ ID string }
			if line != "" && json.Unmarshal([]byte(line), &e) == nil {
				seen[e.ID] = true
				n++
			}
		}
		if n != len(seen) {
			t.Errorf("%s: %d events, %d ids", query, n, len(seen))
		}
		return n
	}
	if n := count("source:till @usr.name:*"); n != 20 {
		t.Fatalf("%d events have a user before they are read again, want those that came after the pipeline: 20", n)
	}
	out, said, code := p.run("reparse", "run", "source:till")
	if code != 0 || !strings.Contains(said, "520 events, 500 changed, 0 failed") {
		t.Fatalf("reparse ends with %d: %s%s", code, out, said)
	}
	if n := count("source:till @usr.name:* @sale.number:[0 TO 519] @nightjar.pipelines:*"); n != 520 {
		t.Errorf("%d events have a user, want 520", n)
	}
	if n := count("source:other -@usr.name:*"); n != 2 {
		t.Errorf("%d events of the other source, want 2 as they were", n)
	}
	if after, _, _ := p.run("signals", "list", "--output", "json"); len(after) < len(signals)/2 || strings.Count(after, `"id"`) != strings.Count(signals, `"id"`) {
		t.Errorf("signals were\n%s\nand are\n%s", signals, after)
	}

	// Killed in the middle, with events that come in: nothing is lost, nothing doubled.
	for i := range 2 {
		if _, said, code := p.run("reparse", "run", "*", "--background"); code != 0 {
			t.Fatal(said)
		}
		send(520+10*i, 530+10*i)
		time.Sleep(time.Duration(50+150*i) * time.Millisecond)
		p.kill()
		p.start()
	}
	p.await("the end of the jobs", func() bool {
		list, _, _ := p.run("reparse", "list")
		return strings.Count(list, "completed") == 3
	})
	p.caughtUp()
	if n := count("source:till @usr.name:*"); n != 540 {
		t.Errorf("%d events have a user, want 540", n)
	}
	if n := count("source:other"); n != 4 {
		t.Errorf("%d events of the other source, want 4", n)
	}
}

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestARuleIsExplained asks the binary why events made signals, or made none.
func TestARuleIsExplained(t *testing.T) {
	t.Parallel()
	p := startEngine(t, longAgo...)
	create := func(rule string) string {
		var made struct{ ID string }
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule), &made)
		return made.ID
	}
	const options = `"message":"m","isEnabled":true,"tags":[],"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":3600`
	count := create(`{"name":"many",` + options + `},
		"queries":[{"query":"source:x @evt.name:(login OR logout) -@usr.id:admin","aggregation":"count","groupByFields":["@usr.id"]}],
		"cases":[{"status":"low","name":"five","condition":"a >= 5"}]}`)
	sequence := create(`{"name":"chain",` + options + `,"detectionMethod":"sequence_detection","sequenceDetectionOptions":{
			"steps":[{"name":"one","condition":"a > 0"},{"name":"two","condition":"b > 0"},{"name":"three","condition":"c > 0"}],
			"stepTransitions":[{"parent":"one","child":"two","evaluationWindow":600},{"parent":"two","child":"three","evaluationWindow":600}]}},
		"queries":[{"query":"@evt.name:login","aggregation":"count","groupByFields":["@usr.id"]},
			{"query":"@evt.name:logout","aggregation":"count","groupByFields":["@usr.id"]},
			{"query":"@evt.name:delete","aggregation":"count","groupByFields":["@usr.id"]}],
		"cases":[{"status":"low","condition":"three > 0"}]}`)
	news := create(`{"name":"news",` + options + `,"detectionMethod":"new_value","newValueOptions":{"forgetAfter":7,"learningDuration":0}},
		"queries":[{"query":"source:x","aggregation":"new_value","metrics":["@evt.name"],"groupByFields":["@usr.id"]}],
		"cases":[{"status":"low","condition":""}]}`)
	at := func(second int) time.Time { return time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC) }
	send := func(name, user string, second int) {
		body := fmt.Sprintf(`[{"ddsource":"x","timestamp":%d,"message":"m","evt":{"name":%q},"usr":{"id":%q}}]`, at(second).UnixMilli(), name, user)
		p.call(http.MethodPost, "/api/v2/logs", []byte(body), nil)
	}
	for i := range 3 {
		send("login", "eve", i)
	}
	send("logout", "eve", 10)
	send("login", "admin", 20)
	p.caughtUp()
	event := func(name, user string) string {
		out, stderr, code := p.run("search", "@evt.name:"+name+" @usr.id:"+user, "--from", "2026-01-01T00:00:00Z", "--output", "json")
		if code != 0 {
			t.Fatal(stderr)
		}
		var found []struct{ ID string }
		if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) == 0 {
			first, _, _ := strings.Cut(out, "\n")
			var one struct{ ID string }
			if json.Unmarshal([]byte(first), &one) != nil || one.ID == "" {
				t.Fatalf("search: %q", out)
			}
			return one.ID
		}
		return found[0].ID
	}
	check := func(want []string, args ...string) {
		t.Helper()
		out, stderr, code := p.run(append([]string{"explain"}, args...)...)
		if code != 0 {
			t.Fatalf("explain %v: exit %d: %s", args, code, stderr)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("explain %v lacks %q:\n%s", args, w, out)
			}
		}
	}
	check([]string{"evaluated", "QUERY a matches", "✓ @evt.name:(login OR logout)", "✗ @evt.name:login", "GROUP eve", "a = 4", "✗ case 0 low five: a=4 >= 5", "no signal"},
		"--rule", count, "--event", event("logout", "eve"))
	check([]string{"QUERY a does not match", "✗ -@usr.id:admin"}, "--rule", count, "--event", event("login", "admin"))
	check([]string{"✓ step two", "reached " + "2026-03-01T12:00:10.000Z", "✗ step three", "never reached"}, "--rule", sequence, "--group", "eve")
	check([]string{"logout is new", "✓ case 0", "signal "}, "--rule", news, "--event", event("logout", "eve"))
	check([]string{"still being learned"}, "--rule", news, "--event", event("login", "admin"))
	late := create(`{"name":"late",` + options + `},"queries":[{"query":"*","aggregation":"count"}],"cases":[{"status":"low","condition":"a > 0"}]}`)
	check([]string{"unseen: the event arrived before the rule"}, "--rule", late, "--event", event("logout", "eve"))
	for _, args := range [][]string{{"--rule", count}, {"--event", "x"}, {"--rule", count, "--event", "x", "--group", "y"}} {
		if _, _, code := p.run(append([]string{"explain"}, args...)...); code != 2 {
			t.Errorf("explain %v: exit %d, want 2", args, code)
		}
	}
	for _, args := range [][]string{{"--rule", "zzz-zzz-zzz", "--group", "y"}, {"--rule", count, "--event", "nonsense"}, {"--rule", count, "--group", "a", "--group", "b"}} {
		if _, stderr, code := p.run(append([]string{"explain"}, args...)...); code != 1 || stderr == "" {
			t.Errorf("explain %v: exit %d (%s), want 1 and what is wrong", args, code, stderr)
		}
	}
}

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/compiler"
)

// TestABacktestTellsWhatItLeavesOut has an attacker's address behind more others
// than count: the rule asks for it, so it is found, and the others are told.
func TestABacktestTellsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	addresses := make([]string, compiler.MaxTuples+2)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("10.0.%d.%d", i/256, i%256)
	}
	attacker := addresses[len(addresses)-1]
	list, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rule, events := filepath.Join(dir, "rule.json"), filepath.Join(dir, "events.ndjson")
	for path, text := range map[string]string{
		rule: `{"name":"r","message":"m","isEnabled":true,"type":"log_detection","queries":[{"name":"a","query":"@ip:` + attacker + `","groupByFields":["@ip"]}],
			"cases":[{"status":"low","condition":"a > 0"}],"options":{"evaluationWindow":0,"keepAlive":0,"maxSignalDuration":0}}`,
		events: `{"timestamp":1700000000000,"source":"x","message":"m","attributes":{"ip":` + string(list) + `}}` + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := nightjar(t, ".", "backtest", "--rule", rule, "--events", events, "--output", "json")
	var signals []struct{ Group []string }
	if err := json.Unmarshal([]byte(stdout), &signals); err != nil || code != 0 || len(signals) != compiler.MaxTuples {
		t.Fatalf("exit %d, %d signals, %v", code, len(signals), err)
	}
	found := false
	for _, s := range signals {
		found = found || s.Group[0] == attacker
	}
	if !found || !strings.Contains(stderr, "warning: 2 groups and tuples of values were left out") {
		t.Errorf("the attacker is found: %v; standard error: %s", found, stderr)
	}
}

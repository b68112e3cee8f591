package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostileSignal is a signal whose every text is long and drives terminals.
func hostileSignal(t *testing.T) *fullSignal {
	t.Helper()
	long := "\x1b[2J\r" + strings.Repeat("very long ", 200) + "\n"
	custom := map[string]any{
		"title": long, "status": "high",
		"nightjar": map[string]any{
			"group": []string{long, "'; rm -rf ~ #"}, "group_by": []string{"@a", "@b"}, "first_seen": 1772366400000, "last_seen": 1772452800000,
			"events": 100000, "state": "archived", "reason": long, "window": 5400000,
		},
		"triggeringRuleCase": map[string]any{"name": long, "condition": long},
		"workflow": map[string]any{
			"rule":   map[string]any{"id": "abc-def-ghi", "name": long},
			"triage": map[string]any{"assignee": map[string]any{"name": long, "uuid": "u"}, "archiveComment": long},
		},
	}
	var samples []map[string]any
	for i := range 10 {
		samples = append(samples, map[string]any{"eventId": "E", "content": map[string]any{
			"timestamp": fmt.Sprintf("2026-03-01T12:00:%02dZ", i), "message": fmt.Sprint(i, long), "host": fmt.Sprint("h", i),
			"custom": map[string]any{"usr": map[string]any{"id": fmt.Sprint("u", i)}},
		}})
	}
	custom["samples"] = samples
	raw, err := json.Marshal(map[string]any{"data": map[string]any{
		"id": "x", "attributes": map[string]any{"message": strings.Repeat(long, 50), "tags": []string{long, "b"}, "custom": custom},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := readFullSignal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASignalFitsAScreenWhateverItHas(t *testing.T) {
	for _, width := range []int{80, 100, 200} {
		var out strings.Builder
		if err := hostileSignal(t).show(&out, width, `source:"a'b"`); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) > 23 {
			t.Errorf("%d lines:\n%s", len(lines), out.String())
		}
		next := false
		for _, line := range lines {
			if !next && utf8.RuneCountInString(line) > width {
				t.Errorf("%d characters of %d: %s", utf8.RuneCountInString(line), width, line)
			}
			next = next || line == "NEXT"
		}
		if strings.ContainsAny(out.String(), "\x1b\r") {
			t.Error("what a signal says drives the terminal")
		}
		for _, want := range []string{
			"HIGH  ", "state    archived: ", "whom     @a = ", "when     2026-03-01 12:00:00 to 2026-03-02 12:00:00 UTC, 100000 events", "why      ",
			"EVENTS (3 of 100000)", "  12:00:00  0", "  12:00:05  5", "  12:00:09  9", "more)",
			`nightjar search 'source:"a'\''b"' --from 2026-03-01T10:30:00.000Z --to 2026-03-02T12:00:00.001Z`, `--group ''\''; rm -rf ~ #'`,
			"nightjar signals triage x --state under_review", "nightjar signals get x --output json",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("there is no %q in\n%s", want, out.String())
			}
		}
	}
}

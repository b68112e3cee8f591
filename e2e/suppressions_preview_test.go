package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAPreviewSaysWhatASuppressionWouldHaveHidden asks about signals that an
// engine published, some of which an analyst had looked at.
func TestAPreviewSaysWhatASuppressionWouldHaveHidden(t *testing.T) {
	t.Parallel()
	p := startEngine(t, longAgo...)
	create := func(name, query, condition string) (id string) {
		var made struct{ ID string }
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(fmt.Sprintf(`{"name":%q,"message":"m","isEnabled":true,"tags":["team:red"],
			"queries":[{"query":%q,"aggregation":"count","groupByFields":["@usr.id"]}],"cases":[{"status":"high","condition":%q}],
			"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":3600}}`, name, query, condition)), &made)
		return made.ID
	}
	one := create("one", "source:x", "a > 0")
	three := create("three", "source:x", "a >= 3")
	former := create("former", "source:x @usr.id:carol", "a > 0")
	create("other", "source:y", "a > 0")
	at := time.Now().Add(-time.Hour)
	send := func(user, host string) {
		body := fmt.Sprintf(`[{"ddsource":"x","hostname":%q,"timestamp":%d,"message":"m","usr":{"id":%q}}]`, host, at.UnixMilli(), user)
		p.call(http.MethodPost, "/api/v2/logs", []byte(body), nil)
		at = at.Add(time.Second)
	}
	for _, sent := range [][2]string{{"alice", "scanner"}, {"bob", "scanner"}, {"bob", "web"}, {"bob", "scanner"}, {"bob", "web"}, {"carol", "web"}} {
		send(sent[0], sent[1])
	}
	p.caughtUp()
	p.call(http.MethodDelete, "/api/v2/security_monitoring/rules/"+former, nil, nil)
	signal := func(rule, user string) (id string) {
		var page struct{ Data []struct{ ID string } }
		p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", []byte(fmt.Sprintf(`{"filter":{"query":"@nightjar.rule_id:%s @usr.id:%s"}}`, rule, user)), &page)
		if len(page.Data) != 1 {
			t.Fatalf("%d signals of %s about %s", len(page.Data), rule, user)
		}
		return page.Data[0].ID
	}
	confirmed, reviewed := signal(one, "bob"), signal(one, "alice")
	p.call(http.MethodPatch, "/api/v2/security_monitoring/signals/"+confirmed+"/state", []byte(`{"data":{"attributes":{"state":"archived","archive_reason":"true_positive_malicious"}}}`), nil)
	p.call(http.MethodPatch, "/api/v2/security_monitoring/signals/"+reviewed+"/state", []byte(`{"data":{"attributes":{"state":"under_review"}}}`), nil)

	type answer struct {
		Total      int
		BySeverity map[string]int `json:"by_severity"`
		Rules      []struct {
			Name           string
			Deleted        bool
			Withheld, Gone int
			FewerEvents    int `json:"fewer_events"`
		}
		Signals []struct {
			ID, Effect      string
			RuleName        string `json:"rule_name"`
			Group           []string
			Events          int
			Left            int `json:"events_left"`
			State, Severity string
		}
		Warnings []string
	}
	ask := func(request string) (a answer, lines []string) {
		p.call(http.MethodPost, "/api/nightjar/v1/suppressions/preview", []byte(request), &a)
		for _, s := range a.Signals {
			lines = append(lines, fmt.Sprintf("%s %s %s %d/%d %s", s.RuleName, strings.Join(s.Group, ","), s.Effect, s.Left, s.Events, s.State))
		}
		slices.Sort(lines)
		return a, lines
	}
	attributes := func(query string) string {
		return `{"data":{"type":"suppressions","attributes":{"name":"s","enabled":false,"rule_query":"team:red",` + query + `,"start_date":99999999999999}}}`
	}

	got, lines := ask(attributes(`"suppression_query":"@usr.id:(bob OR carol) -@nightjar.case:1"`))
	if diff := cmp.Diff([]string{"former carol withheld 0/1 open", "one bob withheld 0/4 archived", "one carol withheld 0/1 open", "three bob withheld 0/4 open"}, lines); diff != "" {
		t.Errorf("withheld (-want +got):\n%s", diff)
	}
	if got.Total != 4 || got.BySeverity["high"] != 4 || len(got.Rules) != 4 || !got.Rules[0].Deleted || got.Rules[1].Withheld != 2 {
		t.Errorf("counts: %+v", got)
	}
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], confirmed) || !strings.Contains(got.Warnings[0], "an analyst confirmed it (true_positive_malicious)") {
		t.Errorf("warnings %q do not name signal %s alone", got.Warnings, confirmed)
	}

	got, lines = ask(attributes(`"data_exclusion_query":"host:scanner"`))
	if diff := cmp.Diff([]string{"one alice gone 0/1 under_review", "one bob fewer_events 2/4 archived", "three bob gone 0/4 open"}, lines); diff != "" {
		t.Errorf("excluded (-want +got):\n%s", diff)
	}
	for _, want := range []string{reviewed + " of rule one", confirmed + " of rule one", "rule former (" + former + ") is deleted", "no events are stored that arrived before"} {
		if !slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("no warning says %q: %q", want, got.Warnings)
		}
	}
	if signal(three, "bob") == "" || len(got.Rules) != 4 {
		t.Errorf("a preview changed something, or forgot a rule: %+v", got.Rules)
	}

	file := filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(file, []byte(`{"name":"s","enabled":true,"rule_query":"name:three","suppression_query":"@usr.id:bob"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := p.run("suppressions", "preview", file); code != 0 || !strings.HasPrefix(out, "1 signals would have been hidden or changed: 1 high\n") || !strings.Contains(out, "bob") {
		t.Errorf("exit %d, %s\n%s", code, out, stderr)
	}
	if _, stderr, code := p.run("suppressions", "apply", file); code != 0 {
		t.Fatal(stderr)
	}
	list, _, _ := p.run("suppressions", "list", "--output", "json")
	var stored []struct{ ID string }
	if err := json.Unmarshal([]byte(list), &stored); err != nil || len(stored) != 1 {
		t.Fatalf("%v: %s", err, list)
	}
	out, stderr, code := p.run("suppressions", "preview", stored[0].ID, "--from", "now-30m", "--output", "json")
	if code != 0 || !strings.Contains(strings.ReplaceAll(out, `"`, ""), "total: 0") {
		t.Errorf("exit %d, %s%s", code, out, stderr)
	}
	if _, stderr, code := p.run("suppressions", "preview", "no-such-one"); code != 1 || stderr == "" {
		t.Errorf("exit %d for a suppression that there is not: %s", code, stderr)
	}
}

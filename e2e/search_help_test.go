package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// searchMistake is a mistake of a search as the API tells it.
type searchMistake struct {
	Line, Column  int
	Message, Hint string
	Fix           struct{ Label, Query string }
}

// TestASearchIsMendedAndItsEventsAreFoundByID asks for what is wrong with searches, for what
// may have been meant, for one event by its id, and for the rules that counted it.
func TestASearchIsMendedAndItsEventsAreFoundByID(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"Logins","isEnabled":true,"type":"log_detection","message":"m","tags":[],
		"queries":[{"name":"q","query":"source:sshd","groupByFields":["@usr.name"],"aggregation":"count"}],
		"cases":[{"name":"","status":"low","condition":"q > 1000","notifications":[]}],
		"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`), nil)
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"sshd","hostname":"b1","message":"Failed password for invalid user git from 203.0.113.66 port 40102 ssh2"}]`), nil)
	id := fmt.Sprint(p.stored("@usr.name:git")["id"])

	var checked struct {
		Valid   bool
		Error   searchMistake
		Grouped string
	}
	check := func(query string) {
		t.Helper()
		checked.Error, checked.Grouped = searchMistake{}, ""
		p.call(http.MethodPost, "/api/nightjar/v1/search/check", fmt.Appendf(nil, `{"query":%q}`, query), &checked)
	}
	check("source:sshd @usr.name:(root OR ")
	if f := checked.Error.Fix; checked.Valid || f.Query != "source:sshd @usr.name:(root)" || f.Label != "Remove OR and close the group" {
		t.Errorf("it is mended as %+v", checked)
	}
	check("source:sshd host:b1 OR host:b2")
	if !checked.Valid || checked.Grouped != "source:sshd host:(b1 OR b2)" {
		t.Errorf("grouped it is %+v", checked)
	}

	var completed struct{ Completions []struct{ Text string } }
	for _, over := range []string{"events", "signals"} { // of all, where nothing is selected
		completed.Completions = nil
		p.call(http.MethodPost, "/api/nightjar/v1/search/complete", fmt.Appendf(nil, `{"over":%q,"text":"@usr.na"}`, over), &completed)
		if len(completed.Completions) == 0 {
			t.Errorf("over %s nothing completes @usr.na", over)
		}
	}

	var hinted struct{ Hints []searchMistake }
	hint := func(query string, look bool) {
		t.Helper()
		hinted.Hints = nil
		p.call(http.MethodPost, "/api/nightjar/v1/search/hints", fmt.Appendf(nil, `{"query":%q,"look":%t}`, query, look), &hinted)
	}
	hint("source:sshd -@usr.nmae:root source:sshx", false)
	if len(hinted.Hints) != 1 || hinted.Hints[0].Column != 14 || hinted.Hints[0].Message != "No event has @usr.nmae, so this leaves nothing out" ||
		hinted.Hints[0].Fix.Label != "Use @usr.name" || hinted.Hints[0].Fix.Query != "source:sshd -@usr.name:root source:sshx" {
		t.Errorf("hints %+v", hinted.Hints)
	}
	hint("source:sshx", false)
	if len(hinted.Hints) != 0 {
		t.Errorf("nothing is looked at, and hinted is %+v", hinted.Hints)
	}
	hint("source:sshx", true)
	if len(hinted.Hints) != 1 || hinted.Hints[0].Fix.Query != "source:sshd" {
		t.Errorf("hints %+v", hinted.Hints)
	}

	searchSaysWhichClauseLeavesNothing(t, p)

	var found struct {
		Event struct {
			ID         string
			Attributes struct{ Message, Raw string }
		}
		Names []struct{ Field, Name string }
	}
	p.call(http.MethodGet, "/api/nightjar/v1/events/"+id+"?schema=ecs", nil, &found)
	if found.Event.ID != id || !strings.Contains(found.Event.Attributes.Message, "40102") {
		t.Errorf("the event is %+v", found.Event)
	}
	names := map[string]string{}
	for _, n := range found.Names {
		names[n.Field] = n.Name
	}
	if names["@network.client.ip"] != "source.ip" || names["host"] != "host.name" || names["@http.method"] != "" {
		t.Errorf("ECS calls its fields %v", names)
	}

	p.await("the rule that counted it", func() bool {
		var counted struct {
			Data  []any
			Rules []struct{ ID, Name string }
		}
		p.call(http.MethodGet, "/api/v2/security_monitoring/events/"+id+"/matching_signals", nil, &counted)
		return len(counted.Data) == 0 && len(counted.Rules) == 1 && counted.Rules[0].Name == "Logins" && counted.Rules[0].ID != ""
	})
}

// searchSaysWhichClauseLeavesNothing counts clauses, is told shares, and reads a page in hardly any time.
func searchSaysWhichClauseLeavesNothing(t *testing.T, p *process) {
	t.Helper()
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"door","message":"knock","door":{"side":"left"}},{"ddsource":"door","message":"knock"}]`), nil)
	p.stored("source:door @door.side:left")
	p.await("both knocks", func() bool {
		var counted struct{ Total int }
		p.call(http.MethodPost, "/api/nightjar/v1/events/facets", []byte(`{"filter":{"query":"source:door"}}`), &counted)
		return counted.Total == 2
	})
	var counted struct {
		Total, Events int
		Why           string
		Clauses       []struct {
			Text                   string
			Column, Alone, Without int
			SoFar                  int `json:"so_far"`
			Decides                bool
		}
	}
	p.call(http.MethodPost, "/api/nightjar/v1/events/clauses", []byte(`{"filter":{"query":"source:door @door.side:right"},"fields":["@door.side","@usr.id"]}`), &counted)
	if counted.Total != 0 || counted.Events != 3 || counted.Why != "No event of this time has @door.side:right or @usr.id." && !strings.HasPrefix(counted.Why, "No event of this time has @door.side:right") {
		t.Errorf("clauses %+v", counted)
	}
	if c := counted.Clauses; len(c) != 4 || c[0].Text != "source:door" || c[0].Alone != 2 || c[1].Column != 13 || c[1].SoFar != 0 || c[2].Text != "@door.side" || c[2].Alone != 1 {
		t.Errorf("clauses %+v", c)
	}
	var rule struct{ ID string }
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"Right","isEnabled":true,"type":"log_detection","message":"m","tags":[],"filters":[{"action":"suppress","query":"@door.side:left"}],
		"queries":[{"name":"","query":"source:door","groupByFields":["@door.side"],"aggregation":"count"}],
		"cases":[{"name":"","status":"low","condition":"a > 0","notifications":[]}],
		"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`), &rule)
	var ofRule struct {
		Queries []struct {
			Name, Query string
			Counted     struct {
				Total int
				Why   string
			}
		}
	}
	p.call(http.MethodGet, "/api/nightjar/v1/rules/"+rule.ID+"/clauses", nil, &ofRule)
	if q := ofRule.Queries; len(q) != 1 || q[0].Name != "a" || q[0].Query != "(source:door) -(@door.side:left)" || q[0].Counted.Total != 0 || !strings.Contains(q[0].Counted.Why, "-@door.side:left leaves nothing: without it 1 event is found.") {
		t.Errorf("the clauses of the rule are %+v", ofRule)
	}
	var hinted struct{ Hints []searchMistake }
	p.call(http.MethodPost, "/api/nightjar/v1/search/hints", []byte(`{"query":"source:door @door.sode:left -@usr.name:git","look":true,"from":"now-1h"}`), &hinted)
	if h := hinted.Hints; len(h) != 2 || h[0].Message != "No event of door has @door.sode. 50 % have @door.side" || !strings.HasPrefix(h[1].Message, "No event of door has @usr.name, so this leaves nothing out") || h[1].Hint != "100 % of sshd have it" {
		t.Errorf("hints %+v", h)
	}
	var page struct {
		Data []any
		Meta struct {
			Status   string
			Page     struct{ After string }
			Searched struct{ From, To int64 }
		}
	}
	p.call(http.MethodPost, "/api/v2/logs/events/search", []byte(`{"filter":{"query":"source:gone","from":"now-90d"},"page":{"time_limit_ms":1}}`), &page)
	if page.Meta.Status == "timeout" && (page.Meta.Searched.From >= page.Meta.Searched.To || page.Meta.Page.After == "") {
		t.Errorf("the page was cut, and says %+v", page.Meta)
	}
}

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestASuppressionSaysWhoMadeItAndWhatItHides has an engine withhold signals.
func TestASuppressionSaysWhoMadeItAndWhatItHides(t *testing.T) {
	t.Parallel()
	p := startEngine(t, longAgo...)
	var rule, made struct{ ID string }
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"Logins","message":"m","isEnabled":true,"tags":["team:red"],
		"queries":[{"query":"source:x","groupByFields":["@usr.id"]}],"cases":[{"status":"high","condition":"a > 0"}],
		"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":3600}}`), &rule)
	const api = "/api/v2/security_monitoring/configuration/suppressions"
	var created struct {
		Data struct {
			ID         string
			Attributes struct{ Creator, Updater struct{ Handle string } }
		}
	}
	p.call(http.MethodPost, api, []byte(`{"data":{"type":"suppressions","attributes":{"name":"s","enabled":true,"rule_query":"team:red","suppression_query":"@usr.id:(alice OR bob)"}}}`), &created)
	made.ID = created.Data.ID
	if by := created.Data.Attributes; by.Creator.Handle == "" || by.Creator.Handle == "nightjar" || by.Creator != by.Updater {
		t.Errorf("made by %+v", by)
	}
	at := time.Now().Add(-time.Minute)
	for i, user := range []string{"alice", "bob", "carol"} {
		p.call(http.MethodPost, "/api/v2/logs", fmt.Appendf(nil, `[{"ddsource":"x","timestamp":%d,"message":"m","usr":{"id":%q}}]`, at.UnixMilli()+int64(i), user), nil)
	}
	p.caughtUp()

	type standing struct {
		ID                   string
		CreatedBy            string `json:"created_by"`
		Rules                []struct{ ID, Name string }
		RulesTotal           int `json:"rules_total"`
		Hidden               int
		PerDay               []int `json:"per_day"`
		First                int64 `json:"first_hidden"`
		CountedSince, LastAt int64
	}
	standings := func(query string) (out struct {
		Starts       []int64
		Suppressions []standing
	}) {
		p.call(http.MethodGet, "/api/nightjar/v1/suppressions/standings"+query, nil, &out)
		return out
	}
	all := standings("?days=7&timezone=Asia/Tokyo")
	if len(all.Suppressions) != 1 || len(all.Starts) != 7 {
		t.Fatalf("standings: %+v", all)
	}
	s, sum := all.Suppressions[0], 0
	for _, n := range s.PerDay {
		sum += n
	}
	if s.ID != made.ID || s.Hidden != 2 || sum != 2 || s.First != at.UnixMilli() || s.RulesTotal != 1 || s.Rules[0].ID != rule.ID || s.CreatedBy == "" {
		t.Errorf("it says %+v", s)
	}

	var found struct{ Data []struct{ ID string } }
	p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", []byte(`{"filter":{"query":"suppression_id:`+made.ID+`"}}`), &found)
	if len(found.Data) != 2 {
		t.Errorf("the search that lists them finds %+v", found)
	}
	if s := standings("?suppression_id=" + made.ID).Suppressions[0]; s.Hidden != 2 || len(s.PerDay) != 30 {
		t.Errorf("of one: %+v", s)
	}

	p.call(http.MethodDelete, "/api/v2/security_monitoring/rules/"+rule.ID, nil, nil)
	if s := standings("").Suppressions[0]; s.RulesTotal != 0 || s.Hidden != 2 {
		t.Errorf("its rule is gone: %+v", s)
	}
	for _, path := range []string{"standings?days=0", "standings?days=367", "standings?timezone=Local", "standings?timezone=Nowhere"} {
		if status, answer := p.as(p.key, http.MethodGet, "/api/nightjar/v1/suppressions/"+path, ""); status != 400 {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
}

package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestShippedAgentRulesAreAssigned: in which policies a rule that ships blocks is changed;
// what it says is not.
func TestShippedAgentRulesAreAssigned(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	const rules, policies = "/api/v2/remote_config/products/cws/agent_rules", "/api/v2/remote_config/products/cws/policy"
	var policy struct{ Data struct{ ID string } }
	p.call(http.MethodPost, policies, []byte(`{"data":{"type":"policy","attributes":{"name":"strict","hostTagsLists":[["env:lab"]]}}}`), &policy)
	var all struct {
		Data []struct {
			ID         string
			Attributes struct {
				Name     string
				Blocking []string
			}
		}
	}
	p.call(http.MethodGet, rules, nil, &all)
	done := 0
	for _, r := range all.Data {
		if !strings.HasPrefix(r.Attributes.Name, "miner_") {
			continue
		}
		path := rules + "/" + r.ID
		status, text, err := p.request(http.MethodPatch, path, []byte(`{"data":{"type":"agent_rule","attributes":{"expression":"exec.file.name == \"other\""}}}`))
		if err != nil || status != http.StatusBadRequest {
			t.Errorf("%s: its expression was changed: %d %s %v", r.Attributes.Name, status, text, err)
		}
		one := struct {
			Data struct{ Attributes struct{ Blocking []string } }
		}{}
		p.call(http.MethodPatch, path, []byte(`{"data":{"type":"agent_rule","attributes":{"blocking":["`+policy.Data.ID+`"]}}}`), &one)
		if b := one.Data.Attributes.Blocking; len(b) != 1 || b[0] != policy.Data.ID {
			t.Errorf("%s: it blocks in %v", r.Attributes.Name, b)
		}
		done++
	}
	if done < 3 {
		t.Errorf("%d rules about miners ship", done)
	}
}

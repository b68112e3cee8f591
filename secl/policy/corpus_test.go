package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/testenv"
)

// TestTheDefaultPolicyLoads holds the default policy that ships, and the public one:
// every rule, macro, filter and action of it parses and type-checks.
func TestTheDefaultPolicyLoads(t *testing.T) {
	set := loadWhole(t, filepath.Join(testenv.ModuleRoot(t), "content", "agent", "default.policy"))
	if len(set.Rules) < 100 {
		t.Errorf("the policy that ships has only %d rules", len(set.Rules))
	}
	t.Run("shared", func(t *testing.T) {
		set := loadWhole(t, testenv.Shared(t, "conformance/secl_default.policy"))
		if len(set.Rules) != 319 || len(set.Env.Macros) != 50 {
			t.Errorf("loaded %d rules and %d macros, want 319 and 50", len(set.Rules), len(set.Env.Macros))
		}
	})
}

// loadWhole loads a policy in which there is nothing wrong.
func loadWhole(t *testing.T, path string) *Set {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, problems := Read("default.policy", text)
	for _, p := range problems {
		t.Error(p)
	}
	if p == nil {
		t.Fatal("no policy")
	}
	set, err := Load([]*Policy{p}, Options{Model: event.Model(), KeepDisabled: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Problems {
		t.Error(p)
	}
	for _, r := range set.Rules {
		secl.Compile(r.Rule)
		again, err := secl.Parse(secl.Format(r.Tree))
		if err != nil || !secl.SameTree(r.Tree, again) {
			t.Errorf("%s: printing and parsing gives another tree: %v", r.ID, err)
		}
	}
	return set
}

// TestTheFieldsOfTheCorpusExist holds every field that is used anywhere in the
// public policies, also by its older names.
func TestTheFieldsOfTheCorpusExist(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "conformance/secl_corpus_fields.txt"))
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(text))
	if len(names) < 100 {
		t.Errorf("only %d fields", len(names))
	}
	for _, name := range names {
		if event.Model().Field(name) == nil {
			t.Errorf("no field %s", name)
		}
	}
}

// TestThePolicyAsLinesLoads holds the same policy in its other form, of one JSON
// object for each macro and rule.
func TestThePolicyAsLinesLoads(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "data/ebpf-secl/datadog_default_policy.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var macros, rules []json.RawMessage
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		item := map[string]json.RawMessage{}
		if err := json.Unmarshal(lines.Bytes(), &item); err != nil {
			t.Fatal(err)
		}
		kind := string(item["kind"])
		delete(item, "kind")
		line, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		if kind == `"macro"` {
			macros = append(macros, line)
		} else {
			rules = append(rules, line)
		}
	}
	doc, err := json.Marshal(map[string]any{"macros": macros, "rules": rules})
	if err != nil {
		t.Fatal(err)
	}
	p, problems := Read("default.jsonl", doc)
	for _, p := range problems {
		t.Error(p)
	}
	if p == nil {
		t.Fatal("no policy")
	}
	set, err := Load([]*Policy{p}, Options{Model: event.Model(), KeepDisabled: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Problems {
		t.Error(p)
	}
	if len(set.Rules) != 319 || len(set.Env.Macros) != 50 {
		t.Errorf("loaded %d rules and %d macros, want 319 and 50", len(set.Rules), len(set.Env.Macros))
	}
}

package authoring

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"nightjar/api"
	"nightjar/api/codec"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
)

// States of a rule that ships.
const (
	absent  = "absent"
	same    = "same"
	differs = "differs"
)

// maxApplied is how many rules one call applies.
const maxApplied = 1000

// bundled is a rule that ships.
type bundled struct {
	name  string // of its file
	rule  schema.Rule
	tests string // empty: none ship with it
}

// readBundled are the rules that ship, by name. They are read once: they are part of the
// program. Nobody may change what it returns.
var readBundled = sync.OnceValues(parseBundled)

func parseBundled() (out []bundled, err error) {
	from := ships()
	files, err := fs.Glob(from, "*.json")
	if err != nil {
		return nil, fmt.Errorf("find the rules that ship: %w", err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(from, file)
		if err != nil {
			return nil, fmt.Errorf("read a rule that ships: %w", err)
		}
		var rule pb.Rule
		if err := codec.Decode(text, &rule); err != nil {
			return nil, fmt.Errorf("rule %s: %w", file, err)
		}
		b := bundled{name: strings.TrimSuffix(file, ".json")}
		if b.rule, err = ruledoc.Requested(&rule); err != nil {
			return nil, fmt.Errorf("rule %s: %w", file, err)
		}
		if tests, err := fs.ReadFile(from, b.name+"_test.yaml"); err == nil {
			b.tests = string(tests)
		}
		out = append(out, b)
	}
	return out, nil
}

// match is the stored rule that a rule that ships is about, by its name, and how it is
// compared with it. Several of one name are an error.
func (b *bundled) match(stored []schema.Rule) (found *schema.Rule, state string, err error) {
	for i := range stored {
		if stored[i].Name != b.rule.Name {
			continue
		}
		if found != nil {
			return nil, differs, fmt.Errorf("two rules are named %q, %s and %s: rename one of them", b.rule.Name, found.ID, stored[i].ID)
		}
		found = &stored[i]
	}
	switch {
	case found == nil:
		return nil, absent, nil
	case saysTheSame(*found, b.rule):
		return found, same, nil
	}
	return found, differs, nil
}

// saysTheSame reports whether two rules detect and tell the same; one of them may be
// switched off.
func saysTheSame(a, b schema.Rule) bool {
	a.IsEnabled = b.IsEnabled
	x, err1 := document(a)
	y, err2 := document(b)
	return err1 == nil && err2 == nil && x == y
}

// document is a rule without what the server says of it.
func document(r schema.Rule) (string, error) {
	r.ID, r.Version, r.CreatedAt, r.UpdatedAt, r.IsDefault, r.IsDeleted = "", 0, 0, 0, false, false
	text, err := json.Marshal(r)
	return string(text), err
}

// ListBundledRules reads the rules that ship.
func (s *RuleAuthoringService) ListBundledRules(ctx context.Context, _ *pb.ListBundledRulesRequest) (*pb.ListBundledRulesResponse, error) {
	stored, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, err
	}
	all, err := readBundled()
	if err != nil {
		return nil, err
	}
	out := &pb.ListBundledRulesResponse{}
	for i := range all {
		b := &all[i]
		shown, err := ruledoc.ToProto(b.rule)
		if err != nil {
			return nil, err
		}
		found, state, _ := b.match(stored) // of several of one name, apply says it
		one := &pb.BundledRule{Name: b.name, State: state, Rule: shown, Tests: int64(ruletest.Count([]byte(b.tests)))}
		if found != nil {
			one.RuleId, one.Enabled = found.ID, found.IsEnabled
		}
		out.Rules = append(out.Rules, one)
	}
	return out, nil
}

// ApplyBundledRules has rules in force as they ship.
func (s *RuleAuthoringService) ApplyBundledRules(ctx context.Context, in *pb.ApplyBundledRulesRequest) (*pb.ApplyBundledRulesResponse, error) {
	all, err := readBundled()
	if err != nil {
		return nil, err
	}
	if n := len(in.GetNames()); n == 0 || n > maxApplied {
		return nil, api.BadRequest("names", "name from 1 to %d rules, got %d", maxApplied, n)
	}
	out := &pb.ApplyBundledRulesResponse{}
	for i, name := range in.GetNames() {
		at := slices.IndexFunc(all, func(b bundled) bool { return b.name == name })
		if at < 0 {
			return nil, api.BadRequest(fmt.Sprintf("names[%d]", i), "no rule of this name ships; GET /api/nightjar/v1/bundled_rules lists them")
		}
		if slices.Contains(in.GetNames()[:i], name) {
			return nil, api.BadRequest(fmt.Sprintf("names[%d]", i), "it is there twice")
		}
	}
	for _, b := range all {
		if slices.Contains(in.GetNames(), b.name) {
			out.Rules = append(out.Rules, s.applyBundled(ctx, b))
		}
	}
	return out, nil
}

// applyBundled makes a rule as it ships, or makes the stored one that again. Tests that
// somebody wrote stay.
func (s *RuleAuthoringService) applyBundled(ctx context.Context, b bundled) *pb.AppliedRule {
	out := &pb.AppliedRule{Name: b.name}
	failed := func(err error) *pb.AppliedRule {
		out.Action, out.Problem = "failed", err.Error()
		return out
	}
	s.applying.Lock()
	defer s.applying.Unlock()
	stored, err := s.Rules.Rules(ctx)
	if err != nil {
		return failed(err)
	}
	found, state, err := b.match(stored)
	if err == nil {
		b.rule, err = copyOf(b.rule) // what stores it may complete it
	}
	if err != nil {
		return failed(err)
	}
	switch state {
	case absent:
		made, err := s.Rules.CreateRule(ctx, b.rule)
		if err != nil {
			return failed(err)
		}
		out.Action, out.RuleId, out.Warnings = "created", made.Rule().ID, made.Warnings
	case differs:
		changed, err := s.Rules.UpdateRule(ctx, found.ID, found.Version, func(r *schema.Rule) error { return overwrite(r, b.rule) })
		if err != nil {
			return failed(err)
		}
		out.Action, out.RuleId, out.Warnings = "updated", found.ID, changed.Warnings
	default:
		out.Action, out.RuleId = "unchanged", found.ID
	}
	if err := s.addTests(ctx, out.RuleId, b.tests); err != nil {
		out.Problem = "its tests were not kept: " + err.Error()
	}
	return out
}

// copyOf is a rule that shares nothing with it.
func copyOf(r schema.Rule) (out schema.Rule, err error) {
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// overwrite makes a stored rule what another says. That it is switched off stays.
func overwrite(r *schema.Rule, by schema.Rule) error {
	if r.Type != by.Type {
		return fmt.Errorf("the type of a rule does not change, from %s to %s: rename the stored one", r.Type, by.Type)
	}
	by.ID, by.Version, by.CreatedAt, by.UpdatedAt, by.IsDefault, by.IsDeleted, by.IsEnabled = r.ID, r.Version, r.CreatedAt, r.UpdatedAt, r.IsDefault, r.IsDeleted, r.IsEnabled
	*r = by
	return nil
}

// addTests keeps tests of a rule that has none.
func (s *RuleAuthoringService) addTests(ctx context.Context, ruleID, text string) error {
	if text == "" {
		return nil
	}
	was, err := s.testsOf(ctx, ruleID)
	if err != nil || was.Body.Text != "" {
		return err
	}
	_, err = s.keepTests(ctx, ruleID, text, was.Version)
	return err
}

package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/Masterminds/semver/v3"
)

// accepted tells whether a definition is for this agent and this host.
func (l *loader) accepted(constraint string, filters []string, report func(error)) bool {
	ok := l.accepts(filters, report)
	if constraint == "" {
		return ok
	}
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		report(fmt.Errorf("agent_version %q: %w", constraint, err))
		return false
	}
	return ok && (l.version == nil || c.Check(l.version))
}

// parseVersion reads the version of an agent. A candidate for a release counts
// as the release.
func parseVersion(text string) (*semver.Version, error) {
	if text == "" {
		return nil, nil
	}
	v, err := semver.NewVersion(text)
	if err != nil {
		return nil, fmt.Errorf("agent version %q: %w", text, err)
	}
	release, err := v.SetPrerelease("")
	return &release, err
}

// mergeMacros gives every id one definition, in the order of the first ones.
func (l *loader) mergeMacros(policies []*Policy) []*MacroDef {
	var out []*MacroDef
	for _, p := range policies {
		for _, m := range p.Macros {
			report := l.reporter(m.Where, "macro", m.ID)
			if !l.accepted(m.AgentVersion, m.Filters, report) {
				continue
			}
			at := slices.IndexFunc(out, func(o *MacroDef) bool { return o.ID == m.ID })
			if at < 0 {
				out = append(out, m)
				continue
			}
			merged, err := mergeMacro(out[at], m)
			if l.version == nil && err != nil && (m.AgentVersion != out[at].AgentVersion || len(m.Filters) > 0) {
				continue // the two may never meet: which agent it is for is not known
			}
			if err != nil {
				report(err)
				continue
			}
			out[at] = merged
		}
	}
	return out
}

func mergeMacro(first, m *MacroDef) (*MacroDef, error) {
	switch m.Combine {
	case Override:
		return m, nil
	case Merge:
		if !first.fromValues || !m.fromValues {
			return nil, errors.New("only values can be merged, this is an expression")
		}
		merged := *first
		merged.Values = slices.Concat(first.Values, m.Values)
		return &merged, nil
	}
	return nil, fmt.Errorf("definition ID conflict: %s defines it, and this neither merges nor overrides", first.Where)
}

// mergedRule is a rule as all policies together define it.
type mergedRule struct {
	RuleDef
	from []*Policy
	mode Mode
}

// mergeRules gives every id one definition, in the order of the first ones.
func (l *loader) mergeRules(policies []*Policy) []*mergedRule {
	var out []*mergedRule
	for _, p := range policies {
		for _, d := range p.Rules {
			report := l.reporter(d.Where, "rule", d.ID)
			if l.Only != nil && !l.Only(d.ID) || !l.accepted(d.AgentVersion, d.Filters, report) {
				continue
			}
			if !validID(d.ID) {
				report(fmt.Errorf("the id %q has characters beside letters, digits and _", d.ID))
				continue
			}
			at := slices.IndexFunc(out, func(o *mergedRule) bool { return o.ID == d.ID })
			switch {
			case at < 0:
				out = append(out, &mergedRule{*d, []*Policy{p}, p.Mode})
			case d.Combine == Override:
				out[at].override(d, p)
			default:
				l.conflict(out[at], d, p)
			}
		}
	}
	return out
}

// override replaces what the definition names. Without names that is the
// expression. Actions are added to those that are there.
func (m *mergedRule) override(d *RuleDef, p *Policy) {
	named := func(field string) bool {
		return slices.Contains(d.Override, field) || slices.Contains(d.Override, "all")
	}
	if named("expression") || len(d.Override) == 0 {
		m.Expression, m.Where = d.Expression, d.Where
	}
	if named("actions") {
		m.Actions = slices.Concat(m.Actions, d.Actions)
	}
	if named("every") {
		m.Every = d.Every
	}
	if named("tags") {
		m.Tags = d.Tags
	}
	if named("product_tags") {
		m.ProductTags = d.ProductTags
	}
	if slices.Contains(d.Override, "all") {
		actions := m.Actions
		m.RuleDef = *d
		m.Actions = actions
	}
	if m.mode = max(m.mode, p.Mode); m.Disabled {
		m.mode = p.Mode // what is disabled counts for nothing
	}
	m.Disabled = d.Disabled
	m.from = []*Policy{p}
}

// conflict decides between two definitions of which neither overrides. A custom
// policy decides whether a default rule is enabled; between equals, enabled beats
// disabled. Of two that agree in that the first stands.
func (l *loader) conflict(m *mergedRule, d *RuleDef, p *Policy) {
	first := m.from[0]
	switch {
	case m.Disabled == d.Disabled && m.Disabled:
	case m.Disabled == d.Disabled:
		l.conflictProblem(m, d, p)
		if m.Expression == d.Expression { // two policies have the same rule
			m.mode = max(m.mode, p.Mode)
		}
	case first.Default && !p.Default, m.Disabled && first.Default == p.Default:
		*m = mergedRule{*d, []*Policy{p}, p.Mode}
	}
}

func (l *loader) conflictProblem(m *mergedRule, d *RuleDef, p *Policy) {
	if l.version == nil && m.AgentVersion != d.AgentVersion {
		return // the two may never meet
	}
	l.problems = append(l.problems, &DefinitionError{
		Where: d.Where, Kind: "rule", ID: d.ID, Warning: m.from[0] == p,
		Err: fmt.Errorf("definition ID conflict: %s defines it, and the first one stands", m.Where),
	})
}

func validID(id string) bool {
	for _, c := range []byte(id) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return id != ""
}

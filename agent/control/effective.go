package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nightjar/agent/orders"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
	"nightjar/secl/policy"
)

// Snapshot is what was configured for all agents at a moment: enough to make the policies
// of every host from it, also by a later program.
type Snapshot struct {
	Version uint64        `json:"version"`
	At      schema.Millis `json:"at"`
	// Hash is equal for snapshots that give every host the same.
	Hash string `json:"hash"`
	// Default is the text of the built-in rules, which are in Rules without theirs.
	Default  string                                         `json:"default"`
	Policies []objects.Versioned[configuration.AgentPolicy] `json:"policies"`
	Rules    []objects.Versioned[configuration.AgentRule]   `json:"rules"`
}

// takeSnapshot is what is configured now: the enabled policies and rules.
func takeSnapshot(ctx context.Context, d *Defaults, stores *configuration.Stores) (*Snapshot, error) {
	policies, err := stores.AgentPolicies.List(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := stores.AgentRules.List(ctx)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Default: d.Text}
	for _, p := range policies {
		if p.Body.Enabled {
			p.CreatedAt, p.UpdatedAt = 0, 0
			s.Policies = append(s.Policies, p)
		}
	}
	for _, r := range rules {
		if !r.Body.Enabled {
			continue
		}
		r.CreatedAt, r.UpdatedAt = 0, 0
		if r.BuiltIn {
			r.Body.Description, r.Body.Expression, r.Body.Actions = "", "", nil
		}
		s.Rules = append(s.Rules, r)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write down what agents are to follow: %w", err)
	}
	sum := sha256.Sum256(text)
	s.Hash = hex.EncodeToString(sum[:])
	return s, nil
}

// numbered is the same with another version.
func (s *Snapshot) numbered(version uint64) *Snapshot {
	if s == nil {
		return nil
	}
	out := *s
	out.Version = version
	return &out
}

// appliedTo are the policies of a host with these tags.
func (s *Snapshot) appliedTo(tags []string) []objects.Versioned[configuration.AgentPolicy] {
	return slices.DeleteFunc(slices.Clone(s.Policies), func(p objects.Versioned[configuration.AgentPolicy]) bool { return !isFor(p.Body.HostTags, tags) })
}

// customName is the policy of rules that name none.
const customName = "custom"

// policiesOf are the files of a host with these policies.
func (s *Snapshot) policiesOf(applied []objects.Versioned[configuration.AgentPolicy]) ([]orders.Policy, error) {
	d, err := splitPolicy(s.Default)
	if err != nil {
		return nil, err
	}
	applied = append(slices.Clone(applied), objects.Versioned[configuration.AgentPolicy]{Body: configuration.AgentPolicy{Name: customName}})
	var out []orders.Policy
	for i, p := range applied {
		for _, mode := range []orders.Mode{orders.Monitoring, orders.Blocking} {
			file := policyFile{Version: fmt.Sprint(p.Version), Type: "policy"}
			for _, r := range s.Rules {
				if r.BuiltIn && d.nodes[r.Body.Name] == nil { // it shipped once
					continue
				}
				if at, m := strongest(applied, r); at == i && m == mode {
					file.Rules = append(file.Rules, d.entry(r))
				}
			}
			if len(file.Rules) == 0 {
				continue
			}
			if len(out) == 0 {
				file.Macros = d.macros // those of one file are everybody's
			}
			text, err := file.text()
			if err != nil {
				return nil, err
			}
			out = append(out, orders.Policy{Name: fileName(applied, i), Version: file.Version, Mode: mode, Default: p.BuiltIn, Text: string(text)})
		}
	}
	return out, nil
}

// strongest is the first policy that has the rule in the strongest mode in which any has
// it; -1: it is disabled, or in none of these.
func strongest(applied []objects.Versioned[configuration.AgentPolicy], r objects.Versioned[configuration.AgentRule]) (at int, mode orders.Mode) {
	if !r.BuiltIn && len(r.Body.Blocking)+len(r.Body.Monitoring)+len(r.Body.Disabled) == 0 {
		return len(applied) - 1, orders.Monitoring
	}
	at = -1
	for i, p := range applied {
		blocks := slices.Contains(r.Body.Blocking, p.ID)
		monitors := slices.Contains(r.Body.Monitoring, p.ID)
		if blocks || monitors && p.Body.Mode == configuration.BlockingMode {
			return i, orders.Blocking
		}
		if monitors && at < 0 {
			at = i
		}
	}
	return at, orders.Monitoring
}

// isFor reports whether a host with these tags is one of those: it has all tags of one of
// the lists, or there are none.
func isFor(lists [][]string, tags []string) bool {
	return len(lists) == 0 || slices.ContainsFunc(lists, func(all []string) bool { return hasAll(tags, all) })
}

func hasAll(tags, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(t string) bool { return !slices.Contains(tags, t) })
}

// fileName is the name of a policy, with its id where another one is called the same.
func fileName(applied []objects.Versioned[configuration.AgentPolicy], i int) string {
	name := applied[i].Body.Name
	for j, p := range applied {
		if j != i && p.Body.Name == name {
			return strings.TrimSpace(name + " " + applied[i].ID)
		}
	}
	return name
}

// maxPolicies is how many bytes the policies of a host have at most: beside them there is
// room in its orders for all else that it may be told.
const maxPolicies = orders.MaxPayload / 2

// check says what is wrong with the policies of a host.
func check(set []orders.Policy) []string {
	size := 0
	files := make([]source, len(set))
	for i, p := range set {
		text, err := json.Marshal(p)
		if err != nil {
			return []string{err.Error()}
		}
		size += len(text)
		files[i] = source{name: p.Name, text: p.Text, isDefault: p.Default}
		if p.Mode == orders.Blocking {
			files[i].mode = policy.Blocking
		}
	}
	if size > maxPolicies {
		return []string{fmt.Sprintf("the policies have %d bytes as they are sent to an agent, and may have %d: leave out rules, or shorten their descriptions", size, maxPolicies)}
	}
	_, problems := load(files)
	return problems
}

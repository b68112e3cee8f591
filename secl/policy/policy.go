package policy

import (
	"fmt"
	"time"
)

// Policy is one policy file.
type Policy struct {
	Name     string // of the file
	Default  bool   // it ships with the agent; custom ones override it
	Version  string
	Type     string // policy or content_pack
	Replaces string // the id of the policy that it replaces
	Mode     Mode   // who assigns the policy says it, the file does not
	Macros   []*MacroDef
	Rules    []*RuleDef
}

// MacroDef is a macro as a policy defines it.
type MacroDef struct {
	ID, Description string
	Expression      string
	Values          []any // strings and integers; instead of the expression
	Combine         Combine
	Filters         []string
	AgentVersion    string
	Where           Place
	fromValues      bool
}

// RuleDef is a rule as a policy defines it.
type RuleDef struct {
	ID, Version, Description string
	Expression               string
	Tags                     map[string]string
	ProductTags              []string
	AgentVersion             string // a constraint: ">= 7.38, < 7.46"
	Filters                  []string
	Disabled, Silent         bool
	Combine                  Combine
	Override                 []string // what an override replaces; none: the expression
	Every                    time.Duration
	LimiterToken             []string // fields; each value has its own limit
	Group                    string
	Priority                 int64
	Actions                  []*ActionDef
	Where                    Place
}

// Combine says what becomes of an earlier definition of the same id.
type Combine string

// The ways to combine definitions.
const (
	NoCombine Combine = ""
	Merge     Combine = "merge"    // the values are added
	Override  Combine = "override" // what is named is replaced
)

// ActionDef is what to do on a match: one of its parts is not nil.
type ActionDef struct {
	Filter        string // a condition; empty: always
	Disabled      bool
	Set           *SetDef
	Kill          *KillDef
	Hash          *HashDef
	CoreDump      *CoreDumpDef
	NetworkFilter *NetworkFilterDef
	Log           *LogDef
	Where         Place
}

// Kind names the action.
func (a *ActionDef) Kind() string {
	switch {
	case a.Set != nil:
		return "set"
	case a.Kill != nil:
		return "kill"
	case a.Hash != nil:
		return "hash"
	case a.CoreDump != nil:
		return "coredump"
	case a.NetworkFilter != nil:
		return "network_filter"
	}
	return "log"
}

// The actions.
type (
	// SetDef sets a variable to a value, a field or the value of an expression.
	SetDef struct {
		Name, Field, Expression string
		Value, Default          any // a bool, int64 or string, or a slice of one of these
		HasValue                bool
		Append                  bool
		Scope, ScopeField       string
		Size                    int64
		TTL                     time.Duration
		Private, Inherited      bool
	}
	// KillDef sends a signal.
	KillDef struct {
		Signal, Scope                             string
		NoContainerDisarmer, NoExecutableDisarmer bool
	}
	// HashDef computes hashes of a file.
	HashDef struct {
		Field       string
		MaxFileSize int64
	}
	// CoreDumpDef writes down a process.
	CoreDumpDef struct{ Process, Mount, Dentry, NoCompression bool }
	// NetworkFilterDef drops packets.
	NetworkFilterDef struct{ Filter, Policy, Scope string }
	// LogDef writes a line.
	LogDef struct{ Level, Message string }
)

// Place is a line of a policy file.
type Place struct {
	File string
	Line int // from 1
}

// String is file:line.
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// DefinitionError is something wrong in a policy.
type DefinitionError struct {
	Where   Place
	Kind    string // rule, macro or policy
	ID      string // of the rule or macro
	Err     error
	Warning bool // nothing is left out because of it
}

// Error is `file:line: rule `id` error: …`.
func (p *DefinitionError) Error() string {
	subject := ""
	if p.ID != "" {
		word := "error"
		if p.Warning {
			word = "warning"
		}
		subject = fmt.Sprintf("%s `%s` %s: ", p.Kind, p.ID, word)
	}
	return fmt.Sprintf("%s: %s%s", p.Where, subject, p.Err)
}

func (p *DefinitionError) Unwrap() error { return p.Err }

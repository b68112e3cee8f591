package configuration

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"nightjar/objects"
	"nightjar/schema"
)

// AgentRule is what the agent looks for on a host: an expression over one event
// of the kernel, and what to do when it holds.
type AgentRule struct {
	Name         string        `json:"name"`
	Description  string        `json:"description"`
	Expression   string        `json:"expression"` // SECL
	Enabled      bool          `json:"enabled"`
	AgentVersion string        `json:"agent_version,omitempty"` // which agents it is for
	ProductTags  []string      `json:"product_tags"`
	Silent       bool          `json:"silent,omitempty"`
	Actions      []AgentAction `json:"actions,omitempty"`
	// The ids of the policies in which the rule blocks, only reports or is off. Of
	// several for one host, blocking wins over monitoring over disabled.
	Blocking   []string `json:"blocking,omitempty"`
	Monitoring []string `json:"monitoring,omitempty"`
	Disabled   []string `json:"disabled,omitempty"`
}

// AgentAction is what the agent does on a match. One of the pointers is set.
type AgentAction struct {
	Filter        string           `json:"filter,omitempty" yaml:"filter,omitempty"` // SECL: only if it holds
	Disabled      bool             `json:"disabled" yaml:"disabled,omitempty"`
	Kill          *KillAction      `json:"kill,omitempty" yaml:"kill,omitempty"`
	Hash          *HashAction      `json:"hash,omitempty" yaml:"hash,omitempty"`
	Set           *SetAction       `json:"set,omitempty" yaml:"set,omitempty"`
	Metadata      *MetadataAction  `json:"metadata,omitempty" yaml:"-"`
	Log           *LogAction       `json:"log,omitempty" yaml:"log,omitempty"`
	CoreDump      *CoreDumpAction  `json:"coredump,omitempty" yaml:"coredump,omitempty"`
	NetworkFilter *NetworkFiltered `json:"network_filter,omitempty" yaml:"network_filter,omitempty"`
}

// KillAction sends a signal.
type KillAction struct {
	Signal                    string `json:"signal,omitempty" yaml:"signal,omitempty"`
	Scope                     string `json:"scope,omitempty" yaml:"scope,omitempty"`
	DisableContainerDisarmer  *bool  `json:"disable_container_disarmer,omitempty" yaml:"disable_container_disarmer,omitempty"`
	DisableExecutableDisarmer *bool  `json:"disable_executable_disarmer,omitempty" yaml:"disable_executable_disarmer,omitempty"`
}

// HashAction hashes a file; sizes are in bytes.
type HashAction struct {
	Field       string `json:"field,omitempty" yaml:"field,omitempty"`
	MaxFileSize *int64 `json:"max_file_size,omitempty" yaml:"max_file_size,omitempty"`
}

// SetAction sets a variable; TTL is in nanoseconds.
type SetAction struct {
	Name         string `json:"name,omitempty" yaml:"name,omitempty"`
	Value        any    `json:"value,omitempty" yaml:"value,omitempty"` // string, number or bool
	DefaultValue string `json:"default_value,omitempty" yaml:"default_value,omitempty"`
	Expression   string `json:"expression,omitempty" yaml:"expression,omitempty"` // SECL
	Field        string `json:"field,omitempty" yaml:"field,omitempty"`
	Scope        string `json:"scope,omitempty" yaml:"scope,omitempty"`
	ScopeField   string `json:"scope_field,omitempty" yaml:"scope_field,omitempty"`
	Append       *bool  `json:"append,omitempty" yaml:"append,omitempty"`
	Inherited    *bool  `json:"inherited,omitempty" yaml:"inherited,omitempty"`
	Private      *bool  `json:"private,omitempty" yaml:"private,omitempty"`
	Size         *int64 `json:"size,omitempty" yaml:"size,omitempty"`
	TTL          *int64 `json:"ttl,omitempty" yaml:"ttl,omitempty"`
}

// MetadataAction says what the console shows.
type MetadataAction struct {
	ImageTag   string `json:"image_tag,omitempty"`
	Service    string `json:"service,omitempty"`
	ShortImage string `json:"short_image,omitempty"`
}

// LogAction writes a line to the agent's log.
type LogAction struct {
	Level   string `json:"level,omitempty" yaml:"level,omitempty"`
	Message string `json:"message,omitempty" yaml:"message,omitempty"`
}

// CoreDumpAction keeps the memory of the process.
type CoreDumpAction struct {
	Process       *bool `json:"process,omitempty" yaml:"process,omitempty"`
	Mount         *bool `json:"mount,omitempty" yaml:"mount,omitempty"`
	Dentry        *bool `json:"dentry,omitempty" yaml:"dentry,omitempty"`
	NoCompression *bool `json:"no_compression,omitempty" yaml:"no_compression,omitempty"`
}

// NetworkFiltered drops or accepts packets.
type NetworkFiltered struct {
	Filter string `json:"filter,omitempty" yaml:"filter,omitempty"`
	Policy string `json:"policy,omitempty" yaml:"policy,omitempty"`
	Scope  string `json:"scope,omitempty" yaml:"scope,omitempty"`
}

// AgentRules are the kind whose expressions check reads; nil reads none.
func AgentRules(check func(expression string) error, builtIn ...objects.Versioned[AgentRule]) objects.Kind[AgentRule] {
	return objects.Kind[AgentRule]{Name: "agent rule", NewID: schema.NewID, BuiltIn: builtIn, Check: func(r *AgentRule) error {
		var bad faults
		bad.required("name", r.Name)
		bad.required("expression", r.Expression)
		expression := func(field, text string) {
			if text == "" || check == nil {
				return
			}
			if err := check(text); err != nil {
				bad.Add(field, fmt.Sprintf("rule `%s` error: %s", r.Name, err))
			}
		}
		expression("expression", r.Expression)
		for i, a := range r.Actions {
			expression(fmt.Sprintf("actions[%d].filter", i), a.Filter)
			if k := a.Kill; k != nil && k.Signal != "" && !signalName.MatchString(k.Signal) {
				bad.Add(fmt.Sprintf("actions[%d].kill.signal", i), fmt.Sprintf("want a name such as SIGKILL, got %q", k.Signal))
			}
			if s := a.Set; s != nil && s.Name == "" {
				bad.Add(fmt.Sprintf("actions[%d].set.name", i), "it is required")
			}
		}
		return bad.Err()
	}}
}

var signalName = regexp.MustCompile(`^SIG[A-Z0-9]+$`)

// ParseActions reads the actions of a rule; text is JSON, or empty for none.
func ParseActions(text string) (actions []AgentAction, err error) {
	if text == "" || text == "null" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &actions); err != nil {
		return nil, &schema.InvalidError{Details: []schema.Detail{{Target: "actions", Message: err.Error()}}}
	}
	return actions, nil
}

// Filters are the hosts that the agent evaluates the rule on, as SECL.
func (r *AgentRule) Filters() []string { return []string{`os == "linux"`} }

// In tells whether the rule is part of the policy.
func (r *AgentRule) In(policy string) bool {
	return slices.Contains(r.Blocking, policy) || slices.Contains(r.Monitoring, policy) || slices.Contains(r.Disabled, policy)
}

// Category says what the rule's event is about.
func (r *AgentRule) Category() string {
	for _, m := range quotedOrEvent.FindAllStringSubmatch(r.Expression, -1) {
		for category, events := range categories {
			if slices.Contains(events, m[1]) {
				return category
			}
		}
	}
	return "Process Activity"
}

// quotedOrEvent finds strings, which are passed over, and the first parts of
// names.
var quotedOrEvent = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|" + `(?:^|[^.\w])([a-z_]+)\.`)

var categories = map[string][]string{
	"Process Activity": {"exec", "exit", "fork", "setuid", "setgid", "capset", "signal", "setrlimit", "prctl"},
	"File Activity": {
		"open", "unlink", "rename", "link", "mkdir", "rmdir", "chmod", "chown", "utimes", "setxattr", "removexattr",
		"splice", "chdir", "mount", "unshare_mntns",
	},
	"Network Activity": {"dns", "connect", "bind", "accept", "imds", "packet", "network_flow_monitor", "setsockopt"},
	"Kernel Activity":  {"bpf", "ptrace", "mmap", "mprotect", "load_module", "unload_module", "selinux", "sysctl", "cgroup_write"},
}

// AgentPolicy is a set of agent rules for some hosts.
type AgentPolicy struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
	// HostTags are the hosts: one of the lists, all tags of which they have. None
	// means all hosts.
	HostTags [][]string `json:"hostTagsLists"`
	// Mode is BlockingMode where the rules that the policy monitors block; empty: as each
	// rule says.
	Mode string `json:"mode,omitempty"`
}

// BlockingMode is that of a policy whose rules kill and deny.
const BlockingMode = "blocking"

// AgentPolicies are the kind with these built-in ones.
func AgentPolicies(builtIn ...objects.Versioned[AgentPolicy]) objects.Kind[AgentPolicy] {
	return objects.Kind[AgentPolicy]{Name: "agent policy", NewID: schema.NewID, Check: (*AgentPolicy).Check, BuiltIn: builtIn}
}

// Check completes a policy and says what is wrong with it, as *schema.InvalidError.
func (p *AgentPolicy) Check() error {
	var bad faults
	bad.required("name", p.Name)
	bad.oneOf("mode", p.Mode, "", BlockingMode)
	if p.HostTags == nil {
		p.HostTags = [][]string{}
	}
	for i, tags := range p.HostTags {
		if len(tags) == 0 {
			bad.Add(fmt.Sprintf("hostTagsLists[%d]", i), "name at least one tag, such as env:staging")
		}
	}
	return bad.Err()
}

package configuration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/objects"
	"nightjar/schema"
)

// SecurityFilter selects the logs that rules look at: those that its query lets
// in and none of its exclusion filters takes out.
type SecurityFilter struct {
	Name       string            `json:"name"`
	Query      string            `json:"query"`
	IsEnabled  bool              `json:"is_enabled"`
	DataType   string            `json:"filtered_data_type"`
	Exclusions []ExclusionFilter `json:"exclusion_filters"`
}

// ExclusionFilter takes logs out of a security filter.
type ExclusionFilter struct {
	Name  string `json:"name"`
	Query string `json:"query"`
}

// SecurityFilters are a kind with one built in, which lets in everything.
var SecurityFilters = objects.Kind[SecurityFilter]{
	Name: "security filter", NewID: schema.NewID,
	Label: func(f *SecurityFilter) string { return f.Name },
	Idle:  func(*SecurityFilter) string { return "security filters are kept, and rules see all events yet" },
	Check: func(f *SecurityFilter) error {
		var bad faults
		bad.required("name", f.Name)
		bad.search("query", f.Query)
		if f.DataType == "" {
			f.DataType = "logs"
		}
		bad.oneOf("filtered_data_type", f.DataType, "logs")
		for i, x := range f.Exclusions {
			at := fmt.Sprintf("exclusion_filters[%d].", i)
			bad.required(at+"name", x.Name)
			bad.search(at+"query", x.Query)
		}
		return bad.Err()
	},
	BuiltIn: []objects.Versioned[SecurityFilter]{{
		ID: "all-log-000", Body: SecurityFilter{Name: "all ingested logs", Query: "*", IsEnabled: true, DataType: "logs"},
	}},
}

// NotificationRule says who is told of which signals.
type NotificationRule struct {
	Name      string    `json:"name"`
	Targets   []string  `json:"targets"` // handles: @somebody@example.org, slack-channel
	Selectors Selectors `json:"selectors"`
	Enabled   bool      `json:"enabled"`
	Interval  int64     `json:"time_aggregation"` // seconds; 0 tells of each
	Routing   *Routing  `json:"routing,omitempty"`
	// EscalateTo are told of a signal that nobody triaged within EscalateAfter seconds.
	EscalateAfter int64    `json:"escalate_after,omitempty"`
	EscalateTo    []string `json:"escalate_to,omitempty"`
}

// Selectors say which signals a notification rule is about. What is empty
// selects all.
type Selectors struct {
	TriggerSource string   `json:"trigger_source"`
	Severities    []string `json:"severities,omitempty"`
	RuleTypes     []string `json:"rule_types,omitempty"`
	Query         string   `json:"query"`
}

// Routing is how targets are chosen.
type Routing struct {
	Mode string `json:"mode"`
}

// SignalNotificationRules and VulnerabilityNotificationRules are two kinds of
// the same form.
var (
	SignalNotificationRules = notificationRules("notification rule", func(n *NotificationRule) string {
		if n.Selectors.TriggerSource != "security_signals" {
			return "there are signals to be told of, and no findings"
		}
		return ""
	})
	VulnerabilityNotificationRules = notificationRules("vulnerability notification rule", func(*NotificationRule) string {
		return "notification rules of vulnerabilities are kept, and there are none to tell of"
	})
)

func notificationRules(name string, idle func(*NotificationRule) string) objects.Kind[NotificationRule] {
	return objects.Kind[NotificationRule]{
		Name: name, NewID: schema.NewID, Check: (*NotificationRule).Check,
		Label: func(n *NotificationRule) string { return n.Name },
		Idle:  idle,
	}
}

// Check says what is wrong with the rule, as *schema.InvalidError.
func (n *NotificationRule) Check() error {
	var bad faults
	bad.required("name", n.Name)
	if len(n.Targets) == 0 {
		bad.Add("targets", "name at least one target, such as @somebody@example.org")
	}
	for i, target := range n.Targets {
		if strings.Trim(target, "@ \t\r\n") == "" {
			bad.Add(fmt.Sprintf("targets[%d]", i), fmt.Sprintf("%q is no handle; want a name, such as @slack-soc", target))
		}
	}
	bad.oneOf("selectors.trigger_source", n.Selectors.TriggerSource, "security_signals", "security_findings")
	for i, s := range n.Selectors.Severities {
		bad.oneOf(fmt.Sprintf("selectors.severities[%d]", i), s, "critical", "high", "medium", "low", "unknown", "info")
	}
	for i, kind := range n.Selectors.RuleTypes {
		bad.oneOf(fmt.Sprintf("selectors.rule_types[%d]", i), kind, notifiedTypes...)
	}
	if n.Selectors.Query != "" {
		bad.search("selectors.query", n.Selectors.Query)
	}
	if n.Interval < 0 {
		bad.Add("time_aggregation", fmt.Sprintf("want seconds, 0 or more, got %d", n.Interval))
	}
	if n.EscalateAfter < 0 || (n.EscalateAfter > 0) != (len(n.EscalateTo) > 0) {
		bad.Add("escalate_after", "want seconds, and in escalate_to who is told then")
	}
	if n.Routing != nil {
		bad.oneOf("routing.mode", n.Routing.Mode, "manual")
	}
	return bad.Err()
}

// notifiedTypes are what signals and vulnerabilities can be of.
var notifiedTypes = []string{
	"log_detection", "workload_security", "signal_correlation", "application_security", "api_security", "workload_activity",
	"cloud_configuration", "infrastructure_configuration",
	"application_code_vulnerability", "application_library_vulnerability", "attack_path", "container_image_vulnerability",
	"identity_risk", "misconfiguration", "host_vulnerability", "iac_misconfiguration", "sast_vulnerability",
	"secret_vulnerability", "sensitive_data", "serverless_function_code_vulnerability",
}

// CriticalAsset changes the severity of signals about an asset.
type CriticalAsset struct {
	Query       string   `json:"query"`      // over signals
	RuleQuery   string   `json:"rule_query"` // over rules
	Severity    string   `json:"severity"`
	Enabled     bool     `json:"enabled"`
	Tags        []string `json:"tags"`
	Description string   `json:"description,omitempty"`
}

// CriticalAssets are a kind.
var CriticalAssets = objects.Kind[CriticalAsset]{
	Name: "critical asset", NewID: uuid.NewString,
	Label: func(a *CriticalAsset) string { return a.Query },
	Idle: func(*CriticalAsset) string {
		return "critical assets are kept, and the severity of signals stays what it is yet"
	},
	Check: func(a *CriticalAsset) error {
		var bad faults
		bad.search("query", a.Query)
		bad.search("rule_query", a.RuleQuery)
		bad.oneOf("severity", a.Severity, "info", "low", "medium", "high", "critical", "increase", "decrease", "no-op")
		return bad.Err()
	},
}

// Affects tells whether the asset is about signals of the rule.
func (a *CriticalAsset) Affects(r *schema.Rule) bool {
	q, err := search.ParseForRules(a.RuleQuery)
	return err == nil && a.Enabled && q.Match(compiler.RuleEvent(r))
}

// faults collects what is wrong with a body.
type faults struct{ schema.InvalidError }

func (f *faults) required(field, text string) {
	if strings.TrimSpace(text) == "" {
		f.Add(field, "it is required")
	}
}

func (f *faults) search(field, text string) {
	if strings.TrimSpace(text) == "" {
		f.Add(field, "it is required; * matches everything")
	} else if _, err := search.Parse(text); err != nil {
		f.Add(field, err.Error())
	}
}

func (f *faults) oneOf(field, word string, words ...string) {
	if !slices.Contains(words, word) {
		f.Add(field, fmt.Sprintf("want one of %s, got %q", strings.Join(words, ", "), word))
	}
}

package terraform

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"nightjar/api/ruledoc"
	"nightjar/schema"
)

// This file writes what users configured as Terraform, for Datadog's provider.
// The layout (tabs, one space around `=`) is that of the reference's converter;
// the quoting is HCL's own writer's.

// RuleText is a rule as a resource.
func RuleText(r *schema.Rule) string {
	var t writer
	switch ruleKind(r) {
	case cloudResource:
		t.cloudRule(r)
	case wholeResource:
		t.wholeRule(r)
	default:
		t.rule(r)
	}
	return t.out.String()
}

// The provider's resources for rules.
const (
	ruleResource  = "datadog_security_monitoring_rule"
	cloudResource = "datadog_cloud_configuration_rule"
	// wholeResource is a rule as JSON.
	wholeResource = "datadog_security_monitoring_rule_json"
)

// ruleKind is the resource that reads all of the rule. The blocks of
// ruleResource have no place for some of it, and the provider refuses them there.
func ruleKind(r *schema.Rule) string {
	switch {
	case r.Type.OfConfiguration():
		return cloudResource
	case r.CustomName != "", r.CustomMessage != "", r.Options.HardcodedType != "", r.Options.CaseInsensitive != nil, r.Options.SilenceDelay != nil,
		r.Options.Anomaly != nil && r.Options.Anomaly.PeerBaseline != nil:
		return wholeResource
	}
	for _, q := range r.Queries {
		if q.CustomExtension != "" || q.Language != "" {
			return wholeResource
		}
	}
	for _, c := range r.Cases {
		if c.CustomStatus != "" {
			return wholeResource
		}
		for _, a := range caseActions(&c) {
			if o := a.Options; o != nil && (o.FlaggedIPType != "" || o.UserBehaviorName != "") {
				return wholeResource
			}
		}
	}
	for _, c := range r.ThirdPartyCases {
		if c.CustomStatus != "" {
			return wholeResource
		}
	}
	return ruleResource
}

// wholeRule is the rule as JSON, as its author would write it.
func (t *writer) wholeRule(r *schema.Rule) {
	text, err := ruledoc.Export(*r)
	if err != nil {
		text = []byte("{}") // a rule that was stored is JSON
	}
	t.resource(wholeResource, r.Name, func() { t.text("rule", string(text)) })
}

// writer writes blocks.
type writer struct {
	out   strings.Builder
	depth int
}

func (t *writer) line(text string) {
	t.out.WriteString(strings.Repeat("\t", t.depth))
	t.out.WriteString(text)
	t.out.WriteByte('\n')
}

func (t *writer) block(head string, inside func()) {
	t.line(head + " {")
	t.depth++
	inside()
	t.depth--
	t.line("}")
}

func (t *writer) resource(kind, name string, inside func()) {
	t.block(fmt.Sprintf(`resource "%s" "%s"`, kind, ResourceName(name)), inside)
}

// ResourceName makes an identifier of a name.
func ResourceName(name string) string {
	id := notInIdentifiers.ReplaceAllString(name, "_")
	if id == "" || id[0] >= '0' && id[0] <= '9' || id[0] == '-' {
		id = "_" + id
	}
	return id
}

var notInIdentifiers = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func (t *writer) text(name, value string)   { t.value(name, cty.StringVal(value)) }
func (t *writer) flag(name string, on bool) { t.value(name, cty.BoolVal(on)) }
func (t *writer) number(name string, n int64) {
	t.value(name, cty.NumberIntVal(n))
}

func (t *writer) list(name string, values []string) {
	if len(values) == 0 {
		t.line(name + " = []")
		return
	}
	all := make([]cty.Value, len(values))
	for i, v := range values {
		all[i] = cty.StringVal(v)
	}
	t.value(name, cty.ListVal(all))
}

func (t *writer) value(name string, v cty.Value) {
	t.line(name + " = " + string(hclwrite.TokensForValue(v).Bytes()))
}

// The given… write what is there.

func (t *writer) givenText(name, value string) {
	if value != "" {
		t.text(name, value)
	}
}

func (t *writer) givenList(name string, values []string) {
	if len(values) > 0 {
		t.list(name, values)
	}
}

func (t *writer) givenNumber(name string, n *int64) {
	if n != nil {
		t.number(name, *n)
	}
}

func (t *writer) givenFlag(name string, on *bool) {
	if on != nil {
		t.flag(name, *on)
	}
}

func (t *writer) rule(r *schema.Rule) {
	t.resource(ruleResource, r.Name, func() {
		t.text("name", r.Name)
		t.flag("enabled", r.IsEnabled)
		graded := len(r.ThirdPartyCases) > 0 // then queries and cases only repeat these
		for i := range r.Queries {
			switch {
			case r.Type == schema.RuleSignalCorrelation:
				t.signalQuery(&r.Queries[i])
			case !graded:
				t.query(&r.Queries[i])
			}
		}
		t.block("options", func() { t.options(&r.Options) })
		for i := range r.Cases {
			if !graded {
				t.ruleCase(&r.Cases[i])
			}
		}
		for _, c := range r.ThirdPartyCases {
			t.block("third_party_case", func() {
				t.text("name", c.Name)
				t.text("status", string(c.Status))
				t.list("notifications", c.Notifications)
				t.text("query", c.Query)
			})
		}
		t.text("message", r.Message)
		t.list("tags", r.Tags)
		t.flag("has_extended_title", r.HasExtendedName)
		t.text("type", string(r.Type))
		t.filters(r.Filters)
		t.ruleExtras(r)
	})
}

func (t *writer) ruleExtras(r *schema.Rule) {
	t.givenList("group_signals_by", r.GroupSignalsBy)
	for _, table := range r.ReferenceTables {
		t.block("reference_tables", func() {
			t.text("table_name", table.TableName)
			t.text("column_name", table.ColumnName)
			t.text("log_field_path", table.LogFieldPath)
			t.flag("check_presence", table.CheckPresence)
			t.text("rule_query_name", table.RuleQueryName)
		})
	}
	if s := r.Scheduling; s != nil {
		t.block("scheduling_options", func() {
			t.givenText("rrule", s.RRule)
			t.givenText("start", s.Start)
			t.givenText("timezone", s.Timezone)
		})
	}
	for _, f := range r.Calculated {
		t.block("calculated_field", func() {
			t.text("name", f.Name)
			t.text("expression", f.Expression)
		})
	}
}

func (t *writer) filters(filters []schema.RuleFilter) {
	for _, f := range filters {
		t.block("filter", func() {
			t.text("action", f.Action)
			t.text("query", f.Query)
		})
	}
}

func (t *writer) query(q *schema.RuleQuery) {
	t.block("query", func() {
		t.text("query", q.Query)
		t.list("group_by_fields", q.GroupByFields)
		t.flag("has_optional_group_by_fields", q.OptionalGroupBys)
		t.list("distinct_fields", q.DistinctFields)
		t.givenList("metrics", q.Metrics)
		t.text("aggregation", q.Aggregation)
		t.text("name", q.Name)
		t.givenText("data_source", q.DataSource)
		t.givenList("indexes", q.Indexes)
	})
}

func (t *writer) signalQuery(q *schema.RuleQuery) {
	t.block("signal_query", func() {
		// The provider wants a rule_id, and only reads default_rule_id.
		t.text("rule_id", cmp.Or(q.RuleID, q.DefaultRuleID))
		t.text("aggregation", q.Aggregation)
		t.givenList("correlated_by_fields", q.CorrelatedByFields)
		if i := q.CorrelatedQueryIndex; i != nil {
			t.text("correlated_query_index", fmt.Sprint(*i))
		}
		t.text("name", q.Name)
	})
}

func (t *writer) ruleCase(c *schema.RuleCase) {
	t.block("case", func() {
		t.text("name", c.Name)
		t.text("status", string(c.Status))
		t.list("notifications", c.Notifications)
		t.givenText("condition", c.Condition)
		for _, a := range caseActions(c) {
			t.block("action", func() {
				t.text("type", a.Type)
				if o := a.Options; o != nil && o.Duration != nil {
					t.block("options", func() { t.number("duration", *o.Duration) })
				}
			})
		}
	})
}

// caseAction is what Application Security does on a match.
type caseAction struct {
	Type    string
	Options *struct {
		Duration         *int64
		FlaggedIPType    string
		UserBehaviorName string
	}
}

func caseActions(c *schema.RuleCase) (actions []caseAction) {
	_ = json.Unmarshal(c.Actions, &actions) // absent, or what the codec let in
	return actions
}

func (t *writer) options(o *schema.RuleOptions) {
	t.givenNumber("keep_alive", o.KeepAlive)
	t.givenNumber("max_signal_duration", o.MaxSignalDuration)
	t.givenText("detection_method", string(string(string(string(string(o.DetectionMethod))))))
	t.givenNumber("evaluation_window", o.EvaluationWindow)
	t.givenFlag("decrease_criticality_based_on_env", o.DecreaseByEnv)
	if n := o.NewValue; n != nil {
		t.block("new_value_options", func() {
			t.givenNumber("forget_after", n.ForgetAfter)
			t.givenText("learning_method", n.LearningMethod)
			t.givenNumber("learning_duration", n.LearningDuration)
			t.givenNumber("learning_threshold", n.LearningThreshold)
			t.givenFlag("instantaneous_baseline", n.InstantaneousBaseline)
		})
	}
	if a := o.Anomaly; a != nil {
		t.block("anomaly_detection_options", func() {
			t.givenNumber("bucket_duration", a.BucketDuration)
			t.givenNumber("learning_duration", a.LearningDuration)
			t.givenNumber("detection_tolerance", a.DetectionTolerance)
			t.givenNumber("learning_period_baseline", a.LearningPeriodBaseline)
			t.givenFlag("instantaneous_baseline", a.InstantaneousBaseline)
		})
	}
	if i := o.ImpossibleTravel; i != nil {
		t.block("impossible_travel_options", func() {
			t.givenFlag("baseline_user_locations", i.BaselineUserLocations)
			t.givenNumber("baseline_user_locations_duration", i.BaselineUserLocationsDuration)
		})
	}
	t.thirdPartyOptions(o.ThirdParty)
	t.sequenceOptions(o.Sequence)
}

func (t *writer) thirdPartyOptions(o *schema.ThirdPartyOptions) {
	if o == nil {
		return
	}
	t.block("third_party_rule_options", func() {
		t.givenText("default_status", string(o.DefaultStatus))
		t.list("default_notifications", o.DefaultNotifications)
		for _, q := range o.RootQueries {
			t.block("root_query", func() {
				t.text("query", q.Query)
				t.list("group_by_fields", q.GroupByFields)
			})
		}
		t.givenText("signal_title_template", o.SignalTitleTemplate)
	})
}

func (t *writer) sequenceOptions(o *schema.SequenceOptions) {
	if o == nil {
		return
	}
	t.block("sequence_detection_options", func() {
		for _, s := range o.Steps {
			t.block("steps", func() {
				t.text("name", s.Name)
				t.text("condition", s.Condition)
				t.givenNumber("evaluation_window", s.EvaluationWindow)
			})
		}
		for _, s := range o.Transitions {
			t.block("step_transitions", func() {
				t.text("parent", s.Parent)
				t.text("child", s.Child)
				t.givenNumber("evaluation_window", s.EvaluationWindow)
			})
		}
	})
}

// cloudRule is the provider's resource for rules about configuration, which has
// one case.
func (t *writer) cloudRule(r *schema.Rule) {
	var compliance struct {
		ResourceType string
		RegoRule     struct {
			Policy        string
			ResourceTypes []string
		}
	}
	var signal struct{ UserGroupByFields []string }
	_ = json.Unmarshal(r.Options.Compliance, &compliance) // absent, or what the codec let in
	_ = json.Unmarshal(r.ComplianceSignal, &signal)
	t.resource(cloudResource, r.Name, func() {
		t.text("name", r.Name)
		t.flag("enabled", r.IsEnabled)
		t.text("message", r.Message)
		t.text("policy", compliance.RegoRule.Policy)
		t.text("resource_type", compliance.ResourceType)
		var related []string
		for _, kind := range compliance.RegoRule.ResourceTypes {
			if kind != compliance.ResourceType {
				related = append(related, kind)
			}
		}
		t.givenList("related_resource_types", related)
		for _, c := range r.Cases[:min(1, len(r.Cases))] {
			t.text("severity", string(c.Status))
			t.list("notifications", c.Notifications)
		}
		t.givenList("group_by", signal.UserGroupByFields)
		t.list("tags", r.Tags)
		t.filters(r.Filters)
	})
}

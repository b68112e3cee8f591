package compiler

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// IdleOfRule are the parts of a rule that are kept and do nothing: first why none
// of it is evaluated, if it is not, then what has no effect beside that.
func IdleOfRule(r *schema.Rule) []schema.Idle {
	out := unsupported(r)
	add := func(has bool, field, reason string) {
		if has {
			out = append(out, schema.Idle{Field: field, Reason: reason})
		}
	}
	for i, q := range r.Queries {
		other := slices.ContainsFunc(append([]string{q.Index}, q.Indexes...), func(name string) bool {
			return name != "" && name != "*" && name != "main"
		})
		add(other, fmt.Sprintf("queries[%d].indexes", i), "there is one index, main, and all events are in it")
	}
	for i, c := range r.Cases {
		at := fmt.Sprintf("cases[%d].", i)
		add(len(c.Actions) > 0 && strings.Trim(string(c.Actions), " []\n\t") != "null" && strings.Trim(string(c.Actions), " []\n\t") != "",
			at+"actions", "what Application Security does on a match is kept, and not done")
	}
	add(len(r.Calculated) > 0, "calculatedFields", "calculated fields are not evaluated yet")
	add(len(r.Options.RelatedFields) > 0, "options.relatedSignalsFields", "signals are not related by these fields yet")
	for i := range out {
		out[i].Kind, out[i].ID, out[i].Name = "rule", r.ID, r.Name
	}
	return out
}

// HandlesOfRule are whom the rule's cases name, by the place where they do.
func HandlesOfRule(r *schema.Rule) (places, handles []string) {
	add := func(place string, named []string) {
		for _, h := range named {
			places, handles = append(places, place), append(handles, schema.Handle(h))
		}
	}
	for i, c := range r.Cases {
		add(fmt.Sprintf("cases[%d].notifications", i), c.Notifications)
	}
	for i, c := range r.ThirdPartyCases {
		add(fmt.Sprintf("thirdPartyCases[%d].notifications", i), c.Notifications)
	}
	if o := r.Options.ThirdParty; o != nil {
		add("options.thirdPartyRuleOptions.defaultNotifications", o.DefaultNotifications)
	}
	return places, handles
}

// inSQL tells a query that is no search.
func inSQL(q schema.RuleQuery) bool { return strings.EqualFold(q.Language, "sql") }

// unsupported says why a rule is kept and not evaluated; nothing where it is.
func unsupported(r *schema.Rule) []schema.Idle {
	var out []schema.Idle
	add := func(field, format string, args ...any) {
		out = append(out, schema.Idle{Field: field, Reason: fmt.Sprintf(format, args...)})
	}
	method := r.Options.Method()
	switch {
	case r.Type == schema.RuleSignalCorrelation && !(evaluated(method) && methodOf(method).about().ofSignals):
		add("options.detectionMethod", "signals are not correlated by detection method %s", method)
	case r.Type.OfConfiguration():
		add("type", "configuration rules are not evaluated by nightjar")
	case !evaluated(method):
		add("options.detectionMethod", "detection method %s is not evaluated yet", method)
	}
	if r.Scheduling != nil {
		add("schedulingOptions", "scheduled rules are not evaluated yet")
	}
	for i, q := range r.Queries {
		switch q.DataSource {
		case "", "logs", "audit", "security_runtime", "events", "security_signals":
		default:
			add(fmt.Sprintf("queries[%d].dataSource", i), "data source %s is not collected", q.DataSource)
		}
		if inSQL(q) {
			add(fmt.Sprintf("queries[%d].queryLanguage", i), "queries in SQL are not evaluated yet")
		}
	}
	return out
}

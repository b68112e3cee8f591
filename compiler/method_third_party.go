package compiler

import (
	"fmt"
	"time"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// thirdPartyMethod grades the alerts of a vendor: every alert that a root query finds is
// a signal's, and the first case whose query matches it says what that is worth.
type thirdPartyMethod struct{ thresholdMethod }

func (thirdPartyMethod) about() aboutMethod { return aboutMethod{name: schema.MethodThirdParty} }

func (thirdPartyMethod) queries(c *ruleCompiler) { c.thirdParty() }

// cases: those of the plan are the grades, which stand with the queries.
func (thirdPartyMethod) cases(*ruleCompiler) {}

func (thirdPartyMethod) durations(p *Plan) {
	p.Window, p.KeepAlive, p.MaxDuration = 0, ThirdPartyRollUp, ThirdPartyRollUp
}

func (thirdPartyMethod) analyze(*ruleCompiler) {}

// ThirdPartyRollUp is how long after its first alert a signal takes in others.
const ThirdPartyRollUp = 24 * time.Hour

// thirdParty makes a label of each root query and a grade of each case. Where
// the rule has no cases of its own kind, its queries and cases are paired.
func (c *ruleCompiler) thirdParty() {
	r := &c.plan.Rule
	o := r.Options.ThirdParty
	if o == nil || len(o.RootQueries) == 0 {
		c.bad.Add("options.thirdPartyRuleOptions.rootQueries", "a third-party rule needs at least one root query")
		return
	}
	filters := c.filters()
	for i, root := range o.RootQueries {
		at := fmt.Sprintf("options.thirdPartyRuleOptions.rootQueries[%d]", i)
		label := Label{Name: defaultLabel(i), Aggregation: AggGrade, GroupBy: c.fields(at+".groupByFields", root.GroupByFields)}
		label.Filter = append(c.search(at+".query", root.Query), filters...)
		c.plan.Labels = append(c.plan.Labels, label)
		c.plan.Arity = max(c.plan.Arity, len(label.GroupBy))
	}
	c.grades()
	if c.plan.DefaultStatus = o.DefaultStatus; !o.DefaultStatus.Known() {
		c.bad.Add("options.thirdPartyRuleOptions.defaultStatus", fmt.Sprintf("unknown status %q; want info, low, medium, high or critical", o.DefaultStatus))
	}
}

func (c *ruleCompiler) grades() {
	r := &c.plan.Rule
	cases, target := r.ThirdPartyCases, "thirdPartyCases[%d]"
	if len(cases) == 0 {
		target = "cases[%d]"
		for i, k := range r.Cases {
			paired := schema.ThirdPartyCase{Name: k.Name, Status: k.Status, CustomStatus: k.CustomStatus, Query: "*"}
			if i < len(r.Queries) {
				paired.Query = r.Queries[i].Query
			}
			cases = append(cases, paired)
		}
	}
	for i, k := range cases {
		at := fmt.Sprintf(target, i)
		if !k.Status.Known() {
			c.bad.Add(at+".status", fmt.Sprintf("unknown status %q; want info, low, medium, high or critical", k.Status))
		}
		c.customStatus(at, k.CustomStatus)
		q, err := search.Parse(k.Query)
		if err != nil {
			c.bad.Add(at+".query", err.Error())
			continue
		}
		c.plan.Grades = append(c.plan.Grades, c.inCase(q))
		c.plan.Cases = append(c.plan.Cases, Case{Name: k.Name, Status: k.Severity(), Condition: &Condition{Parts: []CondNode{CondTrue{}}}})
	}
}

// PerEvent reports whether an event with these group values has a signal of its
// own: an alert that its root query does not group.
func (p *Plan) PerEvent(group []string) bool {
	return p.Method == schema.MethodThirdParty && len(group) == 0
}

// grade is the case of an alert: the first whose query matches, or −1.
func (p *Plan) grade(e *schema.Event) int {
	for i, q := range p.Grades {
		if q.Match(e) {
			return i
		}
	}
	return -1
}

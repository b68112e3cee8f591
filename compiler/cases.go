package compiler

import (
	"fmt"

	"nightjar/schema"
)

// cases makes the rule's cases. read reads a condition, and finish, unless nil, adds
// what the method makes of one.
func (c *ruleCompiler) cases(read func(text string) (*Condition, error), finish func(i int, k *Case)) {
	rule := &c.plan.Rule
	if len(rule.Cases) == 0 && c.plan.Unsupported == "" {
		c.bad.Add("cases", "a rule needs at least one case")
	}
	for i, k := range rule.Cases {
		if !k.Status.Known() {
			c.bad.Add(fmt.Sprintf("cases[%d].status", i), fmt.Sprintf("unknown status %q; want info, low, medium, high or critical", k.Status))
		}
		c.customStatus(fmt.Sprintf("cases[%d]", i), k.CustomStatus)
		condition, err := read(k.Condition)
		if err != nil {
			c.bad.Add(fmt.Sprintf("cases[%d].condition", i), err.Error())
			continue
		}
		if condition.OverTime() && len(rule.Cases) > 1 {
			c.bad.Add(fmt.Sprintf("cases[%d].condition", i), "then is for rules with a single case")
		}
		compiled := Case{Name: k.Name, Status: k.Severity(), Condition: condition}
		if finish != nil {
			finish(i, &compiled)
		}
		c.plan.Cases = append(c.plan.Cases, compiled)
	}
}

// condition reads a condition over the rule's labels.
func (c *ruleCompiler) condition(text string) (*Condition, error) {
	return ParseCondition(text, c.labelNames())
}

// customStatus checks a status that is used instead of a case's own.
func (c *ruleCompiler) customStatus(at string, status schema.Severity) {
	if status != "" && !status.Known() {
		c.bad.Add(at+".customStatus", fmt.Sprintf("unknown status %q; want info, low, medium, high or critical", status))
	}
}

package compiler

import (
	"fmt"
	"time"

	"nightjar/schema"
)

// sequenceMethod is for steps that follow each other: those of the rule's options, or
// the parts of a condition with `then`.
type sequenceMethod struct{ thresholdMethod }

func (sequenceMethod) about() aboutMethod {
	return aboutMethod{name: schema.MethodSequenceDetection, ofSignals: true}
}

func (sequenceMethod) cases(c *ruleCompiler) {
	c.sequence()
	c.cases(c.lastStep, nil)
}

func (sequenceMethod) analyze(c *ruleCompiler) { c.analyzeSteps() }

func (sequenceMethod) lookback(p *Plan) time.Duration {
	reach, widest := time.Duration(0), p.Window
	for _, s := range p.Steps {
		reach += s.Within
		widest = max(widest, s.Window)
	}
	if p.Then() {
		reach = p.Window
	}
	if p.Absence != nil {
		reach += p.Window
	}
	return reach + widest
}

// maxSteps is how many steps a sequence has at most.
const maxSteps = 10

func (c *ruleCompiler) sequence() {
	o := c.plan.Rule.Options.Sequence
	const target = "options.sequenceDetectionOptions"
	if o == nil || len(o.Steps) == 0 {
		c.bad.Add(target+".steps", "a sequence needs at least one step")
		return
	}
	if len(o.Steps) > maxSteps {
		c.bad.Add(target+".steps", fmt.Sprintf("a sequence has at most %d steps, this one has %d", maxSteps, len(o.Steps)))
		return
	}
	byName := map[string]Step{}
	for i, s := range o.Steps {
		at := fmt.Sprintf("%s.steps[%d]", target, i)
		condition, err := ParseCondition(s.Condition, c.labelNames())
		switch {
		case err != nil:
			c.bad.Add(at+".condition", err.Error())
			continue
		case condition.OverTime():
			c.bad.Add(at+".condition", "then is not for steps: the transitions say what follows what")
		case !isLabel(s.Name):
			c.bad.Add(at+".name", fmt.Sprintf("%q is no name: want a letter, then letters, digits and _", s.Name))
		}
		if _, twice := byName[s.Name]; twice {
			c.bad.Add(at+".name", fmt.Sprintf("two steps are named %q", s.Name))
		}
		byName[s.Name] = Step{Name: s.Name, Condition: condition, Window: seconds(s.EvaluationWindow)}
	}
	if c.bad.Err() == nil {
		c.order(byName, o.Transitions)
	}
}

// order follows the transitions from the step that has none into it. A sequence
// is linear: each step is entered once and left once.
func (c *ruleCompiler) order(steps map[string]Step, transitions []schema.SequenceTransition) {
	const target = "options.sequenceDetectionOptions.stepTransitions"
	next, into := map[string]schema.SequenceTransition{}, map[string]bool{}
	for i, t := range transitions {
		at := fmt.Sprintf("%s[%d]", target, i)
		for field, name := range map[string]string{".parent": t.Parent, ".child": t.Child} {
			if _, ok := steps[name]; !ok {
				c.bad.Add(at+field, fmt.Sprintf("no step is named %q", name))
			}
		}
		if _, twice := next[t.Parent]; twice || into[t.Child] {
			c.bad.Add(at, fmt.Sprintf("the sequence branches at %s -> %s; it must be linear", t.Parent, t.Child))
		}
		if seconds(t.EvaluationWindow) <= 0 {
			c.bad.Add(at+".evaluationWindow", "how soon must the child follow? want more than 0 seconds")
		}
		next[t.Parent], into[t.Child] = t, true
	}
	if c.bad.Err() != nil {
		return
	}
	first := ""
	for i, s := range c.plan.Rule.Options.Sequence.Steps {
		switch {
		case into[s.Name]:
		case first == "":
			first = s.Name
		default:
			c.bad.Add(fmt.Sprintf("options.sequenceDetectionOptions.steps[%d]", i), fmt.Sprintf("no transition leads into step %q, and it is not the first", s.Name))
		}
	}
	if first == "" {
		c.bad.Add(target, "the transitions go in a circle: no step is the first")
	}
	for name, within := first, time.Duration(0); name != "" && len(c.plan.Steps) < len(steps); {
		step := steps[name]
		step.Within = within
		c.plan.Steps = append(c.plan.Steps, step)
		t := next[name]
		name, within = t.Child, seconds(t.EvaluationWindow)
	}
	if c.bad.Err() == nil && len(c.plan.Steps) < len(steps) {
		c.bad.Add(target, "the transitions go in a circle beside the sequence")
	}
}

// lastStep reads the condition of a case: it names the last step, or nothing, and holds
// when the sequence is complete.
func (c *ruleCompiler) lastStep(text string) (*Condition, error) {
	names := []string{}
	for _, s := range c.plan.Steps {
		names = append(names, s.Name)
	}
	condition, err := ParseCondition(text, names)
	if err != nil {
		return nil, err
	}
	if last := names[len(names)-1:]; condition.names() != "" && len(last) > 0 && condition.names() != last[0] {
		return nil, fmt.Errorf("the condition of a sequence names its last step: write %s > 0, or nothing", last[0])
	}
	return condition, nil
}

// thenSteps makes a sequence of a condition with `then`: each part over the
// rule's window, and all of it within that window.
func (c *ruleCompiler) thenSteps() {
	if len(c.plan.Cases) != 1 || !c.plan.Cases[0].Condition.OverTime() {
		return
	}
	condition := c.plan.Cases[0].Condition
	c.use(sequenceMethod{})
	c.plan.Anomaly = nil // of a rule that was stored before this was refused: it goes on as the sequence that it was
	for _, part := range condition.Parts {
		c.plan.Steps = append(c.plan.Steps, Step{Condition: &Condition{Parts: []CondNode{part}}, Window: c.plan.Window})
	}
	if condition.Absent != nil {
		c.absence(condition)
		return
	}
	if c.plan.Window == 0 {
		c.warnings = append(c.warnings, "cases[0].condition: with evaluationWindow 0 nothing lies within the window, so then never matches: choose a window")
	}
}

package compiler

import (
	"fmt"
	"time"

	"nightjar/schema"
)

// Waits reports whether the plan judges what does not happen, so that time alone
// can give a signal.
func (p *Plan) Waits() bool { return p.Silence || p.Absence != nil || p.Low() }

// Low reports whether the plan judges closed buckets on the low side
// (docs/semantics.md, "The low side").
func (p *Plan) Low() bool { return p.Anomaly != nil && p.Anomaly.Low }

// silence finds what the plan waits for, and takes the options that are about it.
func (c *ruleCompiler) silence() {
	p := c.plan
	p.Silence = p.HasSilencePoints()
	if d := p.Rule.Options.SilenceDelay; d != nil {
		delay := time.Duration(*d) * time.Second
		p.SilenceDelay = &delay
		switch {
		case *d < schema.SilenceDelaySeconds.Least || *d > schema.SilenceDelaySeconds.Most:
			c.bad.Add("options.silenceDelay", fmt.Sprintf("it is judged behind the clock by %d to %d seconds, got %d", schema.SilenceDelaySeconds.Least, schema.SilenceDelaySeconds.Most, *d))
		case !p.Waits():
			c.warn("options.silenceDelay", "it has no effect: no case holds when a group falls silent, none has `then not`, and none asks for the low side of an anomaly")
		}
	}
	if e := p.Rule.Options.ExpectedGroups; e != nil {
		c.expected(e)
	}
}

func (c *ruleCompiler) expected(e *schema.ExpectedGroups) {
	const target = "options.expectedGroups"
	p := c.plan
	switch {
	case e.Table == "" || e.Column == "":
		c.bad.Add(target, "name the table (tableName) and the column (columnName) that the groups stand in")
	case p.Arity != 1 || len(p.SignalGroup) > 1:
		c.bad.Add(target, fmt.Sprintf("the values of a column are groups of a rule with one group-by field, this one has %d", p.Arity))
	case !p.Silence && c.bad.Err() == nil && p.Unsupported == "":
		c.bad.Add(target, "no case holds when a group falls silent, so that a group which is never heard of would not be missed; write a condition such as "+c.labelNames()[0]+" < 1")
	default:
		p.Expected = &TableColumn{Table: e.Table, Column: e.Column}
	}
}

// Roster is what Tables can be as well: a list of what stands in a column.
type Roster interface {
	// Values calls use with what is in a column at a moment, and since when, until
	// it returns false.
	Values(table, column string, at schema.Millis, use func(value string, since schema.Millis) bool)
	// Since is since when a value that is in the column at a moment has been.
	Since(table, column, value string, at schema.Millis) (since schema.Millis, ok bool)
}

// ExpectedGroups calls use with the groups that are expected at a moment, and
// since when.
func (p *BoundPlan) ExpectedGroups(at schema.Millis, use func(group []string, since schema.Millis) bool) {
	if r, ok := p.Tables.(Roster); ok && p.Expected != nil {
		r.Values(p.Expected.Table, p.Expected.Column, at, func(value string, since schema.Millis) bool {
			return use([]string{value}, since)
		})
	}
}

// ExpectedSince is since when a group that is expected at a moment has been.
func (p *BoundPlan) ExpectedSince(group []string, at schema.Millis) (since schema.Millis, ok bool) {
	if r, is := p.Tables.(Roster); is && p.Expected != nil && len(group) == 1 {
		return r.Since(p.Expected.Table, p.Expected.Column, group[0], at)
	}
	return 0, false
}

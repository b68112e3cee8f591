package compiler

import (
	"fmt"
	"time"
)

// costlyEvent is from which estimate on a rule is said to cost much: what the
// scheduler lets a rule take for an event that is evaluated with others.
const costlyEvent = 100 * time.Microsecond

// Estimate is about how long an event takes that is held against all of the rule's
// queries and matches none of their alternatives.
func (p *Plan) Estimate() time.Duration {
	total := time.Duration(0)
	for i := range p.Labels {
		total += p.Labels[i].Filter.Estimate()
	}
	return total
}

// costWarning says that a rule costs much for each event; "" where it does not.
func (p *Plan) costWarning() string {
	each := p.Estimate()
	if each <= costlyEvent {
		return ""
	}
	return fmt.Sprintf("queries: an event takes about %s to be held against all of this, by estimate, where a rule that is evaluated with others may take %s: "+
		"it is evaluated by itself when it does, and may fall behind; words and wildcards cost next to nothing together, and a term that few events have (source:x) in front saves the rest",
		each.Round(10*time.Microsecond), costlyEvent)
}

package compiler

import "slices"

// MayMatch reports whether there can be an event with this source that one of the
// plan's queries matches: false only where their conditions on the source alone
// exclude it. A plan over signals reads no events.
func (p *Plan) MayMatch(source string) bool {
	return !p.OfSignals && slices.ContainsFunc(p.Labels, func(l Label) bool { return l.Filter.MayBeOf(source) })
}

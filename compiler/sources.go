package compiler

import "slices"

// Sources are the sources that the plan's queries name, sorted; nil, when one of
// them takes events of any source.
func (p *Plan) Sources() []string {
	var out []string
	for i := range p.Labels {
		named := p.Labels[i].Filter.Sources()
		if named == nil {
			return nil
		}
		out = append(out, named...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// MayMatch reports whether there can be an event with this source that one of the
// plan's queries matches: false only where their conditions on the source alone
// exclude it. A plan over signals reads no events.
func (p *Plan) MayMatch(source string) bool {
	return !p.OfSignals && slices.ContainsFunc(p.Labels, func(l Label) bool { return l.Filter.MayBeOf(source) })
}

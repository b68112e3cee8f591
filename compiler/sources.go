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

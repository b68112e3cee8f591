package grok

// constant is a matcher of ours: %{constant("failure"):evt.outcome} takes none of the
// text, and stores what it says wherever a match comes by. A rule so says what its text
// means, beside what it extracts.
func (p *pattern) constant(m call, path []string, f *filter) *node {
	const usage = `("text")`
	texts := p.texts(m, 1, 1, usage)
	if p.err != nil {
		return &node{op: opEmpty}
	}
	if path == nil {
		return p.fail(m.at, "constant stores a text, and this one has no attribute", `write %{constant("text"):attribute}`)
	}
	return &node{op: opCapture, subs: []*node{{op: opEmpty}}, capture: &capture{path: path, filter: f, constant: &texts[0]}}
}

// isConstant reports whether n is a constant, or several.
func (n *node) isConstant() bool {
	switch n.op {
	case opCapture:
		return n.capture.constant != nil
	case opCat, opGroup:
		for _, s := range n.subs {
			if !s.isConstant() {
				return false
			}
		}
		return true
	}
	return n.op == opEmpty
}

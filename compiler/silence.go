package compiler

// Waits reports whether the plan judges what does not happen, so that time alone
// can give a signal.
func (p *Plan) Waits() bool { return p.Silence || p.Absence != nil }

package schema

// Idle is an object, or a part of one, that is kept and does nothing yet: users
// are told wherever they see it.
type Idle struct {
	Kind, ID, Name string
	Field          string // empty: all of it
	Reason         string
}

// Warning is the place and the reason.
func (i Idle) Warning() string {
	if i.Field == "" {
		return i.Reason
	}
	return i.Field + ": " + i.Reason
}

// IdleWarnings are the warnings of what does nothing, in its order.
func IdleWarnings(idle []Idle) (out []string) {
	for _, i := range idle {
		out = append(out, i.Warning())
	}
	return out
}

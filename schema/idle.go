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

package vocabulary

import "nightjar/schema"

// Name is what a vocabulary calls a field; Lookup finds the field by it.
type Name struct {
	Field schema.Field
	Name  string
}

// NamesIn are the names of the fields that an event has, in the order of the table; of
// nightjar's own there are none. An event that was read from where it is stored has its
// attributes as JSON alone: that is enough.
func (v Vocabulary) NamesIn(e *schema.Event) (out []Name) {
	if v == Own {
		return nil
	}
	e = withLeaves(e)
	for i := range attributes {
		a := &attributes[i]
		name := a.ECS
		if v == OCSF {
			name = a.OCSF
		}
		if name != "" && valueOf(e, a.Field) != nil {
			out = append(out, Name{a.Field, name})
		}
	}
	return out
}

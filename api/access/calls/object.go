package calls

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "nightjar/api/v1"
)

const stringKind = protoreflect.StringKind

const (
	// maxNames is how many names and ids of a call are written down, maxName how long
	// one may be, in bytes.
	maxNames = 10
	maxName  = 200
	// maxDepth is how deep in a message they are looked for.
	maxDepth = 3
)

// objectOf is what a call is about: the ids and names that its message has. Nothing else
// of a message is written down, since any of it may be a secret.
func objectOf(m proto.Message) string {
	var found []string
	more := collect(m.ProtoReflect(), maxDepth, &found)
	text := strings.Join(found, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// collect adds the ids and names of a message, and returns how many there was no room
// for.
func collect(m protoreflect.Message, depth int, found *[]string) (more int) {
	add := func(text string) {
		if text == "" {
			return
		}
		if len(*found) >= maxNames {
			more++
			return
		}
		if len(text) > maxName {
			text = strings.ToValidUTF8(text[:maxName], "") + "…"
		}
		*found = append(*found, text)
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() { // in the order in which they are declared
		f := fields.Get(i)
		switch {
		case !m.Has(f) || f.IsMap():
		case f.Kind() == stringKind && isName(string(f.Name())):
			if !f.IsList() {
				add(m.Get(f).String())
				continue
			}
			for j := range m.Get(f).List().Len() {
				add(m.Get(f).List().Get(j).String())
			}
		case f.Kind() == protoreflect.MessageKind && depth > 1 && !strings.HasPrefix(string(f.Message().FullName()), "google."):
			if !f.IsList() {
				more += collect(m.Get(f).Message(), depth-1, found)
				continue
			}
			for j := range m.Get(f).List().Len() {
				more += collect(m.Get(f).List().Get(j).Message(), depth-1, found)
			}
		}
	}
	return more
}

// isName reports whether a field of this name says which thing is meant.
func isName(field string) bool {
	switch field {
	case "id", "ids", "name", "handle":
		return true
	}
	return strings.HasSuffix(field, "_id") || strings.HasSuffix(field, "_ids")
}

// madeOf is what a call was about, now that it has been answered: the id of what was
// made is known only then.
func madeOf(asked string, out any) string {
	m, ok := out.(proto.Message)
	if !ok || m == nil || !m.ProtoReflect().IsValid() {
		return asked
	}
	if d, ok := m.(*pb.DeletionResult); ok {
		return fmt.Sprintf("%d events", d.GetEvents())
	}
	if r, ok := m.(*pb.Response); ok {
		return fmt.Sprintf("%s: %s %s", r.GetId(), r.GetAction(), r.GetTarget())
	}
	id := idOf(m.ProtoReflect())
	if id == "" || strings.Contains(asked, id) {
		return asked
	}
	return strings.TrimSuffix(id+" "+asked, " ")
}

// idOf is the id in an answer, at its top or in its data.
func idOf(m protoreflect.Message) string {
	fields := m.Descriptor().Fields()
	if f := fields.ByName("id"); f != nil && f.Kind() == stringKind && !f.IsList() {
		return m.Get(f).String()
	}
	if f := fields.ByName("data"); f != nil && f.Kind() == protoreflect.MessageKind && !f.IsList() && !f.IsMap() && m.Has(f) {
		if id := m.Get(f).Message().Descriptor().Fields().ByName("id"); id != nil && id.Kind() == stringKind {
			return m.Get(f).Message().Get(id).String()
		}
	}
	return ""
}

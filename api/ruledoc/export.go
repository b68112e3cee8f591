package ruledoc

import (
	"bytes"
	"encoding/json"
	"fmt"

	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// Export is the document that a rule is created from: without what the
// server says, so that it is the same text after it was applied.
func Export(r schema.Rule) ([]byte, error) {
	m, err := ToProto(r)
	if err != nil {
		return nil, err
	}
	codec.ClearServerFields(m)
	text, err := codec.Encode(m)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return nil, fmt.Errorf("export rule %s: %w", r.ID, err)
	}
	DropServerFields(fields)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(fields); err != nil {
		return nil, fmt.Errorf("export rule %s: %w", r.ID, err)
	}
	return out.Bytes(), nil
}

// DropServerFields leaves of a rule, as REST shows it, what its author said.
func DropServerFields(rule map[string]any) {
	for _, name := range serverFields {
		delete(rule, name)
	}
}

// serverFields are the names of a rule's fields that only the server says.
var serverFields = func() (names []string) {
	fields := (&pb.Rule{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if fields.Get(i).Number() >= codec.FirstServerField {
			names = append(names, fields.Get(i).JSONName())
		}
	}
	return names
}()

package codec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"nightjar/api"
	"nightjar/schema"
)

// FirstServerField is where our .proto files put the fields that are the server's.
const FirstServerField = 50

// ClearServerFields empties the fields of m that only the server says.
func ClearServerFields(m proto.Message) {
	r := m.ProtoReflect()
	r.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if fd.Number() >= FirstServerField {
			r.Clear(fd)
		}
		return true
	})
}

// FromMessage makes body what a request's attributes say.
func FromMessage(m proto.Message, body any) error {
	m = proto.Clone(m)
	ClearServerFields(m)
	text, err := Encode(m)
	if err == nil {
		err = json.Unmarshal(text, body)
	}
	if err != nil {
		return fmt.Errorf("translate %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// ToMessage makes m the attributes that show body.
func ToMessage(body any, m proto.Message) error {
	text, err := json.Marshal(body)
	if err == nil {
		err = Decode(text, m)
	}
	if err != nil {
		return fmt.Errorf("translate %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// Patch replaces what update gives of body's attributes: over REST the keys that
// the request has at the path, else those in mask, and without one those that
// are set.
func Patch[T any](ctx context.Context, body *T, update proto.Message, path string, mask []string) error {
	merged := update.ProtoReflect().New()
	if err := ToMessage(*body, merged.Interface()); err != nil {
		return err
	}
	from := update.ProtoReflect()
	given := GivenIn(ctx, path, update, mask)
	for i := range from.Descriptor().Fields().Len() {
		fd := from.Descriptor().Fields().Get(i)
		has := from.Has(fd)
		switch {
		case fd.Number() >= FirstServerField, !given(fd.Name()):
			continue
		case !has && fd.HasPresence() && fd.Kind() == protoreflect.BoolKind:
			continue // null is no answer to yes or no
		case has:
			merged.Set(fd, from.Get(fd))
		default:
			merged.Clear(fd)
		}
	}
	var next T
	if err := FromMessage(merged.Interface(), &next); err != nil {
		return err
	}
	*body = next
	return nil
}

// GivenIn tells which fields a request gives: over REST those whose keys it has
// at the path, else those in mask, and without one those that are set.
func GivenIn(ctx context.Context, path string, m proto.Message, mask []string) func(protoreflect.Name) bool {
	x, r := api.ExchangeOf(ctx), m.ProtoReflect()
	return func(name protoreflect.Name) bool {
		fd := r.Descriptor().Fields().ByName(name)
		switch {
		case x != nil:
			return x.Keys[Join(path, Key(fd))]
		case len(mask) > 0:
			return slices.Contains(mask, string(maskName(fd)))
		}
		return r.Has(fd)
	}
}

// Within puts a path before what an *schema.InvalidError is about.
func Within(path string, err error) error {
	var invalid *schema.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	out := &schema.InvalidError{}
	for _, d := range invalid.Details {
		out.Add(Join(path, d.Target), d.Message)
	}
	return out
}

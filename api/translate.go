package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

// A schema.Rule as JSON and a pb.Rule in REST form are the same document, so the
// codec is the translation. TestRuleTranslationIsComplete fails when one of the
// two learns a field that the other lacks.

// ruleToProto is r as the API shows it.
func ruleToProto(r schema.Rule) (*pb.Rule, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("translate rule %s: %w", r.ID, err)
	}
	out := new(pb.Rule)
	if _, err := decode(text, out); err != nil {
		return nil, fmt.Errorf("translate rule %s: %w", r.ID, err)
	}
	for _, q := range out.Queries {
		if q.Query == nil && q.RuleId == nil && q.DefaultRuleId == nil {
			q.Query = new("")
		}
	}
	// There is one key, hence one author.
	out.CreationAuthorId = author.id
	out.Creator, out.Updater = &pb.User{Handle: author.handle, Name: author.name}, &pb.User{}
	out.Metadata = &pb.RuleMetadata{}
	for _, c := range out.Cases {
		out.Blocking = out.Blocking || len(c.Actions) > 0
	}
	if out.UpdatedAt != nil {
		out.UpdateAuthorId = new(author.id)
		out.Updater = proto.CloneOf(out.Creator)
	}
	return out, nil
}

var author = struct {
	id                 int64
	handle, name, uuid string
}{1, "nightjar", "nightjar", "00000000-0000-0000-0000-000000000001"}

// ruleFromProto is the rule that a request describes. What only the server says
// (ids, moments, versions) is not taken over.
func ruleFromProto(in *pb.Rule) (schema.Rule, error) {
	m := proto.CloneOf(in)
	clearServerFields(m)
	text, err := encode(m)
	if err != nil {
		return schema.Rule{}, fmt.Errorf("translate rule: %w", err)
	}
	var r schema.Rule
	if err := json.Unmarshal(text, &r); err != nil {
		return schema.Rule{}, fmt.Errorf("translate rule: %w", err)
	}
	return r, nil
}

// firstServerField is where our .proto files put the fields that are the server's.
const firstServerField = 50

func clearServerFields(m proto.Message) {
	r := m.ProtoReflect()
	r.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if fd.Number() >= firstServerField {
			r.Clear(fd)
		}
		return true
	})
}

// overwrite sets the named fields of r to those of update, lists whole. No names
// mean the fields that update has.
func overwrite(r *schema.Rule, update *pb.Rule, fields []string) error {
	merged, err := ruleToProto(*r)
	if err != nil {
		return err
	}
	to, from := merged.ProtoReflect(), update.ProtoReflect()
	if len(fields) == 0 {
		from.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			fields = append(fields, string(fd.Name()))
			return true
		})
	}
	for _, name := range fields {
		fd := to.Descriptor().Fields().ByName(protoreflect.Name(name))
		switch {
		case fd == nil:
			return &problem{message: fmt.Sprintf("update_mask: a rule has no field %q", name), target: "update_mask"}
		case fd.Number() >= firstServerField || fd.Name() == "type":
			continue // the version is checked by the caller; a type never changes
		case from.Has(fd):
			to.Set(fd, from.Get(fd))
		default:
			to.Clear(fd)
		}
	}
	next, err := ruleFromProto(merged)
	if err != nil {
		return err
	}
	next.ID, next.Version, next.CreatedAt, next.UpdatedAt = r.ID, r.Version, r.CreatedAt, r.UpdatedAt
	next.IsDefault, next.IsDeleted = r.IsDefault, r.IsDeleted
	*r = next
	return nil
}

// A configured object as JSON and its attributes in REST form are one document
// too; what only the server says is beside it.

// fromMessage makes body what a request's attributes say.
func fromMessage(m proto.Message, body any) error {
	m = proto.Clone(m)
	clearServerFields(m)
	text, err := encode(m)
	if err == nil {
		err = json.Unmarshal(text, body)
	}
	if err != nil {
		return fmt.Errorf("translate %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// toMessage makes m the attributes that show body.
func toMessage(body any, m proto.Message) error {
	text, err := json.Marshal(body)
	if err == nil {
		_, err = decode(text, m)
	}
	if err != nil {
		return fmt.Errorf("translate %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// patch replaces what update gives of body's attributes: over REST the keys that
// the request has at the path, else those in mask, and without one those that
// are set.
func patch[T any](ctx context.Context, body *T, update proto.Message, path string, mask []string) error {
	merged := update.ProtoReflect().New()
	if err := toMessage(*body, merged.Interface()); err != nil {
		return err
	}
	from := update.ProtoReflect()
	given := givenIn(ctx, path, update, mask)
	for i := range from.Descriptor().Fields().Len() {
		fd := from.Descriptor().Fields().Get(i)
		has := from.Has(fd)
		switch {
		case fd.Number() >= firstServerField, !given(fd.Name()):
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
	if err := fromMessage(merged.Interface(), &next); err != nil {
		return err
	}
	*body = next
	return nil
}

// givenIn tells which fields a request gives: over REST those whose keys it has
// at the path, else those in mask, and without one those that are set.
func givenIn(ctx context.Context, path string, m proto.Message, mask []string) func(protoreflect.Name) bool {
	x, r := exchangeOf(ctx), m.ProtoReflect()
	return func(name protoreflect.Name) bool {
		fd := r.Descriptor().Fields().ByName(name)
		switch {
		case x != nil:
			return x.keys[join(path, restName(fd))]
		case len(mask) > 0:
			return slices.Contains(mask, string(maskName(fd)))
		}
		return r.Has(fd)
	}
}

// within puts a path before what an *schema.Invalid is about.
func within(path string, err error) error {
	var invalid *schema.Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	out := &schema.Invalid{}
	for _, d := range invalid.Details {
		out.Add(join(path, d.Target), d.Message)
	}
	return out
}

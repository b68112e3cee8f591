package ruledoc

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// A schema.Rule as JSON and a pb.Rule in REST form are the same document, so the
// codec is the translation. TestRuleTranslationIsComplete fails when one of the
// two learns a field that the other lacks.

// ToProto is r as the API shows it.
func ToProto(r schema.Rule) (*pb.Rule, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("translate rule %s: %w", r.ID, err)
	}
	out := new(pb.Rule)
	if err := codec.Decode(text, out); err != nil {
		return nil, fmt.Errorf("translate rule %s: %w", r.ID, err)
	}
	for _, q := range out.Queries {
		if q.Query == nil && q.RuleId == nil && q.DefaultRuleId == nil {
			q.Query = new("")
		}
	}
	// There is one key, hence one author.
	out.CreationAuthorId = api.Author.ID
	out.Creator, out.Updater = &pb.User{Handle: api.Author.Handle, Name: api.Author.Name}, &pb.User{}
	out.Metadata = &pb.RuleMetadata{}
	for _, c := range out.Cases {
		out.Blocking = out.Blocking || len(c.Actions) > 0
	}
	if out.UpdatedAt != nil {
		out.UpdateAuthorId = new(api.Author.ID)
		out.Updater = proto.CloneOf(out.Creator)
	}
	return out, nil
}

// FromProto is the rule that a request describes. What only the server says
// (ids, moments, versions) is not taken over.
func FromProto(in *pb.Rule) (schema.Rule, error) {
	m := proto.CloneOf(in)
	codec.ClearServerFields(m)
	text, err := codec.Encode(m)
	if err != nil {
		return schema.Rule{}, fmt.Errorf("translate rule: %w", err)
	}
	var r schema.Rule
	if err := json.Unmarshal(text, &r); err != nil {
		return schema.Rule{}, fmt.Errorf("translate rule: %w", err)
	}
	return r, nil
}

// Overwrite sets the named fields of r to those of update, lists whole. No names
// mean the fields that update has.
func Overwrite(r *schema.Rule, update *pb.Rule, fields []string) error {
	merged, err := ToProto(*r)
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
			return &api.Error{Message: fmt.Sprintf("update_mask: a rule has no field %q", name), Target: "update_mask"}
		case fd.Number() >= codec.FirstServerField || fd.Name() == "type":
			continue // the version is checked by the caller; a type never changes
		case from.Has(fd):
			to.Set(fd, from.Get(fd))
		default:
			to.Clear(fd)
		}
	}
	next, err := FromProto(merged)
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

package api

import (
	"encoding/json"
	"fmt"

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
	if err := decode(text, out); err != nil {
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

package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// messageOf is the message to decode into: v itself, or what v points to, made
// when there is none yet (that is how the gateway hands over a field).
func messageOf(v any) (proto.Message, error) {
	if m, ok := v.(proto.Message); ok {
		return m, nil
	}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.Elem().Kind() == reflect.Pointer {
		if p.Elem().IsNil() {
			p.Elem().Set(reflect.New(p.Type().Elem().Elem()))
		}
		if m, ok := p.Elem().Interface().(proto.Message); ok {
			return m, nil
		}
	}
	return nil, fmt.Errorf("codec: cannot decode into %T", v)
}

// read decodes one body into v, and tells x what it has. An empty one leaves v as it is.
func read(x *api.Exchange, r io.Reader, v any) error {
	text, err := io.ReadAll(r)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return &api.Error{Code: api.CodeTooLarge, Message: fmt.Sprintf("the body is larger than %d MiB", tooLarge.Limit>>20)}
		}
		return fmt.Errorf("read body: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return io.EOF // the gateway takes it as an empty message
	}
	m, err := messageOf(v)
	if err != nil {
		return err
	}
	d, err := decodeBody(text, m)
	if err != nil {
		return err
	}
	x.Present, x.Keys = append(x.Present, d.present...), d.keys
	if grows(m) {
		return nil
	}
	return api.NewRuleError(x.Path, d.strict())
}

// grows reports whether a message is of programs that may be newer than this one: what
// they say beyond what is known here is passed over, as everywhere between an agent and
// its server.
func grows(m proto.Message) bool {
	switch m.(type) {
	case *pb.AgentSync, *pb.EnrollAgentRequest:
		return true
	}
	return false
}

// strict is an error that names every key of the document that is none: one
// that is passed over would make another document of it.
func (d *decoder) strict() error {
	if len(d.unknown) == 0 {
		return nil
	}
	return &api.Error{Message: "Unknown keys", Details: d.unknown, Placed: true, Label: "input_validation_error"}
}

// Decode reads text, one JSON object, into m. Keys that no field has are passed over.
func Decode(text []byte, m proto.Message) error {
	_, err := decodeBody(text, m)
	return err
}

// DecodeStrict reads text as REST reads a body: a key that no field has is an error.
func DecodeStrict(text []byte, m proto.Message) error {
	d, err := decodeBody(text, m)
	if err != nil {
		return err
	}
	return d.strict()
}

// decodeBody reads as decode does, and returns what was noticed.
func decodeBody(text []byte, m proto.Message) (*decoder, error) {
	if err := checkSyntax(text); err != nil {
		return nil, err
	}
	d := &decoder{json: json.NewDecoder(bytes.NewReader(text)), keys: map[string]bool{}}
	d.json.UseNumber()
	return d, d.message(m.ProtoReflect(), "")
}

// checkSyntax says where the JSON breaks, as line:column.
func checkSyntax(text []byte) error {
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return &api.Error{Message: "broken JSON: " + err.Error()}
	}
	before := text[:max(0, min(int(syntax.Offset)-1, len(text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return &api.Error{Message: fmt.Sprintf("%d:%d: broken JSON: %s", line, column, syntax)}
}

type decoder struct {
	json *json.Decoder
	// present are the proto names of the fields that the outermost object has.
	present []string
	// keys are the paths of all keys.
	keys map[string]bool
	// unknown are the keys that no field has.
	unknown []schema.Detail
}

// maxUnknown bounds how many unknown keys are reported.
const maxUnknown = 20

func (d *decoder) message(m protoreflect.Message, path string) error {
	t, err := d.json.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return wrongKind(path, "an object", t)
	}
	keys := keysOfMessage(m.Descriptor())
	for d.json.More() {
		t, err := d.json.Token()
		if err != nil {
			return err
		}
		key := t.(string) // the syntax is checked
		at := Join(path, key)
		fd := keys.fields[key]
		if fd != nil && d.keys != nil {
			d.keys[at] = true
		}
		if fd == nil {
			if bad := keys.unknown(at, key); bad != nil && len(d.unknown) < maxUnknown {
				d.unknown = append(d.unknown, *bad)
			}
			if err := d.json.Decode(new(json.RawMessage)); err != nil {
				return err
			}
			continue
		}
		null, err := d.field(m, fd, at)
		if err != nil {
			return err
		}
		if path == "" && (!null || fd.IsList() || fd.Message() != nil) {
			d.present = append(d.present, string(maskName(fd)))
		}
	}
	_, err = d.json.Token()
	return err
}

// field reads the value of one field. null clears it; null for a list or an
// object counts as present, for a scalar as absent.
func (d *decoder) field(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) (null bool, err error) {
	m.Clear(fd) // of duplicate keys the last wins
	if TypedOf(fd) != nil && !fd.IsList() {
		var raw json.RawMessage
		if err := d.json.Decode(&raw); err != nil {
			return false, err
		}
		m.Set(fd, protoreflect.ValueOfString(string(raw)))
		return false, nil
	}
	switch {
	case fd.IsMap():
		return d.mapField(m, fd, path)
	case fd.IsList():
		return d.list(m, fd, path)
	case isAny(fd):
		v, err := d.anyValue(path)
		if err == nil {
			m.Set(fd, protoreflect.ValueOfMessage(v.ProtoReflect()))
		}
		return false, err
	case fd.Message() != nil:
		return d.object(m, fd, path)
	}
	t, err := d.json.Token()
	if err != nil || t == nil {
		return true, err
	}
	v, err := scalar(fd, t, path)
	if err != nil {
		return false, err
	}
	m.Set(fd, v)
	return false, nil
}

func (d *decoder) object(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) (null bool, err error) {
	var raw json.RawMessage
	if err := d.json.Decode(&raw); err != nil {
		return false, err
	}
	if string(raw) == "null" {
		return true, nil
	}
	return false, d.inside(raw, func(inner *decoder) error { return inner.message(m.Mutable(fd).Message(), path) })
}

// inside decodes a value whose text was read first, to see whether it is null.
func (d *decoder) inside(raw json.RawMessage, read func(*decoder) error) error {
	inner := &decoder{json: json.NewDecoder(bytes.NewReader(raw)), unknown: d.unknown, keys: d.keys}
	inner.json.UseNumber()
	err := read(inner)
	d.unknown = inner.unknown
	return err
}

func (d *decoder) list(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) (null bool, err error) {
	t, err := d.json.Token()
	if err != nil || t == nil {
		return true, err
	}
	if t != json.Delim('[') {
		return false, wrongKind(path, "a list of "+plural(fd), t)
	}
	list := m.Mutable(fd).List()
	for i := 0; d.json.More(); i++ {
		at := path + "[" + strconv.Itoa(i) + "]"
		if fd.Message() != nil {
			e := list.NewElement()
			if err := d.message(e.Message(), at); err != nil {
				return false, err
			}
			list.Append(e)
			continue
		}
		t, err := d.json.Token()
		if err != nil {
			return false, err
		}
		v, err := scalar(fd, t, at)
		if err != nil {
			return false, err
		}
		list.Append(v)
	}
	_, err = d.json.Token()
	return false, err
}

// mapField reads a map with string keys.
func (d *decoder) mapField(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) (null bool, err error) {
	t, err := d.json.Token()
	if err != nil || t == nil {
		return true, err
	}
	if t != json.Delim('{') {
		return false, wrongKind(path, "an object", t)
	}
	entries := m.Mutable(fd).Map()
	for d.json.More() {
		t, err := d.json.Token()
		if err != nil {
			return false, err
		}
		key := t.(string)
		at := Join(path, key)
		if fd.MapValue().Message() != nil {
			v, err := d.anyValue(at)
			if err != nil {
				return false, err
			}
			entries.Set(protoreflect.ValueOfString(key).MapKey(), protoreflect.ValueOfMessage(v.ProtoReflect()))
			continue
		}
		if t, err = d.json.Token(); err != nil {
			return false, err
		}
		v, err := scalar(fd.MapValue(), t, at)
		if err != nil {
			return false, err
		}
		entries.Set(protoreflect.ValueOfString(key).MapKey(), v)
	}
	_, err = d.json.Token()
	return false, err
}

// isAny tells a field that holds any JSON value.
func isAny(fd protoreflect.FieldDescriptor) bool {
	return fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Value"
}

// anyValue reads any JSON value, the only message that our maps hold.
func (d *decoder) anyValue(path string) (*structpb.Value, error) {
	var raw json.RawMessage
	if err := d.json.Decode(&raw); err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, &api.Error{Message: path + ": " + err.Error()}
	}
	out, err := structpb.NewValue(v)
	if err != nil {
		return nil, &api.Error{Message: path + ": " + err.Error()}
	}
	return out, nil
}

// scalar is the token as a value of the field.
func scalar(fd protoreflect.FieldDescriptor, t json.Token, path string) (protoreflect.Value, error) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		switch v := t.(type) {
		case string:
			return protoreflect.ValueOfString(v), nil
		case json.Number:
			if HasOption(fd, pb.E_Text) {
				return protoreflect.ValueOfString(v.String()), nil
			}
		case bool:
			if HasOption(fd, pb.E_Text) {
				return protoreflect.ValueOfString(strconv.FormatBool(v)), nil
			}
		}
	case protoreflect.BoolKind:
		if v, ok := t.(bool); ok {
			return protoreflect.ValueOfBool(v), nil
		}
	case protoreflect.DoubleKind:
		if n, ok := t.(json.Number); ok {
			if f, err := n.Float64(); err == nil {
				return protoreflect.ValueOfFloat64(f), nil
			}
			return protoreflect.Value{}, outOfRange(path, n.String(), "a double")
		}
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint64Kind:
		if n, ok := t.(json.Number); ok {
			return integer(fd, n.String(), path)
		}
	}
	return protoreflect.Value{}, wrongKind(path, singular(fd), t)
}

// integer reads a whole number; 900.0 and 9e2 are the same one.
func integer(fd protoreflect.FieldDescriptor, text, path string) (protoreflect.Value, error) {
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") {
		if f != math.Trunc(f) {
			return protoreflect.Value{}, &api.Error{Message: path + ": want a whole number, got " + text, Target: path}
		}
		if math.Abs(f) < 1<<53 {
			text = strconv.FormatInt(int64(f), 10)
		}
	}
	switch fd.Kind() {
	case protoreflect.Int32Kind:
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			return protoreflect.ValueOfInt32(int32(n)), nil
		}
		return protoreflect.Value{}, outOfRange(path, text, "32 bits")
	case protoreflect.Uint64Kind:
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return protoreflect.ValueOfUint64(n), nil
		}
		return protoreflect.Value{}, outOfRange(path, text, "64 bits without a sign")
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return protoreflect.ValueOfInt64(n), nil
	}
	return protoreflect.Value{}, outOfRange(path, text, "64 bits")
}

func outOfRange(path, text, room string) error {
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return &api.Error{Message: path + ": " + text + " does not fit in " + room, Target: path}
}

func wrongKind(path, want string, got json.Token) error {
	place := path
	if place == "" {
		place = "body"
	}
	return &api.Error{Message: place + ": want " + want + ", got " + kindOf(got), Target: path}
}

func kindOf(t json.Token) string {
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return "a list"
		}
		return "an object"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	}
	return "null"
}

func singular(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return "a string"
	case protoreflect.BoolKind:
		return "a boolean"
	case protoreflect.MessageKind:
		return "an object"
	}
	return "a number"
}

func plural(fd protoreflect.FieldDescriptor) string {
	s := singular(fd)
	return s[strings.IndexByte(s, ' ')+1:] + "s"
}

// Join is the path of a key within the object at a path; "" is the document itself.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

package codec

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	pb "nightjar/api/v1"
)

// Any JSON is kept as its text in our messages, because a Struct holds numbers
// as doubles and keys in no order. REST shows that text; gRPC carries it in the
// field that the option raw_json names, and this file is the way between.

// typedFields remembers what TypedOf said of a field: to read its options takes a tenth of
// the time that a list of signals is written in.
var typedFields sync.Map

// TypedOf is the field whose JSON text fd holds, nil when it holds none.
func TypedOf(fd protoreflect.FieldDescriptor) protoreflect.FieldDescriptor {
	known, ok := typedFields.Load(fd)
	if !ok {
		name, _ := proto.GetExtension(fd.Options(), pb.E_RawJson).(string)
		known, _ = typedFields.LoadOrStore(fd, fd.ContainingMessage().Fields().ByName(protoreflect.Name(name)))
	}
	typed, _ := known.(protoreflect.FieldDescriptor)
	return typed
}

// TypedOfTexts makes the typed fields of m of the texts, for an answer over gRPC.
func TypedOfTexts(m protoreflect.Message) error {
	return eachText(m, func(m protoreflect.Message, text, typed protoreflect.FieldDescriptor) error {
		if !m.Has(text) {
			return nil
		}
		if text.IsList() {
			from, to := m.Get(text).List(), m.Mutable(typed).List()
			for i := range from.Len() {
				e := to.NewElement()
				if err := Structured(from.Get(i).String(), e.Message().Interface()); err != nil {
					return err
				}
				to.Append(e)
			}
		} else if err := Structured(m.Get(text).String(), m.Mutable(typed).Message().Interface()); err != nil {
			return err
		}
		m.Clear(text)
		return nil
	})
}

// TextsOfTyped makes the texts of the typed fields of m, for a request over gRPC.
func TextsOfTyped(m protoreflect.Message) error {
	return eachText(m, func(m protoreflect.Message, text, typed protoreflect.FieldDescriptor) error {
		switch {
		case m.Has(text):
			return api.BadRequest(string(text.Name()), "this is REST's; over gRPC give %s", typed.Name())
		case !m.Has(typed) || typed.IsList():
			return nil
		}
		out, err := m.Get(typed).Message().Interface().(json.Marshaler).MarshalJSON()
		if err != nil {
			return api.BadRequest(string(typed.Name()), "%s", err)
		}
		m.Set(text, protoreflect.ValueOfString(string(out)))
		m.Clear(typed)
		return nil
	})
}

// eachText visits the fields that hold JSON text, in m and all messages in it.
func eachText(m protoreflect.Message, visit func(m protoreflect.Message, text, typed protoreflect.FieldDescriptor) error) error {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if typed := TypedOf(fd); typed != nil {
			if err := visit(m, fd, typed); err != nil {
				return fmt.Errorf("%s: %w", fd.FullName(), err)
			}
		}
	}
	var err error
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			if isOurs(fd.MapValue()) {
				v.Map().Range(func(_ protoreflect.MapKey, e protoreflect.Value) bool {
					err = eachText(e.Message(), visit)
					return err == nil
				})
			}
		case !isOurs(fd):
		case fd.IsList():
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = eachText(v.List().Get(i).Message(), visit)
			}
		default:
			err = eachText(v.Message(), visit)
		}
		return err == nil
	})
	return err
}

// isOurs tells a field of messages that we declare.
func isOurs(fd protoreflect.FieldDescriptor) bool {
	return fd.Message() != nil && fd.Message().FullName().Parent() == "nightjar.v1"
}

// Structured reads JSON text into a Struct, ListValue or Value.
func Structured(text string, into proto.Message) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	value, err := structpb.NewValue(doubles(v))
	if err != nil {
		return err
	}
	switch into := into.(type) {
	case *structpb.Struct:
		into.Fields = value.GetStructValue().GetFields()
	case *structpb.ListValue:
		into.Values = value.GetListValue().GetValues()
	case *structpb.Value:
		into.Kind = value.Kind
	}
	return nil
}

// doubles makes numbers of v doubles; those that a double does not hold become
// their text, so that no digit is lost.
func doubles(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = doubles(e)
		}
	case []any:
		for i, e := range v {
			v[i] = doubles(e)
		}
	case json.Number:
		f, err := v.Float64()
		if n, whole := v.Int64(); whole == nil && int64(f) == n && math.Abs(f) < 1<<63 {
			return f
		}
		if err != nil || !strings.ContainsAny(v.String(), ".eE") && strconv.FormatFloat(f, 'f', -1, 64) != v.String() {
			return v.String()
		}
		return f
	}
	return v
}

package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	pb "nightjar/api/v1"
)

// Encode writes m.
func Encode(m proto.Message) ([]byte, error) {
	var e encoder
	if err := e.message(m.ProtoReflect()); err != nil {
		return nil, err
	}
	return e.out, nil
}

type encoder struct{ out []byte }

func (e *encoder) message(m protoreflect.Message) error {
	if v, ok := m.Interface().(*structpb.Value); ok {
		text, err := json.Marshal(v.AsInterface())
		e.out = append(e.out, text...)
		return err
	}
	e.out = append(e.out, '{')
	fields := m.Descriptor().Fields()
	first := true
	for i := range fields.Len() {
		fd := fields.Get(i)
		if IsOnlyGRPC(fd) {
			continue
		}
		null := HasOption(fd, pb.E_NullEmpty) && !m.Has(fd)
		if !null && !isShown(m, fd) {
			continue
		}
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		e.string(Key(fd))
		e.out = append(e.out, ':')
		if null {
			e.out = append(e.out, "null"...)
			continue
		}
		if err := e.field(fd, m.Get(fd)); err != nil {
			return fmt.Errorf("%s: %w", fd.FullName(), err)
		}
	}
	e.out = append(e.out, '}')
	return nil
}

// encodeList writes an answer that is a list, and no object around it.
func encodeList(list reflect.Value) ([]byte, error) {
	out := []byte{'['}
	for i := range list.Len() {
		text, err := Encode(list.Index(i).Interface().(proto.Message))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, bytes.TrimSpace(text)...)
	}
	return append(out, ']'), nil
}

// isShown tells whether an answer has the field at all.
func isShown(m protoreflect.Message, fd protoreflect.FieldDescriptor) bool {
	if m.Has(fd) {
		return true
	}
	return !fd.HasPresence() && !fd.IsMap() && !HasOption(fd, pb.E_OmitEmpty)
}

func (e *encoder) field(fd protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch {
	case fd.IsMap():
		return e.mapField(fd, v.Map())
	case fd.IsList():
		list := v.List()
		e.out = append(e.out, '[')
		for i := range list.Len() {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			if err := e.value(fd, list.Get(i)); err != nil {
				return err
			}
		}
		e.out = append(e.out, ']')
		return nil
	}
	return e.value(fd, v)
}

func (e *encoder) mapField(fd protoreflect.FieldDescriptor, entries protoreflect.Map) error {
	var err error
	e.out = append(e.out, '{')
	first := true
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		e.string(k.String())
		e.out = append(e.out, ':')
		err = e.value(fd.MapValue(), v)
		return err == nil
	})
	e.out = append(e.out, '}')
	return err
}

func (e *encoder) value(fd protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if TypedOf(fd) == nil {
			e.string(v.String())
			return nil
		}
		if !json.Valid([]byte(v.String())) {
			return errors.New("not JSON")
		}
		e.out = append(e.out, v.String()...)
	case protoreflect.BoolKind:
		e.out = strconv.AppendBool(e.out, v.Bool())
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		e.out = strconv.AppendInt(e.out, v.Int(), 10)
	case protoreflect.Uint64Kind:
		e.out = strconv.AppendUint(e.out, v.Uint(), 10)
	case protoreflect.DoubleKind:
		f := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			e.out = append(e.out, "null"...)
			return nil
		}
		e.out = strconv.AppendFloat(e.out, f, 'g', -1, 64)
	case protoreflect.MessageKind:
		return e.message(v.Message())
	default:
		return fmt.Errorf("codec: no JSON for %s", fd.Kind())
	}
	return nil
}

func (e *encoder) string(s string) { e.out = api.AppendQuoted(e.out, s) }

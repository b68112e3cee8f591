package codec

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// QueryParser reads URL parameters as the reference names them: `page[size]` is
// the field size of the field page.
type QueryParser struct{}

// Parse sets the fields of m. Parameters that no field has are ignored, like
// unknown keys of a body; the path's own fields are not for the query to set.
func (QueryParser) Parse(m proto.Message, values url.Values, filter *utilities.DoubleArray) error {
	for key, all := range values {
		path := strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(key), ".")
		if filter.HasCommonPrefix(path) {
			continue
		}
		if err := setParameter(m.ProtoReflect(), path, key, all); err != nil {
			return err
		}
	}
	return nil
}

func setParameter(m protoreflect.Message, path []string, key string, values []string) error {
	fd := fieldNamed(m.Descriptor(), path[0])
	if fd == nil || fd.IsMap() {
		return nil
	}
	if fd.Message() != nil {
		if len(path) == 1 || fd.IsList() {
			return nil
		}
		return setParameter(m.Mutable(fd).Message(), path[1:], key, values)
	}
	if len(path) > 1 {
		return nil
	}
	for _, text := range values {
		v, err := scalar(fd, parameterToken(fd, text), key)
		if err != nil {
			return fmt.Errorf("%s: want %s, got %q", key, singular(fd), text)
		}
		if fd.IsList() {
			m.Mutable(fd).List().Append(v)
		} else {
			m.Set(fd, v)
		}
	}
	return nil
}

func fieldNamed(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := d.Fields().ByJSONName(name); fd != nil {
		return fd
	}
	return d.Fields().ByName(protoreflect.Name(name))
}

// parameterToken is the text as JSON would have it for this field.
func parameterToken(fd protoreflect.FieldDescriptor, text string) json.Token {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return text
	case protoreflect.BoolKind:
		if text == "true" || text == "false" {
			return text == "true"
		}
		return text
	}
	return json.Number(text)
}

package codec

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

// restKeys are the keys of a message over REST.
type restKeys struct {
	fields map[string]protoreflect.FieldDescriptor
	// names are the keys of fields. known are keys that the reference's servers write and
	// that mean nothing here: they are accepted.
	names, known []string
}

var keysByMessage sync.Map // protoreflect.FullName → *restKeys

func keysOfMessage(d protoreflect.MessageDescriptor) *restKeys {
	if k, ok := keysByMessage.Load(d.FullName()); ok {
		return k.(*restKeys)
	}
	k := &restKeys{fields: map[string]protoreflect.FieldDescriptor{}}
	for i := range d.Fields().Len() {
		if fd := d.Fields().Get(i); !IsOnlyGRPC(fd) {
			k.fields[Key(fd)] = fd
			k.names = append(k.names, Key(fd))
		}
	}
	k.known, _ = proto.GetExtension(d.Options(), pb.E_Known).([]string)
	keysByMessage.Store(d.FullName(), k)
	return k
}

// Key is the key of a field over REST.
func Key(fd protoreflect.FieldDescriptor) string {
	if typed := TypedOf(fd); typed != nil {
		return typed.JSONName()
	}
	return fd.JSONName()
}

// maskName is how a mask names a field.
func maskName(fd protoreflect.FieldDescriptor) protoreflect.Name {
	if typed := TypedOf(fd); typed != nil {
		return typed.Name()
	}
	return fd.Name()
}

// IsOnlyGRPC tells a field that REST shows by the text of another.
func IsOnlyGRPC(fd protoreflect.FieldDescriptor) bool {
	fields := fd.ContainingMessage().Fields()
	for i := range fields.Len() {
		if TypedOf(fields.Get(i)) == fd {
			return true
		}
	}
	return false
}

// unknown says that no field has the key, and which was probably meant; nil for
// a key that is accepted and means nothing.
func (k *restKeys) unknown(path, key string) *schema.Detail {
	if slices.Contains(k.known, key) {
		return nil
	}
	inside := map[string][]string{}
	for name, fd := range k.fields {
		if isOurs(fd) && !fd.IsMap() && !fd.IsList() {
			inside[name] = keysOfMessage(fd.Message()).names
		}
	}
	return new(schema.UnknownKey(path, key, k.names, inside))
}

// HasOption reports whether a field has an option of wire.proto that is yes or no.
func HasOption(fd protoreflect.FieldDescriptor, option protoreflect.ExtensionType) bool {
	set, _ := proto.GetExtension(fd.Options(), option).(bool)
	return set
}

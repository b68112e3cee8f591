package api

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
	// names are the keys that fields have; known ones are the reference's, too.
	names, known []string
}

var keysByMessage sync.Map // protoreflect.FullName → *restKeys

func keysOfMessage(d protoreflect.MessageDescriptor) *restKeys {
	if k, ok := keysByMessage.Load(d.FullName()); ok {
		return k.(*restKeys)
	}
	k := &restKeys{fields: map[string]protoreflect.FieldDescriptor{}}
	for i := range d.Fields().Len() {
		if fd := d.Fields().Get(i); !overGRPC(fd) {
			k.fields[restName(fd)] = fd
			k.names = append(k.names, restName(fd))
		}
	}
	k.known, _ = proto.GetExtension(d.Options(), pb.E_Known).([]string)
	keysByMessage.Store(d.FullName(), k)
	return k
}

// restName is the key of a field over REST.
func restName(fd protoreflect.FieldDescriptor) string {
	if typed := textOf(fd); typed != nil {
		return typed.JSONName()
	}
	return fd.JSONName()
}

// maskName is how a mask names a field.
func maskName(fd protoreflect.FieldDescriptor) protoreflect.Name {
	if typed := textOf(fd); typed != nil {
		return typed.Name()
	}
	return fd.Name()
}

// overGRPC tells a field that REST shows by the text of another.
func overGRPC(fd protoreflect.FieldDescriptor) bool {
	fields := fd.ContainingMessage().Fields()
	for i := range fields.Len() {
		if textOf(fields.Get(i)) == fd {
			return true
		}
	}
	return false
}

// unknown says that no field has the key, and which was probably meant; nil for
// a key that is known and means nothing.
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

func hasOption(fd protoreflect.FieldDescriptor, option protoreflect.ExtensionType) bool {
	set, _ := proto.GetExtension(fd.Options(), option).(bool)
	return set
}

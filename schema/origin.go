package schema

import "strings"

// OriginKeys are the reserved fields that say where an event came from. They travel
// with what is made of an event as tags of these keys.
var OriginKeys = []string{"source", "service", "host"}

// IsOrigin reports whether a tag says where an event came from.
func IsOrigin(tag string) bool {
	key, value, ok := strings.Cut(tag, ":")
	return ok && value != "" && (key == OriginKeys[0] || key == OriginKeys[1] || key == OriginKeys[2])
}

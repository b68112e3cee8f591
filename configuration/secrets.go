package configuration

import (
	"errors"

	"nightjar/configuration/outbound"
	"nightjar/schema"
)

// SecretUser is what names secrets, and has them sent to its address.
type SecretUser interface {
	Named() outbound.Named
	Address() string
}

// CheckSecrets says why what names secrets may not be written, as *schema.InvalidError:
// the operator lets one go elsewhere only. unsaid are the names of secrets of which the
// operator said nothing, so that only who has power over secrets may name them. What was
// there before (nil: nothing) may stay at its address; it is looked at when it is sent.
func CheckSecrets(s outbound.Secrets, next, before SecretUser) (unsaid []string, err error) {
	named := next.Named()
	var left []string
	switch {
	case before == nil:
	case before.Address() == next.Address():
		for field, reference := range before.Named() {
			if named[field] == reference {
				delete(named, field)
			}
		}
	case outbound.IsKept(before.Address()):
		// The address that is kept is written over before the target is: until that, what the
		// target named goes to the new one.
		left, err = s.Check(before.Named(), "")
	}
	if err == nil {
		unsaid, err = s.Check(named, next.Address())
	}
	if place := (*outbound.PlaceError)(nil); errors.As(err, &place) {
		return nil, &schema.InvalidError{Details: []schema.Detail{{Target: place.Field, Message: place.Error()}}}
	}
	if err != nil {
		return nil, &schema.InvalidError{Details: []schema.Detail{{Target: "url", Message: err.Error()}}}
	}
	return append(unsaid, left...), nil
}

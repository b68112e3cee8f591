package access

import (
	"context"
	"fmt"
)

// Caller is who makes a call.
type Caller struct {
	// ID is that of the key, or of the person's session; empty: nobody.
	ID string
	// Name is that of the key, or the person's.
	Name string
	Role Role
	// Kind is what the caller showed.
	Kind Kind
	// Rate is how many calls a second the key may make; 0: as many as any.
	Rate float64
	// Agent is the enrolled agent whose key it is; empty: nobody's.
	Agent string
}

// Kind is what a caller came with.
type Kind string

// The kinds of callers.
const (
	Nobody          Kind = ""
	WithKey         Kind = "key"
	WithSession     Kind = "session"
	WithCertificate Kind = "certificate"
)

type callerKey struct{}

// With is a context in which the call is the caller's.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Of is the caller of a call; the zero Caller where nobody was asked.
func Of(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Check is nil where the caller has the permission, or a *DeniedError.
func (c Caller) Check(p Permission) error {
	if c.Role.May(p) && (c.Agent == "" || p != DownloadAgents) { // an agent's own key tells its own policies only
		return nil
	}
	if c.Kind == Nobody {
		return &DeniedError{Reason: NoKey}
	}
	return &DeniedError{Reason: NotAllowed, Caller: c, Need: p}
}

// Permissions are all that Check lets the caller have, in the order of the alphabet,
// without Open, which everybody has.
func (c Caller) Permissions() (out []Permission) {
	for _, p := range permissions {
		if c.Check(p) == nil {
			out = append(out, p)
		}
	}
	return out
}

// Reason is why a call is refused.
type Reason string

// The reasons.
const (
	NoKey      Reason = "no key"
	WrongKey   Reason = "wrong key"
	ExpiredKey Reason = "expired key"
	UsedUp     Reason = "used up" // an enrolment token, by those who enrolled with it
	NotAllowed Reason = "not allowed"
	ForgedForm Reason = "not from our page"
	// NoCertificate is of a shipper or an agent that came with its key alone.
	NoCertificate Reason = "no certificate"
)

// DeniedError refuses a call for want of a key, or of a permission.
type DeniedError struct {
	Reason Reason
	// Caller is who was refused, as far as that is known, and Need what it lacks.
	Caller Caller
	Need   Permission
}

func (d *DeniedError) Error() string {
	switch d.Reason {
	case NoKey:
		return "Unauthorized: send the API key in the header DD-API-KEY, or as Authorization: Bearer"
	case ExpiredKey:
		return fmt.Sprintf("Forbidden: the key %q has expired; an administrator rotates it (nightjar keys rotate)", d.Caller.Name)
	case UsedUp:
		return fmt.Sprintf("Forbidden: as many agents have enrolled with the token %q as may; an administrator makes another (nightjar agents token)", d.Caller.Name)
	case NotAllowed:
		return fmt.Sprintf("Forbidden: this needs the permission %s, which the role %s has not", d.Need, d.Caller.Role)
	case NoCertificate:
		return fmt.Sprintf("Forbidden: the key %q lets in together with a client's certificate only", d.Caller.Name)
	case ForgedForm:
		return "Forbidden: this did not come from the engine's own page; sign in again, or send a key"
	}
	return "Forbidden"
}

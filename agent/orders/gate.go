package orders

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"time"
)

// Gate decides which orders an agent accepts. What was accepted last is all that it has to
// know: an agent keeps that, and resumes with it. Methods are called from one goroutine.
type Gate struct {
	agent   string
	key     ed25519.PublicKey
	last    Orders // with Sequence 0: none yet
	payload []byte // of last
}

// NewGate is the gate of an agent whose server's key is the one it learned when it enrolled.
func NewGate(agent string, key ed25519.PublicKey) *Gate { return &Gate{agent: agent, key: key} }

// Resume takes what was accepted before a restart. Whether it has expired does not matter:
// it was accepted in time.
func (g *Gate) Resume(s Signed) (Orders, error) { return g.take(s) }

// Accept returns orders that were sent, or refuses them with a *RefusedError. The last
// ones again are accepted, and are nothing new.
func (g *Gate) Accept(s Signed, now time.Time) (Orders, error) {
	o, err := g.examine(s)
	if err != nil {
		return Orders{}, err
	}
	if !now.Before(o.Expires) {
		return Orders{}, refuse(Expired, "they could be accepted until %s", o.Expires.Format(time.RFC3339))
	}
	return g.take(s)
}

// Last are the orders that were accepted last; their Sequence is 0 where none were.
func (g *Gate) Last() Orders { return g.last }

func (g *Gate) take(s Signed) (Orders, error) {
	o, err := g.examine(s)
	if err != nil {
		return Orders{}, err
	}
	g.last, g.payload = o, bytes.Clone(s.Payload)
	return o, nil
}

func (g *Gate) examine(s Signed) (Orders, error) {
	if err := s.verify(g.key); err != nil {
		return Orders{}, err
	}
	o, err := read(s.Payload)
	switch {
	case err != nil:
		return o, refuse(Malformed, "%v", err)
	case o.Agent != g.agent:
		return o, refuse(OfAnother, "they are for agent %.60q", o.Agent)
	case o.Sequence < g.last.Sequence:
		return o, refuse(Older, "their sequence is %d, and %d was accepted", o.Sequence, g.last.Sequence)
	case o.Sequence == g.last.Sequence && !bytes.Equal(s.Payload, g.payload):
		return o, refuse(Older, "other orders of sequence %d were accepted", o.Sequence)
	case o.Policies.Version < g.last.Policies.Version:
		return o, refuse(Older, "their policies have version %d, and %d was accepted", o.Policies.Version, g.last.Policies.Version)
	}
	return o, nil
}

// Reason is why orders are refused.
type Reason string

// The reasons.
const (
	BadSignature Reason = "bad_signature" // not signed by the server's key
	Malformed    Reason = "malformed"     // signed, and nobody can follow them
	OfAnother    Reason = "of_another"    // for another agent
	Older        Reason = "older"         // than orders, or policies, that were accepted
	Expired      Reason = "expired"       // too late
)

// RefusedError are orders that an agent does not accept.
type RefusedError struct {
	Reason Reason
	Detail string
}

func (r *RefusedError) Error() string {
	return fmt.Sprintf("orders refused (%s): %s", r.Reason, r.Detail)
}

func refuse(why Reason, format string, args ...any) error {
	return &RefusedError{Reason: why, Detail: fmt.Sprintf(format, args...)}
}

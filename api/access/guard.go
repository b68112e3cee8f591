package access

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"nightjar/api/access/audit"
)

// Guard decides of every call whether it may be made, and has it written down.
type Guard struct {
	Keys   *Keys
	Limits *Limits
	Audit  Recorder
	// Sessions is who signed in, of those who send no key; nil: nobody can.
	Sessions func(Knock) (Caller, bool, error)
	// RequireCertificate says that keys of shippers and agents let in together with a
	// client's certificate only.
	RequireCertificate bool
}

// Recorder writes down what callers do. *audit.Log is one.
type Recorder interface {
	// Write keeps an entry before anything is done; Note and Refuse wait for nothing.
	Write(e audit.Entry) error
	Note(e audit.Entry)
	Refuse(e audit.Entry)
}

// Knock is a call that has just come, before it is read.
type Knock struct {
	Sent Sent
	// Session is what a browser's request carries (an *http.Request); nil over gRPC.
	Session any
	// Certificate is who showed a client certificate that is trusted; the zero Caller: nobody.
	Certificate Caller
	// Action names the call: the method's full name, or a path.
	Action  string
	Address string // host and port
	Request string // X-Request-Id
}

// LimitedError asks a caller to come back later.
type LimitedError struct{ After time.Duration }

func (l *LimitedError) Error() string {
	return "this key makes more calls a second than it may; wait as long as Retry-After says"
}

// Admit is who makes a call, or why they may not, as *DeniedError or *LimitedError. It
// waits for nothing.
func (g *Guard) Admit(k Knock) (Caller, error) {
	c, err := g.who(k)
	if err == nil && g.RequireCertificate && c.needsCertificate() && k.Certificate.Kind == Nobody {
		err = &DeniedError{Reason: NoCertificate, Caller: c}
	}
	if err == nil {
		if wait := g.Limits.Take(c); wait > 0 {
			err = &LimitedError{wait}
		}
	}
	if err != nil {
		g.refuse(k, c, err)
	}
	return c, err
}

func (g *Guard) who(k Knock) (Caller, error) {
	if len(k.Sent.Keys) == 0 {
		if g.Sessions != nil && k.Session != nil {
			if c, ok, err := g.Sessions(k); ok || err != nil {
				return c, err
			}
		}
		if k.Certificate.Kind != Nobody {
			return k.Certificate, nil
		}
	}
	return g.Keys.Admit(k.Sent)
}

// Check is nil where the caller may make the call. What has no row in the table nobody
// may.
func (g *Guard) Check(k Knock, c Caller, e Endpoint, ok bool) error {
	err := error(&DeniedError{Reason: NotAllowed, Caller: c, Need: "none that there is"})
	if ok {
		err = c.Check(e.Need)
	}
	if err != nil {
		g.refuse(k, c, err)
	}
	return err
}

func (g *Guard) refuse(k Knock, c Caller, err error) {
	reason := ""
	var denied *DeniedError
	switch {
	case errors.As(err, &denied) && denied.Reason == NotAllowed:
		reason = fmt.Sprintf("%s: %s", denied.Reason, denied.Need)
	case errors.As(err, &denied):
		reason = string(denied.Reason)
	case errors.As(err, new(*LimitedError)):
		reason = "too many calls"
	}
	e := entry(k.Action, c, k.Address, k.Request)
	e.Detail = reason
	g.Audit.Refuse(e)
}

// ShortName is a method as people know it: RuleService/CreateRule.
func ShortName(method string) string { return strings.TrimPrefix(method, "/nightjar.v1.") }

func entry(action string, c Caller, address, request string) audit.Entry {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return audit.Entry{Action: ShortName(action), CallerID: c.ID, Caller: c.Name, Role: string(c.Role), Address: address, Request: request}
}

// Deed is a call that is written down.
type Deed struct {
	Noted            Noted
	Action           string
	Address, Request string
	// Object is what it is about, as far as that is known before; Detail says more.
	Object, Detail string
}

// UnwrittenError refuses what could not be written down, and so was not done.
type UnwrittenError struct{ Err error }

func (u *UnwrittenError) Error() string {
	return "not done, because it could not be written to the audit log: " + u.Err.Error()
}

// Unwrap returns why.
func (u *UnwrittenError) Unwrap() error { return u.Err }

// Do does something that is written down: that it begins, before it does, and how it
// went. do returns what it was about, where that is known only now (the id of what was
// made).
func (g *Guard) Do(ctx context.Context, d Deed, do func() (object string, err error)) error {
	if d.Noted == Quiet {
		_, err := do()
		return err
	}
	e := entry(d.Action, Of(ctx), d.Address, d.Request)
	e.Kind, e.Object, e.Detail, e.Outcome = string(d.Noted), d.Object, d.Detail, audit.Begun
	if err := g.Audit.Write(e); err != nil {
		return &UnwrittenError{err}
	}
	object, err := do()
	if e.Outcome = audit.Done; err != nil {
		e.Outcome = audit.Failed
	}
	if object != "" {
		e.Object = object
	}
	g.Audit.Note(e)
	return err
}

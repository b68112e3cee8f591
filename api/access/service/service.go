package service

import (
	"fmt"
	"time"

	pb "nightjar/api/v1"

	"nightjar/api/access"
	"nightjar/api/access/signin"
	"nightjar/schema"
)

// Deps are what the services are made of.
type Deps struct {
	Keys  *access.Keys
	Users *signin.Users
	// Sessions are ended by their id, or all of a person; nil: there are none.
	Sessions *signin.Sessions
	Audit    Audit
	Events   Events
	Now      func() time.Time
}

// Services are the services.
type Services struct {
	Callers   pb.CallerServiceServer
	Keys      pb.KeyServiceServer
	Users     pb.UserServiceServer
	Sessions  pb.SessionServiceServer
	Audit     pb.AuditServiceServer
	Deletions pb.DeletionServiceServer
}

// New makes them.
func New(deps Deps) Services {
	return Services{
		Callers:   callers{},
		Keys:      &keys{keys: deps.Keys, sessions: deps.Sessions},
		Users:     &users{users: deps.Users, sessions: deps.Sessions},
		Sessions:  &sessions{sessions: deps.Sessions},
		Audit:     &auditLog{log: deps.Audit, now: deps.Now},
		Deletions: newDeletions(deps.Events, deps.Now),
	}
}

// shown is a moment in an answer; empty where there is none.
func shown(m schema.Millis) string {
	if m == 0 {
		return ""
	}
	return m.String()
}

// duration reads a field that is one; empty: 0.
func duration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := schema.ParseDuration(text)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%q is not in the future", text)
	}
	if err != nil {
		return 0, invalid(field, err.Error())
	}
	return d, nil
}

// moment reads a field that is one; empty: the other.
func moment(field, text string, or schema.Millis, now time.Time) (schema.Millis, error) {
	if text == "" {
		return or, nil
	}
	m, err := schema.ParseMoment(text, now)
	if err != nil {
		return 0, invalid(field, err.Error())
	}
	return m, nil
}

func invalid(target, message string) error {
	return &schema.InvalidError{Details: []schema.Detail{{Target: target, Message: message}}}
}

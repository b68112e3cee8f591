package schema

import (
	"errors"
	"fmt"
	"strings"
)

// InvalidError says everything that is wrong with a document that a user sent. It
// is told to them in full.
type InvalidError struct{ Details []Detail }

// Detail is one thing that is wrong: where, what, and what to write instead.
type Detail struct{ Target, Message string }

// Add appends a detail.
func (i *InvalidError) Add(target, message string) {
	i.Details = append(i.Details, Detail{target, message})
}

// Err is nil when nothing is wrong.
func (i *InvalidError) Err() error {
	if len(i.Details) == 0 {
		return nil
	}
	return i
}

// Error lists the details, the target before each.
func (i *InvalidError) Error() string {
	parts := make([]string, len(i.Details))
	for n, d := range i.Details {
		parts[n] = d.Message
		if d.Target != "" {
			parts[n] = d.Target + ": " + d.Message
		}
	}
	return strings.Join(parts, "; ")
}

// NotFoundError says that there is no object of this kind and id.
type NotFoundError struct{ Kind, ID string }

// Error names the object.
func (n *NotFoundError) Error() string { return "no " + n.Kind + " with id " + n.ID }

// ConflictError says that an object was changed since the caller read it.
type ConflictError struct {
	Kind, ID   string
	Have, Want int64 // versions: the stored one, and the one the caller named
}

// Error names both versions.
func (c *ConflictError) Error() string {
	return fmt.Sprintf("%s %s is at version %d, not %d: read it again and repeat the change", c.Kind, c.ID, c.Have, c.Want)
}

// ErrNoSpace is wrapped by whoever could not save something because its disk is
// full, or takes no writes.
var ErrNoSpace = errors.New("the disk is full")

// ErrUnavailable is wrapped by adapters whose server does not answer just now.
var ErrUnavailable = errors.New("the database does not answer; try again")

package signin

import (
	"context"
	"slices"
	"strings"
	"sync"

	"nightjar/objects"
	"nightjar/schema"
)

// User is a person who signs in with a password.
type User struct {
	Name string `json:"name"`
	Role string `json:"role"`
	// Hash is of the password; it is in no answer.
	Hash string `json:"hash"`
	// Since is when the password or the role last changed: sessions from before it end.
	Since schema.Millis `json:"since"`
	// Disabled keeps them from signing in.
	Disabled bool `json:"disabled,omitempty"`
}

// Kind is the kind of users; isRole reports whether there is a role of that name which
// people may have.
func Kind(isRole func(string) bool) objects.Kind[User] {
	return objects.Kind[User]{
		Name: "user", NewID: schema.NewID,
		Label: func(u *User) string { return u.Name },
		Check: func(u *User) error {
			if u.Name = strings.TrimSpace(u.Name); u.Name == "" || len(u.Name) > 200 || strings.ContainsFunc(u.Name, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
				return invalid("name", "want a name of 1 to 200 bytes, in one line")
			}
			if !isRole(u.Role) {
				return invalid("role", "there is no role "+u.Role+" for people; want reader, analyst, engineer, responder or admin")
			}
			return nil
		},
	}
}

func invalid(target, message string) error {
	return &schema.InvalidError{Details: []schema.Detail{{Target: target, Message: message}}}
}

// StoredUser is a user in their present version.
type StoredUser = objects.Versioned[User]

// Users are the people with a password here. Its methods may be called from several
// goroutines.
type Users struct {
	store *objects.Store[User]
	now   func() schema.Millis

	changes sync.Mutex // held while a user is made, for names are used once
}

// NewUsers makes Users; the store is loaded before anybody is asked for.
func NewUsers(store *objects.Store[User], now func() schema.Millis) *Users {
	return &Users{store: store, now: now}
}

// List are all users, in the order in which they were made.
func (u *Users) List() []StoredUser {
	all, _ := u.store.List(context.Background()) // from memory: never fails
	return all
}

// Named is the user of a name.
func (u *Users) Named(name string) (StoredUser, bool) {
	all := u.List()
	i := slices.IndexFunc(all, func(v StoredUser) bool { return v.Body.Name == name })
	if i < 0 {
		return StoredUser{}, false
	}
	return all[i], true
}

// Create makes a user. Without a password, one is made, and answered this once.
func (u *Users) Create(ctx context.Context, name, role, password string) (StoredUser, string, error) {
	password, err := checked(password)
	if err != nil {
		return StoredUser{}, "", err
	}
	u.changes.Lock()
	defer u.changes.Unlock()
	if _, there := u.Named(strings.TrimSpace(name)); there {
		return StoredUser{}, "", invalid("name", "there is a user of this name")
	}
	v, err := u.store.Create(ctx, User{Name: name, Role: role, Hash: hashPassword(password), Since: u.now()})
	return v, password, err
}

func checked(password string) (string, error) {
	switch {
	case password == "":
		return NewPassword(), nil
	case len(password) < minPassword || len(password) > maxPassword:
		return "", invalid("password", "want 12 to 1024 bytes, or none, to have one made")
	}
	return password, nil
}

// SetPassword gives a user another password, which ends their sessions. Without one, one
// is made, and answered this once.
func (u *Users) SetPassword(ctx context.Context, id, password string) (StoredUser, string, error) {
	password, err := checked(password)
	if err != nil {
		return StoredUser{}, "", err
	}
	hash := hashPassword(password)
	v, err := u.store.Update(ctx, id, 0, func(b *User) error {
		b.Hash, b.Since = hash, u.now()
		return nil
	})
	return v, password, err
}

// SetRole gives a user another role, which ends their sessions.
func (u *Users) SetRole(ctx context.Context, id, role string) (StoredUser, error) {
	return u.store.Update(ctx, id, 0, func(b *User) error {
		b.Role, b.Since = role, u.now()
		return nil
	})
}

// Disable keeps a user from signing in, and ends their sessions.
func (u *Users) Disable(ctx context.Context, id string) (StoredUser, error) {
	return u.store.Update(ctx, id, 0, func(b *User) error {
		b.Disabled, b.Since = true, u.now()
		return nil
	})
}

// Enable lets a disabled user sign in again.
func (u *Users) Enable(ctx context.Context, id string) (StoredUser, error) {
	return u.store.Update(ctx, id, 0, func(b *User) error {
		b.Disabled = false
		return nil
	})
}

// Delete ends a user, and their sessions.
func (u *Users) Delete(ctx context.Context, id string) (StoredUser, error) {
	v, err := u.store.Get(ctx, id)
	if err != nil {
		return v, err
	}
	return v, u.store.Delete(ctx, id)
}

// nobody is what the password of a name that there is not is compared with, so that it
// takes as long.
var nobody = sync.OnceValue(func() string { return hashPassword(NewPassword()) })

// check reports whether the password is the user's, and lets them in.
func (u *Users) check(name, password string) (StoredUser, bool) {
	v, there := u.Named(name)
	if !there {
		isPassword(nobody(), password)
		return v, false
	}
	return v, isPassword(v.Body.Hash, password) && !v.Body.Disabled
}

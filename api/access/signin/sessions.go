package signin

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"nightjar/schema"
	"nightjar/wal"
)

// Local is the provider of those who have a password here.
const Local = "local"

// Session is somebody who signed in.
type Session struct {
	// ID names the session where its token may not be told.
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Role     string        `json:"role"`
	Provider string        `json:"provider"` // Local, or the issuer
	Begun    schema.Millis `json:"begun"`
	Expires  schema.Millis `json:"expires"`
}

// Lifetime is how long a session lasts.
const Lifetime = 12 * time.Hour

// maxSessions bounds how many there are at a time; beyond it the oldest ends.
const maxSessions = 10_000

// Sessions are those that have begun and not ended. Its methods may be called from
// several goroutines.
type Sessions struct {
	path  string
	users *Users
	now   func() time.Time

	writing sync.Mutex // held while the file is written; taken before mu
	mu      sync.Mutex
	byHash  map[string]Session // by the SHA-256 of the token
}

// OpenSessions reads the sessions that the file has; a file that can't be read is an
// error, and one that is not there has none. Users may be nil: nobody has a password.
func OpenSessions(path string, users *Users, now func() time.Time) (*Sessions, error) {
	s := &Sessions{path: path, users: users, now: now, byHash: map[string]Session{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s.byHash)
	}
	if err != nil {
		return nil, fmt.Errorf("read the sessions of those who signed in (delete %s to have all sign in again): %w", path, err)
	}
	return s, nil
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// begin makes a session and its token. It is on disk when it returns.
func (s *Sessions) begin(name, role, provider string) (token string, session Session, err error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token = hex.EncodeToString(secret)
	now := s.now()
	session = Session{ID: rand.Text()[:12], Name: name, Role: role, Provider: provider, Begun: schema.MillisOf(now), Expires: schema.MillisOf(now.Add(Lifetime))}
	if err := s.change(func() {
		s.prune()
		s.byHash[hashOf(token)] = session
	}); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.byHash, hashOf(token))
		return "", session, err
	}
	return token, session, nil
}

// prune forgets sessions that expired, and the oldest of too many.
func (s *Sessions) prune() {
	now := schema.MillisOf(s.now())
	maps.DeleteFunc(s.byHash, func(_ string, v Session) bool { return v.Expires <= now })
	for len(s.byHash) >= maxSessions {
		oldest := ""
		for hash, v := range s.byHash {
			if oldest == "" || v.Begun < s.byHash[oldest].Begun {
				oldest = hash
			}
		}
		delete(s.byHash, oldest)
	}
}

// change changes the sessions and writes the file. Requests are let in meanwhile.
func (s *Sessions) change(edit func()) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	edit()
	text, err := json.Marshal(s.byHash)
	s.mu.Unlock()
	if err == nil {
		err = wal.ReplaceFile(s.path, text)
	}
	if err != nil {
		return fmt.Errorf("write sessions: %w", err)
	}
	return nil
}

// find is the session of a token, unless it ended.
func (s *Sessions) find(token string) (Session, bool) {
	s.mu.Lock()
	v, ok := s.byHash[hashOf(token)]
	s.mu.Unlock()
	if !ok || !s.stands(v) {
		return Session{}, false
	}
	return v, true
}

// stands reports whether a session has neither expired nor been ended by what was done to
// its user.
func (s *Sessions) stands(v Session) bool {
	if v.Expires <= schema.MillisOf(s.now()) {
		return false
	}
	if v.Provider != Local {
		return true
	}
	u, there := s.users.Named(v.Name)
	return there && !u.Body.Disabled && u.Body.Since <= v.Begun && u.Body.Role == v.Role
}

// end ends the session of a token.
func (s *Sessions) end(token string) error {
	return s.change(func() { delete(s.byHash, hashOf(token)) })
}

// List are the sessions that have not ended, the latest first.
func (s *Sessions) List() []Session {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.byHash))
	s.mu.Unlock()
	out := slices.DeleteFunc(all, func(v Session) bool { return !s.stands(v) })
	slices.SortFunc(out, func(a, b Session) int { return cmp.Or(cmp.Compare(b.Begun, a.Begun), cmp.Compare(a.ID, b.ID)) })
	return out
}

// EndAll ends every session of a person, by their name, or one by its id, or, where that is
// empty, those of everybody. It is how many there were.
func (s *Sessions) EndAll(of string) (ended int, err error) {
	err = s.change(func() {
		before := len(s.byHash)
		maps.DeleteFunc(s.byHash, func(_ string, v Session) bool { return of == "" || v.Name == of || v.ID == of })
		ended = before - len(s.byHash)
	})
	return ended, err
}

// cookie is the name of the session's cookie. Under TLS, no other host and no plain page
// can set one of that name.
func cookie(secure bool) string {
	if secure {
		return "__Host-nightjar"
	}
	return "nightjar"
}

// tokenOf is the token that a request carries.
func tokenOf(r *http.Request) string {
	c, err := r.Cookie(cookie(r.TLS != nil))
	if err != nil {
		return ""
	}
	return c.Value
}

// ErrForged refuses what changes something and comes with a cookie, but not from the
// engine's own page.
var ErrForged = errors.New("this did not come from the engine's own page")

// protection is what browsers' requests from elsewhere are known by.
var protection = http.NewCrossOriginProtection()

// Of is the session that a request is of; not ok: of none. What may change something is
// ErrForged where another site's page may have sent it.
func (s *Sessions) Of(r *http.Request) (session Session, ok bool, err error) {
	token := tokenOf(r)
	if token == "" {
		return Session{}, false, nil
	}
	if session, ok = s.find(token); !ok {
		return Session{}, false, nil
	}
	if fromElsewhere(r) {
		return session, false, ErrForged
	}
	return session, true, nil
}

// fromElsewhere reports whether a page of another site may have sent a request that
// changes something. Browsers say where theirs come from; what says nothing has no
// business with a cookie.
func fromElsewhere(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return protection.Check(r) != nil || r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == ""
}

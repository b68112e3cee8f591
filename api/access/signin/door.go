package signin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Attempt is one at signing in, or out.
type Attempt struct {
	Name, Provider string
	Session        Session // of who got in, or out
	Address        string  // without a port
	// Refused says why somebody was refused; empty: they were not.
	Refused string
	Out     bool // they signed out
}

// Door is where people sign in and out.
type Door struct {
	Users    *Users
	Sessions *Sessions
	// Provider is nil where there is none.
	Provider *Provider
	// Note is told of every attempt, before it is answered.
	Note func(context.Context, Attempt)
	Now  func() time.Time
	Log  *slog.Logger

	tries *attempts
	seal  cipher.AEAD
}

// Paths of the endpoints.
const (
	signInPath   = "/api/nightjar/v1/sign-in"
	signOutPath  = "/api/nightjar/v1/sign-out"
	sessionPath  = "/api/nightjar/v1/session"
	startPath    = "/api/nightjar/v1/oidc/start"
	callbackPath = "/api/nightjar/v1/oidc/callback"
)

// CallbackPath is where a provider sends people back to.
const CallbackPath = callbackPath

// Routes are the endpoints. They are open: who calls them has not signed in yet.
func (d *Door) Routes() map[string]http.HandlerFunc {
	d.tries = newAttempts(d.Now)
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails; a sign-in that is under way at a restart begins anew
	block, _ := aes.NewCipher(key)
	d.seal, _ = cipher.NewGCM(block)
	return map[string]http.HandlerFunc{
		"POST " + signInPath: d.signIn, "POST " + signOutPath: d.signOut, "GET " + sessionPath: d.session,
		"GET " + signInPath: d.ways,
		"GET " + startPath:  d.start, "GET " + callbackPath: d.callback,
	}
}

const maxBody = 16 << 10

// signIn lets somebody in who has a password.
func (d *Door) signIn(w http.ResponseWriter, r *http.Request) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" || protection.Check(r) != nil {
		refuse(w, http.StatusUnsupportedMediaType, `send {"name": …, "password": …} as application/json, from the engine's own page`)
		return
	}
	var body struct{ Name, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, `want {"name": …, "password": …}: `+err.Error())
		return
	}
	attempt := Attempt{Name: cut(body.Name), Provider: Local, Address: address(r)}
	if wait := d.tries.take(attempt.Name, attempt.Address); wait > 0 {
		attempt.Refused = "too many attempts"
		d.Note(r.Context(), attempt)
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		refuse(w, http.StatusTooManyRequests, "too many attempts; wait as long as Retry-After says")
		return
	}
	user, ok := d.Users.check(body.Name, body.Password)
	if !ok {
		attempt.Refused = "wrong name or password"
		d.Note(r.Context(), attempt)
		refuse(w, http.StatusUnauthorized, "the name or the password is wrong")
		return
	}
	d.tries.forgive(attempt.Name)
	if session, ok := d.begin(w, r, attempt, user.Body.Role); ok {
		answer(w, http.StatusOK, session)
	}
}

// begin makes a session and its cookie; not ok: the request is answered.
func (d *Door) begin(w http.ResponseWriter, r *http.Request, attempt Attempt, role string) (Session, bool) {
	token, session, err := d.Sessions.begin(attempt.Name, role, attempt.Provider)
	if err != nil {
		d.Log.Error("cannot keep a session", "error", err)
		refuse(w, http.StatusInternalServerError, "internal error: the session can't be kept; the engine's log says why")
		return session, false
	}
	attempt.Session = session
	d.Note(r.Context(), attempt)
	http.SetCookie(w, &http.Cookie{
		Name: cookie(r.TLS != nil), Value: token, Path: "/", MaxAge: int(Lifetime.Seconds()), HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	return session, true
}

// signOut ends the session that the request is of.
func (d *Door) signOut(w http.ResponseWriter, r *http.Request) {
	session, ok, err := d.Sessions.Of(r)
	if err != nil {
		refuse(w, http.StatusForbidden, err.Error())
		return
	}
	if ok {
		if err := d.Sessions.end(tokenOf(r)); err != nil {
			d.Log.Error("cannot end a session", "error", err)
			refuse(w, http.StatusInternalServerError, "internal error: the session can't be ended; the engine's log says why")
			return
		}
		d.Note(r.Context(), Attempt{Name: session.Name, Provider: session.Provider, Session: session, Address: address(r), Out: true})
	}
	http.SetCookie(w, &http.Cookie{Name: cookie(r.TLS != nil), Path: "/", MaxAge: -1, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
	w.WriteHeader(http.StatusNoContent)
}

// session says whose session the request is of, and how one can sign in.
func (d *Door) session(w http.ResponseWriter, r *http.Request) {
	session, ok, _ := d.Sessions.Of(r)
	if !ok {
		answer(w, http.StatusUnauthorized, map[string]any{"errors": []string{"nobody has signed in"}, "password": len(d.Users.List()) > 0, "provider": d.Provider != nil})
		return
	}
	answer(w, http.StatusOK, session)
}

// ways says how one can sign in, and whose session the request is of, if it is of one.
// Unlike session it is no refusal where it is of none.
func (d *Door) ways(w http.ResponseWriter, r *http.Request) {
	body := map[string]any{"password": len(d.Users.List()) > 0, "provider": d.Provider != nil, "session": nil}
	if session, ok, _ := d.Sessions.Of(r); ok {
		body["session"] = session
	}
	answer(w, http.StatusOK, body)
}

const (
	flowCookie = "nightjar-sign-in"
	flowTime   = 10 * time.Minute
)

// start sends a person to the provider.
func (d *Door) start(w http.ResponseWriter, r *http.Request) {
	if d.Provider == nil {
		refuse(w, http.StatusNotFound, "no provider is configured (--oidc-issuer)")
		return
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: localPath(r.URL.Query().Get("next")), Until: d.Now().Add(flowTime).Unix()}
	to, err := d.Provider.begin(r.Context(), f)
	if err != nil {
		d.Log.Error("nobody can sign in by the provider", "error", err)
		tellWhoCame(w, r, http.StatusBadGateway, "the provider can't be asked; the engine's log says why", localPath(r.URL.Query().Get("next")))
		return
	}
	http.SetCookie(w, d.flowCookie(r, d.sealed(f), int(flowTime.Seconds())))
	http.Redirect(w, r, to, http.StatusFound)
}

func (d *Door) flowCookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{Name: flowCookie, Value: value, Path: callbackPath, MaxAge: age, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode}
}

// sealed is a flow that only this process can read, or change.
func (d *Door) sealed(f flow) string {
	text, _ := json.Marshal(f) // plain values: never fails
	nonce := make([]byte, d.seal.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(d.seal.Seal(nonce, nonce, text, nil))
}

var errFlow = errors.New("this sign-in was not begun in this browser, or too long ago; begin again")

func (d *Door) unsealed(r *http.Request) (f flow, err error) {
	c, err := r.Cookie(flowCookie)
	if err != nil {
		return f, errFlow
	}
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if size := d.seal.NonceSize(); err == nil && len(text) > size {
		text, err = d.seal.Open(nil, text[:size], text[size:], nil)
	} else {
		err = errFlow
	}
	if err != nil || json.Unmarshal(text, &f) != nil || d.Now().Unix() > f.Until || f.State == "" || f.State != r.URL.Query().Get("state") {
		return f, errFlow
	}
	return f, nil
}

// callback is where the provider sends a person back to.
func (d *Door) callback(w http.ResponseWriter, r *http.Request) {
	if d.Provider == nil {
		refuse(w, http.StatusNotFound, "no provider is configured (--oidc-issuer)")
		return
	}
	attempt := Attempt{Provider: d.Provider.config.Issuer, Address: address(r)}
	http.SetCookie(w, d.flowCookie(r, "", -1)) // a flow serves once
	f, err := d.unsealed(r)
	if err != nil {
		d.refused(w, r, attempt, err, "/")
		return
	}
	query := r.URL.Query()
	if code := query.Get("error"); code != "" {
		d.refused(w, r, attempt, fmt.Errorf("%w: %s", errProvider, cut(code+" "+query.Get("error_description"))), f.Next)
		return
	}
	who, err := d.Provider.finish(r.Context(), f, query.Get("code"))
	attempt.Name = cut(who.Name)
	if err != nil {
		d.refused(w, r, attempt, err, f.Next)
		return
	}
	if _, ok := d.begin(w, r, attempt, who.Role); ok {
		http.Redirect(w, r, f.Next, http.StatusSeeOther)
	}
}

// errProvider is of a provider that says no.
var errProvider = errors.New("the provider refused")

// refused answers who comes back from the provider and does not get in. Of what the
// provider said, only the log has all.
func (d *Door) refused(w http.ResponseWriter, r *http.Request, attempt Attempt, err error, next string) {
	var noRole *NoRoleError
	var expired *oidc.TokenExpiredError
	if errors.Is(err, errFlow) || errors.As(err, &noRole) {
		attempt.Refused = err.Error()
	} else {
		d.Log.Warn("somebody was refused who came from the provider", "name", attempt.Name, "error", err)
		attempt.Refused = "the provider's answer does not let them in"
		switch {
		case errors.Is(err, errProvider):
			attempt.Refused += ": it refused"
		case errors.As(err, &expired):
			attempt.Refused += ": it had expired when it came; the clocks of the provider and of this engine may differ"
		}
	}
	d.Note(r.Context(), attempt)
	tellWhoCame(w, r, http.StatusForbidden, attempt.Refused, next)
}

// RefusedCookie has, for a minute, why somebody did not get in who came back from the
// provider: the page shows it beside the ways to sign in, and forgets it.
const RefusedCookie = "nightjar-refused"

// tellWhoCame refuses: a person's browser is led to the page, which says why; anything else
// is answered with the status.
func tellWhoCame(w http.ResponseWriter, r *http.Request, status int, why, next string) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		refuse(w, status, why)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: RefusedCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(why)), Path: "/", MaxAge: 60, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// localPath is a path of the page: nothing that leads elsewhere.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || r < 0x20 || r == 0x7f }) {
		return "/"
	}
	return next
}

// address is who is at the other end of the connection.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// cut bounds what somebody who has not signed in has written down.
func cut(s string) string {
	if s = strings.ToValidUTF8(s, "\uFFFD"); len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, map[string][]string{"errors": {why}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	text, _ := json.Marshal(body) // plain values: never fails
	_, _ = io.WriteString(w, string(text)+"\n")
}

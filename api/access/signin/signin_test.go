package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"nightjar/objects"
	"nightjar/schema"
)

// TestMain has passwords hashed cheaply: what that costs is no matter here.
func TestMain(m *testing.M) {
	present = cost{memory: 64, passes: 1, threads: 1}
	os.Exit(m.Run())
}

// unstored keeps no users beyond this run.
type unstored struct{}

func (unstored) All(context.Context, string) ([]objects.Object, error) { return nil, nil }
func (unstored) Append(context.Context, objects.Object) error          { return nil }

// house is a door that is served, and a room behind it.
type house struct {
	t *testing.T
	*Door
	server *httptest.Server
	file   string

	mu    sync.Mutex
	moved time.Duration
	noted []Attempt
	log   bytes.Buffer
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.moved)
}

func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved += d
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, file: filepath.Join(t.TempDir(), "sessions.json")}
	store := objects.New(Kind(func(role string) bool { return role == "analyst" || role == "admin" }), unstored{}, h.now)
	users := NewUsers(store, func() schema.Millis { return schema.MillisOf(h.now()) })
	sessions, err := OpenSessions(h.file, users, h.now)
	if err != nil {
		t.Fatal(err)
	}
	h.Door = &Door{Users: users, Sessions: sessions, Now: h.now, Log: slog.New(slog.NewTextHandler(&h.log, nil)), Note: func(_ context.Context, a Attempt) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.noted = append(h.noted, a)
	}}
	mux := http.NewServeMux()
	for pattern, handler := range h.Routes() {
		mux.HandleFunc(pattern, handler)
	}
	mux.HandleFunc("/room", func(w http.ResponseWriter, r *http.Request) {
		session, ok, err := h.Sessions.Of(r)
		switch {
		case err != nil:
			refuse(w, http.StatusForbidden, err.Error())
		case !ok:
			refuse(w, http.StatusUnauthorized, "nobody")
		default:
			answer(w, http.StatusOK, session)
		}
	})
	mux.HandleFunc("GET /signals/7", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") })
	h.server = httptest.NewServer(mux)
	t.Cleanup(h.server.Close)
	return h
}

// browser keeps cookies and says where its requests come from.
type browser struct {
	t *testing.T
	http.Client
	base string
}

func (h *house) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{t: h.t, Client: http.Client{Jar: jar}, base: h.server.URL}
}

func (b *browser) do(method, path, body string, headers ...string) (int, string) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (b *browser) signIn(name, password string) (int, string) {
	text, _ := json.Marshal(map[string]string{"name": name, "password": password})
	return b.do(http.MethodPost, signInPath, string(text), "Sec-Fetch-Site", "same-origin")
}

func (b *browser) want(status int, method, path string, headers ...string) {
	b.t.Helper()
	if got, text := b.do(method, path, "", headers...); got != status {
		b.t.Errorf("%s %s %v: %d %s, want %d", method, path, headers, got, text, status)
	}
}

func (h *house) user(role string) (StoredUser, string) {
	h.t.Helper()
	u, password, err := h.Users.Create(h.t.Context(), "ann", role, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return u, password
}

func TestWhoHasAPasswordSignsInAndOut(t *testing.T) {
	h := newHouse(t)
	_, password := h.user("analyst")
	b := h.browser()
	b.want(http.StatusUnauthorized, http.MethodGet, "/room")
	if status, text := b.do(http.MethodGet, signInPath, ""); status != http.StatusOK || text != `{"password":true,"provider":false,"session":null}`+"\n" {
		t.Errorf("ways to sign in: %d %s", status, text)
	}
	for name, wrong := range map[string]string{"ann": password + "x", "nobody": password, "": "", "ann ": ""} {
		if status, text := b.signIn(name, wrong); status != http.StatusUnauthorized || !strings.Contains(text, "the name or the password is wrong") {
			t.Errorf("%q %q: %d %s", name, wrong, status, text)
		}
	}
	if status, text := b.signIn("ann", password); status != http.StatusOK || !strings.Contains(text, `"role":"analyst"`) {
		t.Fatalf("%d %s", status, text)
	}
	b.want(http.StatusOK, http.MethodGet, "/room")
	b.want(http.StatusOK, http.MethodGet, sessionPath)
	if status, text := b.do(http.MethodGet, signInPath, ""); status != http.StatusOK || !strings.Contains(text, `"session":{"id":`) {
		t.Errorf("who signed in: %d %s", status, text)
	}

	// What is kept lets nobody in, and is found by the next start.
	kept, err := os.ReadFile(h.file)
	at, _ := url.Parse(h.server.URL)
	token := b.Jar.Cookies(at)[0].Value
	if err != nil || strings.Contains(string(kept), token) || strings.Contains(string(kept), password) {
		t.Errorf("%s keeps a secret (%v)", kept, err)
	}
	if info, err := os.Stat(h.file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v %v", info.Mode(), err)
	}
	if h.Door.Sessions, err = OpenSessions(h.file, h.Users, h.now); err != nil {
		t.Fatal(err)
	}
	b.want(http.StatusOK, http.MethodGet, "/room")

	b.want(http.StatusNoContent, http.MethodPost, signOutPath, "Sec-Fetch-Site", "same-origin")
	b.want(http.StatusUnauthorized, http.MethodGet, "/room")
	if _, ok := h.Door.Sessions.find(token); ok {
		t.Error("the token of who signed out lets in")
	}
	refused, in, out := 0, 0, 0
	for _, a := range h.noted {
		switch {
		case a.Refused != "":
			refused++
		case a.Out:
			out++
		default:
			in++
		}
	}
	if refused != 4 || in != 1 || out != 1 {
		t.Errorf("noted: %d refused, %d in, %d out", refused, in, out)
	}
}

// TestWhatEndsASession but signing out.
func TestWhatEndsASession(t *testing.T) {
	for what, end := range map[string]func(*house, StoredUser) error{
		"another password": func(h *house, u StoredUser) error {
			_, _, err := h.Users.SetPassword(t.Context(), u.ID, "")
			return err
		},
		"another role":           func(h *house, u StoredUser) error { _, err := h.Users.SetRole(t.Context(), u.ID, "admin"); return err },
		"the person left":        func(h *house, u StoredUser) error { _, err := h.Users.Delete(t.Context(), u.ID); return err },
		"the person is disabled": func(h *house, u StoredUser) error { _, err := h.Users.Disable(t.Context(), u.ID); return err },
		"its time is over":       func(h *house, _ StoredUser) error { h.wait(Lifetime); return nil },
		"all are ended":          func(h *house, _ StoredUser) error { _, err := h.Sessions.EndAll(""); return err },
		"it is ended":            func(h *house, _ StoredUser) error { return h.endOnly() },
		"theirs are ended":       func(h *house, _ StoredUser) error { _, err := h.Sessions.EndAll("ann"); return err },
	} {
		h := newHouse(t)
		u, password := h.user("analyst")
		b := h.browser()
		if status, text := b.signIn("ann", password); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		b.want(http.StatusOK, http.MethodGet, "/room")
		h.wait(10 * time.Millisecond)
		if err := end(h, u); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if status, _ := b.do(http.MethodGet, "/room", ""); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, status)
		}
	}
}

// TestWhoIsDisabledDoesNotSignIn, with the answer of a wrong password, until they are enabled.
func TestWhoIsDisabledDoesNotSignIn(t *testing.T) {
	h := newHouse(t)
	u, password := h.user("analyst")
	if _, err := h.Users.Disable(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if status, text := h.browser().signIn("ann", password); status != http.StatusUnauthorized || !strings.Contains(text, "the name or the password is wrong") {
		t.Errorf("%d %s", status, text)
	}
	if len(h.Sessions.List()) != 0 {
		t.Error("there is a session")
	}
	if _, err := h.Users.Enable(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if status, text := h.browser().signIn("ann", password); status != http.StatusOK || len(h.Sessions.List()) != 1 {
		t.Errorf("%d %s", status, text)
	}
}

// endOnly ends the one session that there is, by its id.
func (h *house) endOnly() error {
	id := h.noted[len(h.noted)-1].Session.ID
	if n, err := h.Sessions.EndAll("another id"); err != nil || n != 0 {
		return fmt.Errorf("by another id: %d, %w", n, err)
	}
	_, err := h.Sessions.EndAll(id)
	return err
}

// TestASessionThatCannotBeKeptDoesNotBegin, and one whose end can't be kept ends, but is
// not said to have.
func TestASessionThatCannotBeKeptDoesNotBegin(t *testing.T) {
	h := newHouse(t)
	_, password := h.user("analyst")
	in, b := h.browser(), h.browser()
	if status, text := in.signIn("ann", password); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	kept, err := os.ReadFile(h.file)
	if err == nil {
		err = os.Mkdir(h.file+".next", 0o700) // where the file's next state would be written
	}
	if err != nil {
		t.Fatal(err)
	}
	if status, text := b.signIn("ann", password); status != http.StatusInternalServerError || !strings.Contains(text, "the session can't be kept") || strings.Contains(text, h.file) {
		t.Errorf("%d %s", status, text)
	}
	b.want(http.StatusUnauthorized, http.MethodGet, "/room")
	if n := len(h.Sessions.byHash); n != 1 || len(h.noted) != 1 {
		t.Errorf("%d sessions, %d noted", n, len(h.noted))
	}
	in.want(http.StatusInternalServerError, http.MethodPost, signOutPath, "Sec-Fetch-Site", "same-origin")
	in.want(http.StatusUnauthorized, http.MethodGet, "/room")
	if now, err := os.ReadFile(h.file); err != nil || !bytes.Equal(now, kept) || !strings.Contains(h.log.String(), "cannot end a session") {
		t.Errorf("kept is %s (%v), logged %s", now, err, &h.log)
	}
}

// TestOnlyTheEnginesOwnPageChangesSomething with a cookie.
func TestOnlyTheEnginesOwnPageChangesSomething(t *testing.T) {
	h := newHouse(t)
	_, password := h.user("analyst")
	b := h.browser()
	if status, text := b.signIn("ann", password); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	b.want(http.StatusOK, http.MethodPost, "/room", "Sec-Fetch-Site", "same-origin")
	b.want(http.StatusOK, http.MethodPost, "/room", "Origin", h.server.URL)
	b.want(http.StatusOK, http.MethodGet, "/room", "Sec-Fetch-Site", "cross-site")
	for _, headers := range [][]string{
		{}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		{"Origin", h.server.URL, "Sec-Fetch-Site", "cross-site"},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			b.want(http.StatusForbidden, method, "/room", headers...)
		}
	}
	text := fmt.Sprintf(`{"name":"ann","password":%q}`, password)
	for _, headers := range [][]string{{"Content-Type", "text/plain"}, {"Content-Type", "application/x-www-form-urlencoded"}, {"Sec-Fetch-Site", "cross-site"}} {
		if status, answer := h.browser().do(http.MethodPost, signInPath, text, headers...); status != http.StatusUnsupportedMediaType {
			t.Errorf("signing in with %v: %d %s", headers, status, answer)
		}
	}
}

// TestPasswordsAreTriedAFewTimes by name and by address, and later again.
func TestPasswordsAreTriedAFewTimes(t *testing.T) {
	h := newHouse(t)
	_, password := h.user("analyst")
	b := h.browser()
	for i := range byName.burst {
		if status, _ := b.signIn("ann", "wrong"); status != http.StatusUnauthorized {
			t.Fatalf("attempt %d: %d", i, status)
		}
	}
	if status, text := b.signIn("ann", password); status != http.StatusTooManyRequests {
		t.Errorf("right, after too many: %d %s", status, text)
	}
	if status, _ := b.signIn("bob", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("another name from the same address: %d", status)
	}
	for i := range byAddress.burst {
		if wait := h.tries.take(fmt.Sprint("name ", i), "198.51.100.7"); wait != 0 {
			t.Errorf("attempt %d from an address waits %s", i, wait)
		}
	}
	if wait := h.tries.take("yet another", "198.51.100.7"); wait <= 0 || wait > byAddress.each {
		t.Errorf("after too many from an address: %s", wait)
	}
	h.wait(byName.each + time.Second)
	if status, text := b.signIn("ann", password); status != http.StatusOK {
		t.Errorf("later: %d %s", status, text)
	}
}

func TestUsersAreChecked(t *testing.T) {
	h := newHouse(t)
	h.user("analyst")
	for _, c := range [][3]string{{"ann", "analyst", ""}, {"", "analyst", ""}, {"bob", "intake", ""}, {"bob", "analyst", "short"}, {"bob", "analyst", strings.Repeat("x", 1025)}, {"b\nob", "analyst", ""}} {
		if _, _, err := h.Users.Create(t.Context(), c[0], c[1], c[2]); err == nil {
			t.Errorf("%q was made", c)
		}
	}
}

// provider is one of OpenID Connect, which everybody signs in at at once.
type provider struct {
	*httptest.Server
	key    *rsa.PrivateKey
	claims func(map[string]any) // changes what it says
	signer *rsa.PrivateKey      // of the tokens
	asked  url.Values           // at the last sign-in
	err    string               // it refuses
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, signer: key, claims: func(map[string]any) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		p.asked = r.URL.Query()
		back := url.Values{"state": {p.asked.Get("state")}, "code": {"the code"}}
		if p.err != "" {
			back = url.Values{"state": {p.asked.Get("state")}, "error": {p.err}}
		}
		http.Redirect(w, r, p.asked.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	_, secret, _ := r.BasicAuth()
	if p.asked.Get("code_challenge_method") != "S256" || base64.RawURLEncoding.EncodeToString(sum[:]) != p.asked.Get("code_challenge") || r.FormValue("code") != "the code" || secret != "sesame" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{
		"iss": p.URL, "aud": "nightjar", "sub": "7", "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(), "nonce": p.asked.Get("nonce"),
		"preferred_username": "ann@example.org", "groups": []string{"staff", "soc"},
	}
	p.claims(claims)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.signer, KeyID: "1"}}, nil)
	if err != nil {
		panic(err)
	}
	text, _ := json.Marshal(claims)
	signed, err := signer.Sign(text)
	if err != nil {
		panic(err)
	}
	token, _ := signed.CompactSerialize()
	answer(w, http.StatusOK, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": token})
}

// with has people sign in by the provider.
func (h *house) with(p *provider) {
	h.Provider = NewProvider(ProviderConfig{
		Issuer: p.URL, ClientID: "nightjar", Secret: "sesame", RedirectURL: h.server.URL + CallbackPath, Client: p.Client(),
		Roles: []GroupRole{{"bosses", "admin"}, {"soc", "analyst"}},
	})
}

func TestAProviderLetsPeopleIn(t *testing.T) {
	h, p := newHouse(t), newProvider(t)
	h.with(p)
	for _, c := range []struct {
		groups any
		role   string
	}{
		{[]string{"staff", "soc"}, "analyst"}, {[]string{"soc", "bosses"}, "admin"}, {"soc", "analyst"},
	} {
		p.claims = func(claims map[string]any) { claims["groups"] = c.groups }
		b := h.browser()
		if status, text := b.do(http.MethodGet, startPath+"?next=/signals/7", ""); status != http.StatusOK || text != "the page" {
			t.Fatalf("%d %s", status, text)
		}
		_, text := b.do(http.MethodGet, "/room", "")
		if !strings.Contains(text, `"name":"ann@example.org","role":"`+c.role+`","provider":"`+p.URL) {
			t.Errorf("in groups %v: %s", c.groups, text)
		}
	}
	if !slices.Contains(strings.Fields(p.asked.Get("scope")), "openid") {
		t.Errorf("asked for %v", p.asked)
	}
}

// TestWhoIsNotMeantIsRefused with what a provider, or somebody between, may answer.
func TestWhoIsNotMeantIsRefused(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := func(claim string, value any) func(*provider) {
		return func(p *provider) { p.claims = func(c map[string]any) { c[claim] = value } }
	}
	for what, c := range map[string]struct {
		change func(*provider)
		says   string
	}{
		"in no group":       {set("groups", []string{"staff"}), "ann@example.org is in no group that has a role here"},
		"groups are absent": {set("groups", nil), "is in no group that has a role here"},
		"groups are odd":    {set("groups", map[string]any{"soc": true}), "is in no group that has a role here"},
		"another nonce":     {set("nonce", "x"), "does not let them in"},
		"another audience":  {set("aud", "other"), "does not let them in"},
		"another issuer":    {set("iss", "https://other.example"), "does not let them in"},
		"expired":           {set("exp", 1), "does not let them in"},
		"another signer":    {func(p *provider) { p.signer = other }, "does not let them in"},
		"keys are others":   {func(p *provider) { p.claims = nil; p.key = other }, "does not let them in"},
		"it refuses":        {func(p *provider) { p.err = "access_denied" }, "does not let them in"},
	} {
		h, p := newHouse(t), newProvider(t)
		h.with(p)
		if c.change(p); p.claims == nil {
			p.claims = func(map[string]any) {}
		}
		b := h.browser()
		status, text := b.do(http.MethodGet, startPath, "")
		if status != http.StatusForbidden || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", what, status, text)
		}
		b.want(http.StatusUnauthorized, http.MethodGet, "/room")
		if len(h.noted) != 1 || h.noted[0].Refused == "" {
			t.Errorf("%s: noted %+v", what, h.noted)
		}
		if strings.Contains(h.log.String(), "sesame") {
			t.Errorf("%s: a secret is in the log: %s", what, h.log.String())
		}
	}
}

// TestABrowserIsLedToThePageThatSaysWhy, beside the ways to sign in.
func TestABrowserIsLedToThePageThatSaysWhy(t *testing.T) {
	p := newProvider(t)
	h := newHouse(t)
	h.with(p)
	p.claims = func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }
	b := h.browser()
	status, text := b.do(http.MethodGet, startPath+"?next=/signals/7", "", "Accept", "text/html,*/*")
	at, _ := url.Parse(h.server.URL)
	why := ""
	for _, c := range b.Jar.Cookies(at) {
		if c.Name == RefusedCookie {
			said, err := base64.RawURLEncoding.DecodeString(c.Value)
			if err != nil {
				t.Fatal(err)
			}
			why = string(said)
		}
	}
	if status != http.StatusOK || text != "the page" || !strings.Contains(why, "the clocks of the provider and of this engine may differ") {
		t.Errorf("%d %s, and the page is told %q", status, text, why)
	}
	b.want(http.StatusUnauthorized, http.MethodGet, "/room")
}

// TestASignInIsOfTheBrowserThatBegan it, once, for a while.
func TestASignInIsOfTheBrowserThatBegan(t *testing.T) {
	h, p := newHouse(t), newProvider(t)
	h.with(p)
	stop := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b := h.browser()
	b.CheckRedirect = stop
	b.want(http.StatusFound, http.MethodGet, startPath)
	at, _ := url.Parse(h.server.URL + callbackPath)
	begun := b.Jar.Cookies(at)[0]
	f, err := h.unsealed(&http.Request{Header: http.Header{"Cookie": {begun.Name + "=" + begun.Value}}, URL: &url.URL{RawQuery: "state=x"}})
	if err == nil {
		t.Errorf("another state: %+v", f)
	}
	back := callbackPath + "?code=the+code&state=" + url.QueryEscape(f.State)
	for what, cookie := range map[string]string{"no cookie": "", "a forged one": begun.Name + "=AAAA", "of another process": begun.Name + "=" + newHouse(t).sealed(f)} {
		if status, text := h.browser().do(http.MethodGet, back, "", "Cookie", cookie); status != http.StatusForbidden || !strings.Contains(text, "not begun in this browser") {
			t.Errorf("%s: %d %s", what, status, text)
		}
	}
	h.wait(flowTime + time.Second)
	b.want(http.StatusForbidden, http.MethodGet, back)
}

// TestAProviderThatIsAwayStopsNobodyElse from signing in.
func TestAProviderThatIsAwayStopsNobodyElse(t *testing.T) {
	h, p := newHouse(t), newProvider(t)
	h.with(p)
	_, password := h.user("analyst")
	p.Close()
	h.browser().want(http.StatusBadGateway, http.MethodGet, startPath)
	if status, text := h.browser().signIn("ann", password); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
}

func TestWhereOneGoesOnIsOnThePage(t *testing.T) {
	for next, want := range map[string]string{
		"/signals/7?a=b#c": "/signals/7?a=b#c", "": "/", "//evil.example": "/", "/\\evil.example": "/", "https://evil.example": "/", "javascript:alert(1)": "/", "/a\r\nSet-Cookie: b": "/", "/\t/evil.example": "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func FuzzPasswordHash(f *testing.F) {
	f.Add(hashPassword("some password"), "some password")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "")
	f.Fuzz(func(t *testing.T, kept, password string) {
		if c, _, _, err := parseHash(kept); err == nil && uint64(c.memory)*uint64(c.passes) > 1<<18 {
			t.Skip("dear")
		}
		isPassword(kept, password)
	})
}

func TestPasswordsAreTheirsAlone(t *testing.T) {
	kept := hashPassword("correct horse battery")
	if !isPassword(kept, "correct horse battery") || isPassword(kept, "correct horse batterz") || kept == hashPassword("correct horse battery") {
		t.Errorf("kept %s", kept)
	}
}

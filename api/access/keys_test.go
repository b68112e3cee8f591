package access

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/objects"
	"nightjar/schema"
)

// memory keeps objects as the database does.
type memory struct{ objects []objects.Object }

func (m *memory) All(_ context.Context, kind string) (out []objects.Object, err error) {
	for _, o := range m.objects {
		if o.Kind == kind {
			out = append(out, o)
		}
	}
	return out, nil
}

func (m *memory) Append(_ context.Context, o objects.Object) error {
	m.objects = append(m.objects, o)
	return nil
}

const first = "the-first-key-of-this-test-0123456789"

// world is Keys with a clock.
type world struct {
	t     *testing.T
	disk  *memory
	keys  *Keys
	usage *Usage
	now   time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, disk: &memory{}, now: time.UnixMilli(1_800_000_000_000)}
	w.usage = OpenUsage(filepath.Join(t.TempDir(), "usage"), slog.New(slog.DiscardHandler))
	w.start()
	return w
}

// start is what an engine does when it starts.
func (w *world) start() {
	w.t.Helper()
	clock := func() time.Time { return w.now }
	store := objects.New(KeyKind, w.disk, clock)
	if err := store.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.keys = NewKeys(KeysDeps{First: first, Store: store, Usage: w.usage, Now: clock})
}

func (w *world) create(key Key) (Stored, string) {
	w.t.Helper()
	v, secret, err := w.keys.Create(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	return v, secret
}

// reason is why the keys let nobody in; empty: they do.
func (w *world) reason(api string, application ...string) Reason {
	w.t.Helper()
	_, err := w.keys.Admit(Sent{Keys: given([]string{api}), Application: application})
	var denied *DeniedError
	if err != nil && !errors.As(err, &denied) {
		w.t.Fatal(err)
	}
	if err == nil {
		return ""
	}
	return denied.Reason
}

func TestAKeyIsShownOnceAndKeptAsAHash(t *testing.T) {
	w := newWorld(t)
	v, secret := w.create(Key{Name: "shipper", Role: Intake})
	if len(secret) != len(prefix)+64 || !strings.HasPrefix(secret, v.Body.Hint) {
		t.Errorf("a key of %d characters, hint %q", len(secret), v.Body.Hint)
	}
	kept, err := json.Marshal(w.disk.objects)
	if err != nil || strings.Contains(string(kept), secret) || strings.Contains(string(kept), secret[hintLength:]) {
		t.Errorf("the key is in what is kept: %s, %v", kept, err)
	}
	w.start()
	c, err := w.keys.Admit(Sent{Keys: []string{secret}})
	if err != nil || c.Role != Intake || c.Name != "shipper" || c.ID != v.ID {
		t.Errorf("after a restart: %+v, %v", c, err)
	}
	if c, err := w.keys.Admit(Sent{Keys: []string{first}}); err != nil || c.Role != Admin || c.ID != FirstID {
		t.Errorf("the first key: %+v, %v", c, err)
	}
}

// TestNoKeyIsCalledLikeTheFirst since the audit log names keys.
func TestNoKeyIsCalledLikeTheFirst(t *testing.T) {
	w := newWorld(t)
	c, err := w.keys.Admit(Sent{Keys: []string{first}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.keys.Create(t.Context(), Key{Name: c.Name, Role: Reader}); err == nil {
		t.Errorf("a reader's key is called %q", c.Name)
	}
}

func TestAKeyEndsWhenItIsRevokedExpiresOrIsReplaced(t *testing.T) {
	w := newWorld(t)
	revoked, a := w.create(Key{Name: "a", Role: Reader})
	_, b := w.create(Key{Name: "b", Role: Reader, Expires: schema.MillisOf(w.now.Add(time.Hour))})
	rotated, c := w.create(Key{Name: "c", Role: Reader})
	if _, err := w.keys.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	_, replaced, err := w.keys.Rotate(t.Context(), rotated.ID, 30*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want map[string]Reason) {
		t.Helper()
		for key, want := range want {
			if got := w.reason(key); got != want {
				t.Errorf("%s: %.8s: %q, want %q", when, key, got, want)
			}
		}
	}
	check("at once", map[string]Reason{a: WrongKey, b: "", c: "", replaced: ""})
	w.start()
	check("after a restart", map[string]Reason{a: WrongKey, b: "", c: "", replaced: ""})
	w.now = w.now.Add(30 * time.Minute)
	check("when the grace is over", map[string]Reason{b: "", c: ExpiredKey, replaced: ""})
	w.now = w.now.Add(30 * time.Minute)
	check("when it expires", map[string]Reason{b: ExpiredKey, replaced: ""})

	if _, again, err := w.keys.Rotate(t.Context(), rotated.ID, 0); err != nil || w.reason(again) != "" || w.reason(replaced) != WrongKey {
		t.Errorf("rotated without grace: %v, %q", err, w.reason(replaced))
	}
	for _, id := range []string{FirstID, "nothing"} {
		if _, err := w.keys.Revoke(t.Context(), id); err == nil {
			t.Errorf("%s was revoked", id)
		}
	}
}

func TestBothKeysMustBeValidAndTheApplicationKeysRoleCounts(t *testing.T) {
	w := newWorld(t)
	_, shipper := w.create(Key{Name: "shipper", Role: Intake})
	_, analyst := w.create(Key{Name: "analyst", Role: Analyst})
	for _, x := range []struct {
		api, application string
		want             Reason
		role             Role
	}{
		{api: shipper, application: analyst, role: Analyst},
		{api: first, application: shipper, role: Intake},
		{api: first, application: first, role: Admin},
		{api: first, application: "wrong", want: WrongKey},
		{api: "wrong", application: first, want: WrongKey},
		{application: first, want: NoKey},
	} {
		c, _ := w.keys.Admit(Sent{Keys: given([]string{x.api}), Application: []string{x.application}})
		if got := w.reason(x.api, x.application); got != x.want || got == "" && c.Role != x.role {
			t.Errorf("%.6s and %.6s: %q as %s, want %q as %s", x.api, x.application, got, c.Role, x.want, x.role)
		}
	}
}

func TestAKeyThatSaysNothingUsefulIsRefused(t *testing.T) {
	w := newWorld(t)
	w.create(Key{Name: "taken", Role: Reader})
	for _, k := range []Key{
		{Role: Reader}, {Name: "x"}, {Name: "x", Role: "king"}, {Name: "line\nbreak", Role: Reader}, {Name: "taken", Role: Admin},
		{Name: "x", Role: Reader, Rate: -1}, {Name: "x", Role: Reader, Expires: schema.MillisOf(w.now)},
	} {
		if _, _, err := w.keys.Create(t.Context(), k); !errors.As(err, new(*schema.InvalidError)) {
			t.Errorf("%+v: %v", k, err)
		}
	}
	if n := len(w.disk.objects); n != 1 {
		t.Errorf("%d keys are kept", n)
	}
}

func TestAKeyHasANameOfLettersDigitsAndAFewSigns(t *testing.T) {
	for name, good := range map[string]bool{
		"a": true, "7": true, "Ærøskøbing ½": true, "web.1_a@b:c/d-e f": true, strings.Repeat("ø", 100): true,
		"": false, " a": false, "-a": false, "a\n": false, "a\tb": false, "a\xff": false, "a\ufffd": false, "a,b": false, strings.Repeat("a", 101): false,
	} {
		if k := (Key{Name: name, Role: Reader}); (k.Check() == nil) != good {
			t.Errorf("%q: %v", name, k.Check())
		}
	}
}

func TestWhenAKeyWasUsedIsKnownToTheMinuteAndOutlivesARestart(t *testing.T) {
	w := newWorld(t)
	v, secret := w.create(Key{Name: "a", Role: Reader})
	if at := w.keys.LastUsed(v.ID); at != 0 {
		t.Errorf("used before it was: %d", at)
	}
	w.reason(secret)
	w.usage.save()
	before := w.keys.LastUsed(v.ID)
	if before == 0 || before%60_000 != 0 {
		t.Errorf("used at %d", before)
	}
	w.usage = OpenUsage(w.usage.path, slog.New(slog.DiscardHandler))
	w.start()
	if at := w.keys.LastUsed(v.ID); at != before {
		t.Errorf("after a restart: %d, want %d", at, before)
	}
	w.now = w.now.Add(time.Second)
	w.reason(secret)
	if w.usage.changed {
		t.Error("a second use within the minute is a change to be written")
	}
}

func TestKeysAreReadFromTheHeaders(t *testing.T) {
	for _, c := range []struct {
		name, value      string
		keys, appliction int
	}{
		{"DD-API-KEY", "k", 1, 0}, {"DD-API-KEY", "", 0, 0}, {"DD-APPLICATION-KEY", "k", 0, 1},
		{"Authorization", "Bearer k", 1, 0}, {"Authorization", "apikey  k ", 1, 0}, {"Authorization", "Splunk k", 1, 0},
		{"Authorization", "Basic k", 0, 0}, {"Authorization", "Bearer ", 0, 0}, {"Authorization", "Bearer", 0, 0},
	} {
		r := &http.Request{Header: http.Header{}}
		r.Header.Set(c.name, c.value)
		if sent := SentBy(r); len(sent.Keys) != c.keys || len(sent.Application) != c.appliction {
			t.Errorf("%s: %s: %+v", c.name, c.value, sent)
		}
	}
}

func TestARoleMayWhatTheOneBeforeItMay(t *testing.T) {
	for _, chain := range [][]Role{{Reader, Analyst, Engineer, Admin}, {Analyst, Responder, Admin}, {Intake, Agent, Admin}, {Intake, Engineer}} {
		for i, r := range chain[1:] {
			for _, p := range granted[chain[i]] {
				if !r.May(p) {
					t.Errorf("%s may not %s, which %s may", r, p, chain[i])
				}
			}
		}
	}
	for _, p := range []Permission{KillProcesses, IsolateHosts, BlockIndicators} {
		for _, r := range Roles {
			if r.May(p) != (r == Responder || r == Admin) {
				t.Errorf("%s: %s", r, p)
			}
		}
	}
	if (Caller{}).Check(Open) != nil || (Caller{}).Check(Known) == nil {
		t.Error("nobody may do the wrong things")
	}
}

func TestATokenEnrolsAsManyAgentsAsItMay(t *testing.T) {
	w := newWorld(t)
	token, secret, err := w.keys.Create(t.Context(), Key{Name: "web", Role: Enroll, Uses: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := w.keys.Spend(t.Context(), token.ID); err != nil {
			t.Fatalf("agent %d: %v", i, err)
		}
	}
	w.start() // a restart forgets none
	var denied *DeniedError
	if err := w.keys.Spend(t.Context(), token.ID); !errors.As(err, &denied) || denied.Reason != UsedUp || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
	unbounded, _, err := w.keys.Create(t.Context(), Key{Name: "any number", Role: Enroll})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := w.keys.Spend(t.Context(), unbounded.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.keys.Create(t.Context(), Key{Name: "shipper", Role: Intake, Uses: 1}); err == nil {
		t.Error("a key that enrols nobody was counted")
	}
}

// TestAnAgentsOwnKeyIsForItsEventsAndItsOrders and nothing else.
func TestAnAgentsOwnKeyIsForItsEventsAndItsOrders(t *testing.T) {
	w := newWorld(t)
	_, secret, err := w.keys.Create(t.Context(), Key{Name: "agent", Role: Agent, Agent: "abc-def-ghi"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.keys.Admit(Sent{Keys: []string{secret}})
	if err != nil || c.Agent != "abc-def-ghi" {
		t.Fatalf("%+v, %v", c, err)
	}
	for p, want := range map[Permission]bool{
		Known: true, WriteEvents: true, SyncAgents: true,
		DownloadAgents: false, EnrollAgents: false, ReadEvents: false, ReadAgents: false, ReadSignals: false, WriteAgents: false, KillProcesses: false,
	} {
		if got := c.Check(p) == nil; got != want {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
}

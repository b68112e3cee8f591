package orders

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// anOrder is the order of a sequence, with policies of the same version.
func anOrder(sequence uint64) *Orders {
	return &Orders{
		Agent: "agent-1", Sequence: sequence, Issued: noon, Expires: noon.Add(time.Hour),
		Policies:  Policies{Version: sequence, Set: []Policy{{Name: "default.policy", Version: "3", Mode: Blocking, Text: "rules: []\n"}}},
		Isolation: &Isolation{Allow: []netip.AddrPort{netip.MustParseAddrPort("[::1]:8420")}, Since: noon},
		Commands:  []Command{{ID: "c1", Expires: noon, Kill: &Kill{Process: Process{PID: 7, Started: noon}, Signal: "SIGKILL", Scope: "process"}}},
	}
}

func signed(t *testing.T, key ed25519.PrivateKey, o *Orders) Signed {
	t.Helper()
	s, err := Sign(key, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// raw signs bytes that Sign would refuse.
func raw(payload string) Signed {
	key := keyOf(1)
	return Signed{Payload: []byte(payload), Signature: ed25519.Sign(key, signedBytes([]byte(payload))), Key: Fingerprint(key.Public().(ed25519.PublicKey))}
}

func newGate() *Gate { return NewGate("agent-1", keyOf(1).Public().(ed25519.PublicKey)) }

func reasonOf(err error) Reason {
	var r *RefusedError
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func TestSignedOrdersArriveAsTheyWereGiven(t *testing.T) {
	want := anOrder(4)
	text, err := json.Marshal(signed(t, keyOf(1), want))
	if err != nil {
		t.Fatal(err)
	}
	var s Signed
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	got, err := newGate().Accept(s, noon)
	if err != nil || !reflect.DeepEqual(&got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestOrdersThatAreNotAcceptable(t *testing.T) {
	edited := func(edit func(*Orders)) *Orders {
		o := anOrder(11)
		edit(o)
		return o
	}
	good := signed(t, keyOf(1), anOrder(11))
	for name, c := range map[string]struct {
		send Signed
		want Reason
	}{
		"changed payload":         {Signed{bytes.Replace(good.Payload, []byte("blocking"), []byte("blockinG"), 1), good.Signature, good.Key}, BadSignature},
		"changed signature":       {Signed{good.Payload, append([]byte{good.Signature[0] ^ 1}, good.Signature[1:]...), good.Key}, BadSignature},
		"no signature":            {Signed{good.Payload, nil, good.Key}, BadSignature},
		"another key":             {signed(t, keyOf(2), anOrder(11)), BadSignature},
		"another key, our name":   {Signed{good.Payload, ed25519.Sign(keyOf(2), signedBytes(good.Payload)), good.Key}, BadSignature},
		"signed for another use":  {Signed{good.Payload, ed25519.Sign(keyOf(1), good.Payload), good.Key}, BadSignature},
		"nothing":                 {Signed{}, BadSignature},
		"for another agent":       {signed(t, keyOf(1), edited(func(o *Orders) { o.Agent = "agent-2" })), OfAnother},
		"replayed":                {signed(t, keyOf(1), anOrder(9)), Older},
		"repeated differently":    {signed(t, keyOf(1), edited(func(o *Orders) { o.Sequence, o.Policies.Version, o.Disarmed = 10, 10, true })), Older},
		"policies downgraded":     {signed(t, keyOf(1), edited(func(o *Orders) { o.Policies.Version = 9 })), Older},
		"expired":                 {signed(t, keyOf(1), edited(func(o *Orders) { o.Issued, o.Expires = noon.Add(-time.Hour), noon })), Expired},
		"broken JSON":             {raw(`{"agent":"agent-1","sequence":11`), Malformed},
		"two documents":           {raw(string(good.Payload) + string(good.Payload)), Malformed},
		"no mode":                 {raw(strings.Replace(string(good.Payload), `"blocking"`, `"kill"`, 1)), Malformed},
		"a negative sequence":     {raw(strings.Replace(string(good.Payload), `"sequence":11`, `"sequence":-1`, 1)), Malformed},
		"more than can be signed": {raw(`{"agent":"` + strings.Repeat("a", MaxPayload) + `"}`), Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			if _, err := g.Accept(signed(t, keyOf(1), anOrder(10)), noon); err != nil {
				t.Fatal(err)
			}
			if _, err := g.Accept(c.send, noon); reasonOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestRefusedOrdersChangeNothing(t *testing.T) {
	g := newGate()
	first := signed(t, keyOf(1), anOrder(10))
	if _, err := g.Accept(first, noon); err != nil {
		t.Fatal(err)
	}
	before := g.Last()
	for _, s := range []Signed{signed(t, keyOf(2), anOrder(20)), raw(`{}`), signed(t, keyOf(1), anOrder(3))} {
		if _, err := g.Accept(s, noon); err == nil {
			t.Fatal("accepted")
		}
	}
	expired := anOrder(30)
	expired.Issued, expired.Expires = noon.Add(-2*time.Hour), noon.Add(-time.Hour)
	if _, err := g.Accept(signed(t, keyOf(1), expired), noon); reasonOf(err) != Expired {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g.Last(), before) {
		t.Errorf("got %+v, want %+v", g.Last(), before)
	}
	if _, err := g.Accept(first, noon); err != nil {
		t.Errorf("the last ones again: %v", err)
	}
	if _, err := g.Accept(signed(t, keyOf(1), anOrder(11)), noon); err != nil {
		t.Errorf("the next ones: %v", err)
	}
}

// TestARestartForgetsNothing holds that a gate that resumed refuses what it would have
// refused before, and that being away for longer than orders last does no harm.
func TestARestartForgetsNothing(t *testing.T) {
	kept, old := signed(t, keyOf(1), anOrder(10)), signed(t, keyOf(1), anOrder(9))
	g := newGate()
	if got, err := g.Resume(kept); err != nil || got.Sequence != 10 {
		t.Fatalf("got %d, %v", got.Sequence, err)
	}
	if _, err := g.Accept(old, noon); reasonOf(err) != Older {
		t.Errorf("got %v, want them to be older", err)
	}
	other := NewGate("agent-2", keyOf(1).Public().(ed25519.PublicKey))
	if _, err := other.Resume(kept); reasonOf(err) != OfAnother {
		t.Errorf("got %v, want them to be another's", err)
	}
}

func TestOrdersThatNobodyCanFollowAreNotSigned(t *testing.T) {
	for name, edit := range map[string]func(*Orders){
		"agent":      func(o *Orders) { o.Agent = "" },
		"sequence":   func(o *Orders) { o.Sequence = 0 },
		"expires":    func(o *Orders) { o.Expires = o.Issued },
		"two named":  func(o *Orders) { o.Policies.Set = append(o.Policies.Set, o.Policies.Set[0]) },
		".name":      func(o *Orders) { o.Policies.Set[0].Name = "" },
		".mode":      func(o *Orders) { o.Policies.Set[0].Mode = "" },
		".id":        func(o *Orders) { o.Commands[0].ID = "" },
		"bytes, and": func(o *Orders) { o.Policies.Set[0].Text = strings.Repeat("x", MaxPayload) },
	} {
		o := anOrder(1)
		edit(o)
		if _, err := Sign(keyOf(1), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzAcceptedOrdersAreThoseThatWereSigned(f *testing.F) {
	good, err := Sign(keyOf(1), anOrder(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.Payload, good.Signature, good.Key)
	f.Add([]byte(`{"agent":"agent-1","sequence":1}`), good.Signature, good.Key)
	f.Add([]byte(nil), []byte(nil), "")
	f.Fuzz(func(t *testing.T, payload, signature []byte, key string) {
		g := newGate()
		_, err := g.Accept(Signed{payload, signature, key}, noon)
		if err == nil && !bytes.Equal(payload, good.Payload) {
			t.Fatalf("accepted what was never signed: %q", payload)
		}
		if err != nil && reasonOf(err) == "" {
			t.Fatalf("not a refusal: %v", err)
		}
		// Signed bytes of any kind are refused or followed, never worse.
		o, err := newGate().Accept(raw(string(payload)), noon)
		if err != nil && reasonOf(err) == "" {
			t.Fatalf("not a refusal: %v", err)
		}
		if err == nil && (o.Check() != nil || o.Agent != "agent-1") {
			t.Fatalf("accepted what can't be followed: %+v", o)
		}
	})
}

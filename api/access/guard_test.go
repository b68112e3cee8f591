package access

import (
	"errors"
	"testing"
	"time"

	"nightjar/api/access/audit"
	"nightjar/schema"
)

// book is a Recorder that remembers.
type book struct {
	entries []audit.Entry
	fail    error
}

func (b *book) Write(e audit.Entry) error {
	if b.fail == nil {
		b.entries = append(b.entries, e)
	}
	return b.fail
}
func (b *book) Note(e audit.Entry)   { b.entries = append(b.entries, e) }
func (b *book) Refuse(e audit.Entry) { e.Outcome = audit.Refused; b.entries = append(b.entries, e) }

func (w *world) guard(rate float64) (*Guard, *book) {
	b := &book{}
	return &Guard{Keys: w.keys, Limits: NewLimits(rate, func() time.Time { return w.now }), Audit: b}, b
}

func TestEveryRefusalIsWrittenDownWithItsReasonAndNoKey(t *testing.T) {
	w := newWorld(t)
	_, reader := w.create(Key{Name: "reader", Role: Reader})
	_, old := w.create(Key{Name: "old", Role: Reader, Expires: schema.MillisOf(w.now.Add(time.Minute))})
	w.now = w.now.Add(time.Hour)
	for _, x := range []struct {
		key    string
		reason string
		caller string
	}{
		{"", "no key", ""}, {"wrong", "wrong key", ""}, {old, "expired key", "old"}, {reader, "not allowed: detection:write", "reader"},
	} {
		g, b := w.guard(0)
		k := Knock{Sent: Sent{Keys: given([]string{x.key})}, Action: "/nightjar.v1.RuleService/CreateRule", Address: "192.0.2.1:999", Request: "abc"}
		c, err := g.Admit(k)
		if err == nil {
			e, ok := OfMethod(k.Action)
			err = g.Check(k, c, e, ok)
		}
		var denied *DeniedError
		if !errors.As(err, &denied) {
			t.Errorf("%s: %v", x.reason, err)
		}
		want := audit.Entry{Action: "RuleService/CreateRule", Outcome: audit.Refused, Address: "192.0.2.1", Request: "abc", Detail: x.reason, Caller: x.caller}
		if len(b.entries) != 1 {
			t.Fatalf("%s: %+v", x.reason, b.entries)
		}
		got := b.entries[0]
		got.CallerID, got.Role = "", ""
		if got != want {
			t.Errorf("%s: %+v", x.reason, b.entries)
		}
	}
}

func TestWhatHasNoRowNobodyMayCall(t *testing.T) {
	w := newWorld(t)
	g, b := w.guard(0)
	e, ok := OfMethod("/nightjar.v1.RuleService/Unheard")
	if err := g.Check(Knock{}, Caller{Role: Admin, Kind: WithKey}, e, ok); ok || !errors.As(err, new(*DeniedError)) || len(b.entries) != 1 {
		t.Errorf("%v %v", ok, err)
	}
}

func TestACallerThatAsksTooMuchIsToldWhenToComeBack(t *testing.T) {
	w := newWorld(t)
	g, b := w.guard(1)
	k := Knock{Sent: Sent{Keys: []string{first}}}
	var limited *LimitedError
	for range 2 {
		if _, err := g.Admit(k); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Admit(k); !errors.As(err, &limited) || limited.After != time.Second || len(b.entries) != 1 {
		t.Errorf("%v, %+v", err, b.entries)
	}
}

func TestAChangeIsWrittenDownBeforeItIsMadeAndAfter(t *testing.T) {
	w := newWorld(t)
	g, b := w.guard(0)
	ctx := With(t.Context(), Caller{ID: "1", Name: "somebody", Role: Engineer, Kind: WithKey})
	d := Deed{Noted: Change, Action: "RuleService/CreateRule", Object: "a rule"}
	failure := errors.New("no")
	for _, err := range []error{nil, failure} {
		b.entries = nil
		got := g.Do(ctx, d, func() (string, error) {
			if len(b.entries) != 1 || b.entries[0].Outcome != audit.Begun || b.entries[0].Caller != "somebody" {
				t.Errorf("before: %+v", b.entries)
			}
			return "abc", err
		})
		want := map[error]audit.Outcome{nil: audit.Done, failure: audit.Failed}[err]
		if !errors.Is(got, err) || len(b.entries) != 2 || b.entries[1].Outcome != want || b.entries[1].Object != "abc" {
			t.Errorf("after: %v, %+v", got, b.entries)
		}
	}
	b.entries, b.fail = nil, failure
	err := g.Do(ctx, d, func() (string, error) { t.Error("it was done"); return "", nil })
	if !errors.As(err, new(*UnwrittenError)) || !errors.Is(err, failure) || len(b.entries) != 0 {
		t.Errorf("not written: %v, %+v", err, b.entries)
	}
	if err := g.Do(ctx, Deed{}, func() (string, error) { return "", nil }); err != nil {
		t.Errorf("what is not written down needs no log: %v", err)
	}
}

package retention

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nightjar/objects/objectstest"
	"nightjar/schema"
)

var started = Policy{Events: 90 * day, Signals: 450 * day, Matches: 35 * day, Responses: 450 * day, DiskQuota: 50_000_000_000}

// TestWhatIsSaidHoldsInPlaceOfTheStart, over a restart, until it is taken back.
func TestWhatIsSaidHoldsInPlaceOfTheStart(t *testing.T) {
	table, changed := &objectstest.Table{}, 0
	open := func() *Kept {
		k := NewKept(table, time.Now, func() { changed++ })
		if err := k.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		return k
	}
	holds := func(k *Kept, want Policy) {
		t.Helper()
		if p, err := k.Now().Body.In(started); err != nil || p != want {
			t.Errorf("%+v holds, want %+v: %v", p, want, err)
		}
	}
	k := open()
	holds(k, started)
	before := changed
	if _, err := k.Set(t.Context(), Settings{Events: " 30d", DiskQuota: "none", By: "jane"}, k.Now().Version); err != nil {
		t.Fatal(err)
	}
	if changed == before {
		t.Error("nobody hears of the change")
	}
	want := started
	want.Events, want.DiskQuota = 30*day, 0
	holds(k, want)
	k = open()
	holds(k, want)
	if v := k.Now(); v.Body.By != "jane" || v.Version != 2 {
		t.Errorf("%+v", v)
	}
	if _, err := k.Set(t.Context(), Settings{}, 1); !errors.As(err, new(*schema.ConflictError)) {
		t.Errorf("a change of what somebody changed: %v", err)
	}
	if _, err := k.Set(t.Context(), Settings{}, 2); err != nil {
		t.Fatal(err)
	}
	holds(k, started)
}

func TestSettingsThatCannotBeMeantAreRefusedByName(t *testing.T) {
	k := NewKept(&objectstest.Table{}, time.Now, func() {})
	for name, bad := range map[string]Settings{
		"events": {Events: "0d"}, "signals": {Signals: "soon"}, "matches": {Matches: "-1d"}, "responses": {Responses: "999999y"}, "disk_quota": {DiskQuota: "a lot"},
	} {
		var invalid *schema.InvalidError
		if _, err := k.Set(t.Context(), bad, 0); !errors.As(err, &invalid) || len(invalid.Details) != 1 || invalid.Details[0].Target != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, small := range []string{"0", "1", "10MB"} {
		if _, err := (Settings{DiskQuota: small}).In(started); err == nil || !strings.Contains(err.Error(), "none") {
			t.Errorf("a quota of %s: %v", small, err)
		}
	}
	if k.Now().Version != 1 {
		t.Error("a refusal left a trace")
	}
}

// TestAPolicyIsWrittenAsItIsRead, whatever it is.
func TestAPolicyIsWrittenAsItIsRead(t *testing.T) {
	for _, p := range []Policy{started, {}, {Events: 5 * time.Hour, Signals: 10 * 365 * day, Matches: 7 * day, Responses: 30 * day, DiskQuota: 1<<32 + 1}, {DiskQuota: 4 << 30}} {
		if back, err := SettingsOf(p).In(Policy{Events: day, DiskQuota: 1}); err != nil || back != p {
			t.Errorf("%+v came back as %+v: %v", SettingsOf(p), back, err)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("90d", "50GB")
	f.Add("for-ever", "none")
	f.Add("9999999999999999y", "9e99EB")
	f.Fuzz(func(t *testing.T, term, quota string) {
		p, err := Settings{Events: term, DiskQuota: quota}.In(Policy{})
		if err != nil {
			return
		}
		if p.Events < 0 || p.DiskQuota < 0 {
			t.Fatalf("%q, %q: %+v", term, quota, p)
		}
		if back, err := SettingsOf(p).In(Policy{}); err != nil || back != p {
			t.Errorf("%+v came back as %+v: %v", p, back, err)
		}
	})
}

package respond

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheSwitchIsKept holds that it outlives a restart, that what one has disarmed the
// other can't arm, and that who watches is told.
func TestTheSwitchIsKept(t *testing.T) {
	dir := t.TempDir()
	open := func() *Switch {
		t.Helper()
		s, err := OpenSwitch(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if s.Disarmed() != "" {
		t.Fatal(s.Disarmed())
	}
	var told []bool
	s.Watch(func(disarmed bool) { told = append(told, disarmed) })
	now := time.Unix(1_700_000_000, 0)
	if err := s.Disarm(Server, "an incident", now); err != nil {
		t.Fatal(err)
	}
	s = open()
	if got := s.Disarmed(); !strings.Contains(got, "server") || !strings.Contains(got, "an incident") || !strings.Contains(got, "2023-11-14") {
		t.Errorf("it says %q", got)
	}
	if err := s.Arm(Host); err != nil || s.Disarmed() == "" {
		t.Error("the host has armed what the server disarmed", err)
	}
	if err := s.Disarm(Host, "", now); err != nil {
		t.Fatal(err)
	}
	if err := s.Arm(Server); err != nil || !strings.Contains(s.Disarmed(), "host") {
		t.Error("the server has armed what the host disarmed", err)
	}
	if err := s.Arm(Host); err != nil || open().Disarmed() != "" {
		t.Error("it is still disarmed", err)
	}
	if len(told) != 2 || told[0] || !told[1] {
		t.Errorf("who watches was told %v", told)
	}
}

// TestASwitchThatCantBeReadIsDisarmed holds that nothing is killed where it is not known
// that it may be.
func TestASwitchThatCantBeReadIsDisarmed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, switchFile), []byte(`{"host":`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSwitch(dir)
	if err == nil || s.Disarmed() == "" {
		t.Fatalf("%q, %v", s.Disarmed(), err)
	}
	if err := s.Arm(Host); err != nil || s.Disarmed() != "" {
		t.Error("it can't be armed", err)
	}
	if s, err = OpenSwitch(dir); err != nil || s.Disarmed() != "" {
		t.Error("it was not kept", err)
	}
}

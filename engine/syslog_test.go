package engine

import (
	"strings"
	"testing"
)

// TestSyslogIsOpenToNobodyUnasked holds that a mistake in the settings of syslog is
// told before anything starts.
func TestSyslogIsOpenToNobodyUnasked(t *testing.T) {
	for _, c := range []struct{ flag, value, says string }{
		{"--syslog-udp", "0.0.0.0:5514", "syslog-allow"},
		{"--syslog-tcp", "5514", "want an address"},
		{"--syslog-allow", "everybody", "no network"},
		{"--syslog-tls", "127.0.0.1:6514", "syslog-tls-cert"},
		{"--syslog-tz", "Mars", "syslog-tz"},
		{"--syslog-connections", "0", "syslog-connections"},
	} {
		flags := flagsOf(t)
		if err := flags.Set(strings.TrimPrefix(c.flag, "--"), c.value); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadConfig(flags); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: %v", c.flag, c.value, err)
		}
	}
	t.Setenv("NIGHTJAR_SYSLOG_ALLOW", "10.0.0.0/8,2001:db8::/32")
	flags := flagsOf(t)
	if err := flags.Set("syslog-udp", "[::]:5514"); err != nil {
		t.Fatal(err)
	}
	if c, err := ReadConfig(flags); err != nil || len(c.Syslog.Allow) != 2 {
		t.Errorf("%v %v", c.Syslog.Allow, err)
	}
}

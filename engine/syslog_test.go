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

// TestPlainSyslogBeyondLoopbackIsTold at the start.
func TestPlainSyslogBeyondLoopbackIsTold(t *testing.T) {
	base := map[string]string{"syslog-allow": "10.0.0.0/8", "syslog-tz": "UTC", "syslog-connections": "1", "syslog-idle": "1h"}
	for address, want := range map[string]int{"": 0, "127.0.0.1:514": 0, "localhost:514": 0, ":514": 2, "0.0.0.0:514": 2, "[::]:514": 2} {
		base["syslog-udp"], base["syslog-tcp"] = address, address
		c, err := parseSyslog(base)
		if err != nil {
			t.Fatal(err)
		}
		said := plainSyslog(c)
		if len(said) != want {
			t.Errorf("%q: %q", address, said)
		}
		for _, text := range said {
			if !strings.Contains(text, "10.0.0.0/8") {
				t.Error(text)
			}
		}
	}
}

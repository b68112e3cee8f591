package rest

import (
	"strings"
	"testing"
)

func TestForeignHostsAreRefusedUnlessAllowed(t *testing.T) {
	for _, c := range []struct {
		listen, host string
		want         bool
	}{
		{"127.0.0.1:8420", "127.0.0.1:8420", true},
		{"127.0.0.1:8420", "localhost", true},
		{"127.0.0.1:8420", "LOCALHOST:1", true},
		{"127.0.0.1:8420", "x.localhost:8420", true},
		{"127.0.0.1:8420", "[::1]:8420", true},
		{"127.0.0.1:8420", "[::ffff:127.0.0.1]", true},
		{"127.0.0.1:8420", "127.9.9.9", true},
		{"127.0.0.1:8420", "", true},
		{"127.0.0.1:8420", "siem.example", true},
		{"127.0.0.1:8420", "Siem.Example.:443", true},
		{"127.0.0.1:8420", "evil.example:8420", false},
		{"127.0.0.1:8420", "siem.example.evil.example", false},
		{"127.0.0.1:8420", "127.0.0.1.evil.example", false},
		{"127.0.0.1:8420", "localhost.evil.example", false},
		{"127.0.0.1:8420", "10.0.0.1:8420", false},
		{"10.0.0.1:8420", "10.0.0.1:8420", true},
		{"10.0.0.1:8420", "10.0.0.2:8420", false},
		{"0.0.0.0:8420", "10.0.0.2:8420", true},
		{":8420", "[fd00::1]:8420", true},
		{":8420", "evil.example", false},
		{"engine:8420", "engine:8420", true},
	} {
		if got := newHosts(c.listen, []string{"siem.example"}).allows(c.host); got != c.want {
			t.Errorf("listening on %s, asked for %q: %v", c.listen, c.host, got)
		}
	}
}

func FuzzHosts(f *testing.F) {
	f.Add("evil.example:80")
	f.Add("[::1]:80")
	h := newHosts("127.0.0.1:8420", nil)
	f.Fuzz(func(t *testing.T, host string) {
		if h.allows(host) && strings.HasSuffix(strings.ToLower(host), ".example") {
			t.Errorf("%q is allowed", host)
		}
	})
}

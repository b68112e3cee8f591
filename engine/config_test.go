package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func flagsOf(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("up", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func TestFlagBeatsEnvironmentBeatsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nightjar.yaml")
	if err := os.WriteFile(path, []byte("lateness: 1h\npace: 2s\nhttp: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NIGHTJAR_LATENESS", "2d")
	t.Setenv("NIGHTJAR_PACE", "3s")
	c, err := ReadConfig(flagsOf(t, "--config", path, "--pace", "4s"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Pace != 4*time.Second || c.Lateness != 48*time.Hour || c.HTTP != "127.0.0.1:1" || c.GRPC != "127.0.0.1:8421" {
		t.Errorf("got %+v: want pace of the flag, lateness of the environment, http of the file, grpc by default", c)
	}
}

func TestListsComeFromFlagsEnvironmentAndFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nightjar.yaml")
	if err := os.WriteFile(path, []byte("geoip: [/a:1.mmdb, b.mmdb]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := func(from string, files []string, args ...string) {
		t.Helper()
		c, err := ReadConfig(flagsOf(t, args...))
		if err != nil || !slices.Equal(c.GeoIP, files) {
			t.Errorf("%s: got %q, %v, want %q", from, c.GeoIP, err, files)
		}
	}
	want("nothing", nil)
	want("file", []string{"/a:1.mmdb", "b.mmdb"}, "--config", path)
	want("flags", []string{"c:2.mmdb", "d,3.mmdb"}, "--config", path, "--geoip", "c:2.mmdb", "--geoip", "d,3.mmdb")
	t.Setenv("NIGHTJAR_GEOIP", "e.mmdb:f.mmdb")
	want("environment", []string{"e.mmdb", "f.mmdb"}, "--config", path)
	if err := os.WriteFile(path, []byte("http: [a, b]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(flagsOf(t, "--config", path)); err == nil || !strings.Contains(err.Error(), "http takes one value") {
		t.Errorf("a list for one value: got error %v", err)
	}
}

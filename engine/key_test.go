package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodKey = "0123456789abcdef0123456789abcdef"

func TestAKeyThatCanBeGuessedOrReadIsRefusedWithTheMend(t *testing.T) {
	for _, c := range []struct {
		name, configured, file, config string
		mode                           os.FileMode
		want                           string // part of the error
	}{
		{name: "configured", configured: goodKey},
		{name: "31 characters", configured: goodKey[:31], want: "openssl rand -hex 32"},
		{name: "a blank", configured: goodKey + " x", want: "openssl rand -hex 32"},
		{name: "of a file", file: goodKey + "\n", mode: 0o600},
		{name: "of a file for reading", file: goodKey, mode: 0o400},
		{name: "short in a file", file: "secret", mode: 0o600, want: "delete the file"},
		{name: "an empty file", file: "\n", mode: 0o600, want: "delete it"},
		{name: "everybody's file", file: goodKey, mode: 0o644, want: "chmod 600 "},
		{name: "a group's file", file: goodKey, mode: 0o640, want: "chmod 600 "},
		{name: "everybody's to write", file: goodKey, mode: 0o602, want: "chmod 600 "},
		{name: "none yet"},
		{name: "of everybody's configuration", config: "api-key: " + goodKey, mode: 0o644, want: "chmod o= "},
		{name: "of a configuration", config: "api-key: " + goodKey, mode: 0o640},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Config{DataDir: t.TempDir(), APIKey: c.configured}
			if c.file != "" {
				writeMode(t, filepath.Join(config.DataDir, KeyFile), c.file, c.mode)
			}
			if c.config != "" {
				path := filepath.Join(t.TempDir(), "config.yaml")
				writeMode(t, path, c.config, c.mode)
				flags := flagsOf(t)
				if err := flags.Set("config", path); err != nil {
					t.Fatal(err)
				}
				var err error
				if config, err = ReadConfig(flags); err != nil {
					t.Fatal(err)
				}
			}
			key, path, err := serverKey(config)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q in it", err, c.want)
				}
				if secret := strings.TrimSpace(c.configured + c.file); err != nil && secret != "" && strings.Contains(err.Error(), secret) {
					t.Error("the error shows the key")
				}
				return
			}
			if err != nil || len(key) < minKey {
				t.Fatalf("%q, %v", key, err)
			}
			if c.name == "none yet" {
				info, err := os.Stat(path)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("the file that was made: %v, %v", info.Mode(), err)
				}
			}
		})
	}
}

func writeMode(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

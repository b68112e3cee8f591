package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// withFlags is a command that talks to an engine, with these arguments.
func withFlags(t *testing.T, args ...string) *cobra.Command {
	t.Helper()
	c := &cobra.Command{Use: "x"}
	addClientFlags(c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAKeyIsReadFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("of-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NIGHTJAR_API_KEY", "")
	if key, err := secretSetting(withFlags(t, "--api-key-file", file), "api-key"); key != "of-the-file" || err != nil {
		t.Errorf("%q %v", key, err)
	}
	t.Setenv("NIGHTJAR_API_KEY_FILE", file)
	if key, err := secretSetting(withFlags(t), "api-key"); key != "of-the-file" || err != nil {
		t.Errorf("by the environment: %q %v", key, err)
	}
	t.Setenv("NIGHTJAR_API_KEY", "of-the-environment")
	if key, err := secretSetting(withFlags(t), "api-key"); key != "of-the-environment" || err != nil {
		t.Errorf("both by the environment: %q %v", key, err)
	}
	if _, err := secretSetting(withFlags(t, "--api-key-file", file), "api-key"); err == nil || !strings.Contains(err.Error(), "want one of them") {
		t.Errorf("both: %v", err)
	}
	t.Setenv("NIGHTJAR_API_KEY", "")
	if _, err := secretSetting(withFlags(t, "--api-key-file", file+"-not"), "api-key"); err == nil {
		t.Error("a file that there is not")
	}
}

// TestASecretOnTheCommandLineIsWarnedOf without being said again.
func TestASecretOnTheCommandLineIsWarnedOf(t *testing.T) {
	said := func(args ...string) string {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		was := os.Stderr
		os.Stderr = write
		warnOfSecrets(withFlags(t, args...))
		os.Stderr = was
		write.Close()
		out := make([]byte, 4096)
		n, _ := read.Read(out)
		return string(out[:n])
	}
	if out := said("--api-key", "hidden-key"); !strings.Contains(out, "NIGHTJAR_API_KEY") || !strings.Contains(out, "--api-key-file") || strings.Contains(out, "hidden-key") {
		t.Errorf("warned: %q", out)
	}
	if out := said("--api-key-file", "x") + said("--api-key", "") + said(); out != "" {
		t.Errorf("warned of nothing: %q", out)
	}
}

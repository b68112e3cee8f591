package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/engine"
)

// secretFlags are those whose values let somebody in, each with where it is not seen.
var secretFlags = map[string]string{
	"api-key": "--api-key-file", "enroll": "--enroll-file",
	"clickhouse": "the file of --config", "clickhouse-analyst": "the file of --config",
}

// warnOfSecrets says which secrets stand on the command line: everybody on the host sees it,
// as ps shows it, for as long as the command runs.
func warnOfSecrets(c *cobra.Command) {
	for _, name := range []string{"api-key", "enroll", "clickhouse", "clickhouse-analyst"} {
		f := c.Flags().Lookup(name)
		if f == nil || !f.Changed || f.Value.String() == "" {
			continue
		}
		if strings.HasPrefix(name, "clickhouse") && !strings.Contains(f.Value.String(), "@") { // no password
			continue
		}
		fmt.Fprintf(os.Stderr, "warning: everybody on this host sees the value of --%s (ps shows it): put it into %s, or use %s\n", name, engine.EnvName(name), secretFlags[name])
	}
}

// secretSetting is a secret: from its flag or variable, or from the file that its -file flag,
// or the variable of that, names.
func secretSetting(c *cobra.Command, name string) (string, error) {
	value, path := setting(c, name), setting(c, name+"-file")
	if value == "" && path != "" {
		return engine.ReadKey(path)
	}
	if value != "" && path != "" && c.Flags().Changed(name+"-file") {
		return "", &usageError{c.CommandPath(), errors.New("--" + name + "-file: there is a value in --" + name + " or " + engine.EnvName(name) + " too; want one of them")}
	}
	return value, nil
}

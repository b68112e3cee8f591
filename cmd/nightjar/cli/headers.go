package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// headersOf are the headers that a user wants sent, as NAME: VALUE each; nil: none.
func headersOf(c *cobra.Command, texts []string) (map[string]string, error) {
	var out map[string]string
	for _, h := range texts {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, &usageError{c.CommandPath(), fmt.Errorf("--header: want NAME: VALUE, got %q", name)}
		}
		if out == nil {
			out = map[string]string{}
		}
		out[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return out, nil
}

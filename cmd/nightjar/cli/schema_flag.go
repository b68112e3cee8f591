package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nightjar/schema/vocabulary"
)

// schemaFlag is --schema: in whose names a question is asked and answered.
type schemaFlag struct{ name string }

func (s *schemaFlag) add(f *pflag.FlagSet, usage string) { f.StringVar(&s.name, "schema", "", usage) }

func (s *schemaFlag) parse(c *cobra.Command) (vocabulary.Vocabulary, error) {
	names, err := vocabulary.Parse(s.name)
	if err != nil {
		return names, &usageError{c.CommandPath(), fmt.Errorf("--schema: %w", err)}
	}
	return names, nil
}

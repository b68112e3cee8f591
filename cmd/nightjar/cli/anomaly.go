package cli

import (
	"github.com/spf13/cobra"
)

func newAnomaly() *cobra.Command {
	c := &cobra.Command{
		Use:     "anomaly",
		Short:   "Ask the seasonal models",
		Example: "  nightjar anomaly score --csv cpu.csv",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newAnomalyScore(), newAnomalyExplain())
	return c
}

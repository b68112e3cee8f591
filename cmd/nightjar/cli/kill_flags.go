package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"nightjar/agent/respond"
)

// killFlags say what an agent never kills, and how much a rule may kill: the same for an
// agent and for what asks what one would have done.
type killFlags struct {
	protect []string
	limits  respond.Limits
}

func (k *killFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&k.protect, "protect", nil, "a program, by its absolute path, that no rule kills, beside pid 1, nightjar, systemd, sshd, kubelet and container runtimes")
	f.IntVar(&k.limits.Kills, "kill-limit", respond.DefaultLimits.Kills, "kills of one executable, or in one container, after which a rule is disarmed for it; and different ones, after which it is dismantled")
	f.DurationVar(&k.limits.Window, "kill-window", respond.DefaultLimits.Window, "time within which kills are counted for --kill-limit")
}

func (k *killFlags) check(c *cobra.Command) error {
	if k.limits.Kills < 1 || k.limits.Window <= 0 {
		return &usageError{c.CommandPath(), errors.New("--kill-limit and --kill-window: want more than 0; `nightjar agent disarm` stops all killing")}
	}
	k.limits.Spread = k.limits.Kills
	for _, program := range k.protect {
		if !filepath.IsAbs(program) {
			return &usageError{c.CommandPath(), fmt.Errorf("--protect: want an absolute path of a program, got %q", program)}
		}
	}
	return nil
}

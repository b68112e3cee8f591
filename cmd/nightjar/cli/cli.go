package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nightjar/agent/deny"
	"nightjar/clickhouse"
	"nightjar/schema"
)

// Main runs the program with the arguments of the process, and returns its code of exit.
func Main(version string) int {
	clickhouse.RunChild() // returns, unless this process is to be the embedded server
	deny.RunStandIn()     // likewise, unless it is to answer for an agent that is stopped
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what does not end by itself
	return run(ctx, version, os.Args[1:])
}

// Exit codes of every command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// run is Main without the process.
func run(ctx context.Context, version string, args []string) int {
	root := newRoot()
	root.Version = version
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = interrupted(err)
	}
	fmt.Fprintln(os.Stderr, "nightjar:", err)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(os.Stderr, "See `%s --help`.\n", usage.command)
		return exitUsage
	}
	return exitFailure
}

// interruptedError is a command that was interrupted when it had done a part.
type interruptedError struct{ done string }

func (i *interruptedError) Error() string { return "interrupted: " + i.done }

func (i *interruptedError) Is(target error) bool { return target == context.Canceled }

// interrupted is all that there is to say of a command that was told to stop.
func interrupted(err error) error {
	var part *interruptedError
	if errors.As(err, &part) {
		return part
	}
	return errors.New("interrupted")
}

// usageError is a wrong command line, as opposed to a command that failed.
type usageError struct {
	command string
	err     error
}

func (u *usageError) Error() string { return u.err.Error() }
func (u *usageError) Unwrap() error { return u.err }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "nightjar",
		Short: "A security detection engine on ClickHouse",
		Long: `Nightjar takes in logs, evaluates detection rules over them, and tells you in
seconds when something is wrong. It runs an embedded ClickHouse, or uses yours.`,
		Example: `  nightjar up                                   start the engine
  nightjar ingest --source sshd /var/log/auth.log
  nightjar search 'source:sshd "Failed password"' --from -1h
  nightjar sql "SELECT count() FROM events"`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              cobra.NoArgs,
		PersistentPreRun:  func(c *cobra.Command, _ []string) { warnOfSecrets(c) },
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(newUp(), newIngest(), newSearch(), newSQL(), newStatus(), newAgents(), newSignals(), newResponses(), newRules(), newSuppressions(), newPipelinesCommand(), newTablesCommand(), newIntel(), newReparse(), newNotificationsCommand(), newKeysCommand(), newUsersCommand(), newAuditCommand(), newDelete(), newRetention(), newBacktest(), newJobsCommand(), newTest(), newCoverage(), newExplain(), newBackup(), newRestore(), newAnomaly(), newSECL(), newAgent(), newDemo(), newDemoProgram())
	asUsage(root)
	return root
}

// meant is the commands that somebody may have meant who named none.
func meant(c *cobra.Command, args []string) string {
	if !c.HasSubCommands() || len(args) == 0 {
		return ""
	}
	c.SuggestionsMinimumDistance = 2
	if close := c.SuggestionsFor(args[0]); len(close) > 0 {
		return "; did you mean " + strings.Join(close, " or ") + "?"
	}
	return ""
}

// nearFlag names the flag that somebody may have meant who gave an unknown one.
func nearFlag(c *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	near := schema.Closest(name, names, 2)
	if near == "" {
		near = schema.Containing(name, names)
	}
	if near == "" {
		return err
	}
	return fmt.Errorf("%w; did you mean --%s?", err, near)
}

// asUsage makes wrong flags and arguments usage errors, in the command and
// those below it.
func asUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{c.CommandPath(), nearFlag(c, err)}
	})
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				message := strings.ReplaceAll(err.Error(), "accepts ", "takes ") + meant(c, args)
				if strings.Contains(message, " arg(s)") {
					message += ": " + strings.TrimSuffix(c.UseLine(), " [flags]")
				}
				return &usageError{c.CommandPath(), errors.New(message)}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		asUsage(sub)
	}
}

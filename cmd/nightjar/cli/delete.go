package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nightjar/schema"
)

const deletionsPath = "/api/nightjar/v1/deletions"

func newDelete() *cobra.Command {
	var from, to string
	var yes, preview bool
	c := &cobra.Command{
		Use: "delete QUERY", Short: "Delete the events that a query finds, such as those of a person",
		Long: `Says how many events the query finds, and deletes them when that is confirmed. They are
gone from searches at once, and from what later backups hold. It says what it does not
reach: signals, and backups that there are. It needs an administrator's key, and is in
the audit log: who, when, how many, and a hash of the query.`,
		Example: `  nightjar delete '@usr.email:jane@example.org' --preview
  nightjar delete '@usr.email:jane@example.org' --to 2026-01-01 --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			body := map[string]string{"query": args[0], "from": from, "to": to}
			var seen deletionSeen
			if err := cl.send(c.Context(), http.MethodPost, deletionsPath+":preview", body, &seen); err != nil {
				return err
			}
			if preview || seen.Events == "0" {
				return printDeletion(c, seen.deletionShown, "found")
			}
			if err := confirmDeletion(seen, yes); err != nil {
				return err
			}
			var done deletionShown
			if err := cl.send(c.Context(), http.MethodPost, deletionsPath, map[string]string{"query": args[0], "confirm": seen.Confirm}, &done); err != nil {
				return err
			}
			return printDeletion(c, done, "deleted")
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringVar(&from, "from", "", "events from then on: "+schema.MomentForms)
	c.Flags().StringVar(&to, "to", "", "events before then")
	c.Flags().BoolVar(&preview, "preview", false, "say how many there are, and delete nothing")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// deletionShown is what was found, or deleted.
type deletionShown struct {
	Events    json.Number `json:"events"`
	Signals   json.Number `json:"signals,omitempty"`
	Unreached []string    `json:"unreached"`
}

type deletionSeen struct {
	deletionShown
	Confirm string `json:"confirm"`
}

// confirmDeletion asks the person at the terminal for the number.
func confirmDeletion(seen deletionSeen, yes bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return fmt.Errorf("%s events would be deleted for good; say --yes, or --preview to look only", seen.Events)
	}
	fmt.Fprintf(os.Stderr, "This deletes %s events for good. Write their number to go on: ", seen.Events)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.TrimSpace(answer) != seen.Events.String() {
		return errors.New("nothing was deleted")
	}
	return nil
}

func printDeletion(c *cobra.Command, d deletionShown, verb string) error {
	if outputOf(c) != asTable {
		return result{data: d}.print(c)
	}
	fmt.Printf("%s events %s\n", d.Events, verb)
	if d.Signals != "" && d.Signals != "0" {
		fmt.Fprintf(os.Stderr, "The query finds %s signals too; they stay.\n", d.Signals)
	}
	fmt.Fprintln(os.Stderr, "Not reached:")
	for _, u := range d.Unreached {
		fmt.Fprintln(os.Stderr, "  - "+u)
	}
	return nil
}

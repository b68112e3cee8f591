package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
)

func (k *documents) deletedCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "deleted", Short: "List the " + k.plural + " that were deleted, the latest first",
		Long: `Lists what was deleted: its versions are kept, and "restore" brings it back, under its
id. Who deleted it is in "nightjar audit".`,
		Example: fmt.Sprintf("  nightjar %[1]s deleted\n  nightjar %[1]s deleted --output json", k.plural),
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, err := k.deleted(c.Context(), cl)
			if err != nil {
				return err
			}
			shown, rows := make([]json.RawMessage, len(all)), make([][]string, len(all))
			for i, d := range all {
				shown[i] = d.shown
				rows[i] = []string{d.name, d.id, strconv.FormatInt(d.version, 10), d.ended.String()}
			}
			return result{data: shown, header: []string{"NAME", "ID", "VERSION", "DELETED"}, rows: rows, none: "no " + k.plural + " were deleted"}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

// revived brings a deleted object back, and reports whether there is one of that id or name.
func (k *documents) revived(ctx context.Context, cl *client, idOrName string, version int64) (bool, error) {
	if k.deleted == nil {
		return false, nil
	}
	all, err := k.deleted(ctx, cl)
	if err != nil {
		return false, err
	}
	d, err := k.match(all, idOrName, idOrName)
	if err != nil || d == nil {
		return false, err
	}
	if err := k.revive(ctx, cl, d.id, version); err != nil {
		return true, err
	}
	fmt.Fprintf(os.Stderr, "%s %q (%s) is there again\n", k.noun, d.name, d.id)
	return true, nil
}

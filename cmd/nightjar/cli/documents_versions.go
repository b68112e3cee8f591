package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

// revision is an object as it was from some time on.
type revision struct {
	Version int64           `json:"version"`
	At      schema.Millis   `json:"updated_at"`
	By      string          `json:"updated_by,omitempty"`
	Changes []versionChange `json:"changes"`

	body map[string]any
}

type versionChange struct {
	Field  string `json:"field"`
	Type   string `json:"type"` // create, update or delete
	Change string `json:"change,omitempty"`
}

// readHistory reads the versions of an object. Those of the answer have it under
// the key noun.
func readHistory(ctx context.Context, c *client, path, noun string, read func(json.RawMessage) (document, error)) ([]revision, error) {
	var answer struct {
		Data struct {
			Attributes struct {
				Data map[string]map[string]json.RawMessage
			}
		}
	}
	if err := c.do(ctx, "GET", path, nil, nil, &answer); err != nil {
		return nil, err
	}
	var out []revision
	for number, of := range answer.Data.Attributes.Data {
		v := revision{Changes: []versionChange{}}
		var err error
		if v.Version, err = strconv.ParseInt(number, 10, 64); err != nil {
			return nil, fmt.Errorf("read version %q of the answer: %w", number, err)
		}
		if of["changes"] != nil {
			err = json.Unmarshal(of["changes"], &v.Changes)
		}
		d, bad := read(of[noun])
		if err = errors.Join(err, bad); err != nil {
			return nil, fmt.Errorf("read version %s of the answer: %w", number, err)
		}
		v.body = d.body
		var about struct {
			UpdatedAt, CreatedAt json.Number
			Updated              json.Number `json:"update_date"`
			Created              json.Number `json:"creation_date"`
			UpdatedBy            struct{ Name, Handle string }
		}
		_ = json.Unmarshal(of[noun], &about) // what does not fit is not shown
		for _, at := range []json.Number{about.UpdatedAt, about.Updated, about.CreatedAt, about.Created} {
			if n, err := at.Int64(); err == nil && n != 0 {
				v.At = schema.Millis(n)
				break
			}
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b revision) int { return int(b.Version - a.Version) })
	return out, nil
}

func (k *documents) historyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "history ID|NAME", Short: "Show the versions of a " + k.noun + ", the newest first",
		Long: fmt.Sprintf(`Shows every version of a %[1]s, when it was made and what it changed. "restore"
makes one of them the next; "diff" compares the newest with a file.`, k.noun),
		Example: fmt.Sprintf("  nightjar %[1]s history 'SSH brute force'\n  nightjar %[1]s history abc-def-ghi --output json", k.plural),
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			d, err := k.find(c.Context(), cl, args[0])
			if err != nil {
				return err
			}
			versions, err := k.history(c.Context(), cl, d.id)
			if err != nil {
				return err
			}
			rows := make([][]string, len(versions))
			for i, v := range versions {
				rows[i] = []string{fmt.Sprint(v.Version), v.At.String(), v.summary()}
			}
			return result{data: versions, header: []string{"VERSION", "SINCE", "CHANGED"}, rows: rows}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

// summary is what a version changed, in words.
func (v *revision) summary() string {
	var out []string
	for _, c := range v.Changes {
		text := c.Field
		if c.Change != "" && len(c.Change) <= 60 {
			text += " = " + c.Change
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}

func (k *documents) restoreCommand() *cobra.Command {
	var number int64
	c := &cobra.Command{
		Use: "restore ID|NAME --version N", Short: "Make an earlier version of a " + k.noun + " the next one",
		Example: fmt.Sprintf("  nightjar %[1]s history 'SSH brute force'\n  nightjar %[1]s restore 'SSH brute force' --version 3", k.plural),
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if number < 1 && k.deleted == nil {
				return k.needsVersion(c)
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			d, err := k.find(c.Context(), cl, args[0])
			if err != nil {
				if was, failed := k.revived(c.Context(), cl, args[0], number); was || failed != nil {
					return failed
				}
				return err
			}
			if number < 1 {
				return k.needsVersion(c)
			}
			return k.restore(c.Context(), cl, d, number)
		},
	}
	if k.deleted != nil {
		c.Use = "restore ID|NAME [--version N]"
		c.Long = fmt.Sprintf("Makes an earlier version of a %[1]s the next one. A %[1]s that was deleted is there again, as\nit was in that version, or in its last one.", k.noun)
	}
	addClientFlags(c)
	c.Flags().Int64Var(&number, "version", 0, "the version")
	return c
}

func (k *documents) needsVersion(c *cobra.Command) error {
	return &usageError{c.CommandPath(), fmt.Errorf("--version is needed: one that `nightjar %s history` shows", k.plural)}
}

// restore makes an earlier version of an object the next one.
func (k *documents) restore(ctx context.Context, cl *client, d document, number int64) error {
	versions, err := k.history(ctx, cl, d.id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(versions, func(v revision) bool { return v.Version == number })
	switch {
	case i < 0:
		return fmt.Errorf("%s %q has no version %d; `nightjar %s history` shows those it has", k.noun, d.name, number, k.plural)
	case i == 0:
		return fmt.Errorf("version %d of %s %q is the one in force", number, k.noun, d.name)
	}
	if err := k.update(ctx, cl, d, versions[i].body); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s %q (%s) is as it was in version %d\n", k.noun, d.name, d.id, number)
	return nil
}

// switchCommand is the command enable or disable.
func (k *documents) switchCommand(verb string) *cobra.Command {
	on := verb == "enable"
	short := "Switch " + k.plural + " off; what they say is kept"
	if on {
		short = "Switch " + k.plural + " on"
	}
	c := &cobra.Command{
		Use: verb + " ID|NAME…", Short: short,
		Example: fmt.Sprintf("  nightjar %s %s 'SSH brute force'", k.plural, verb),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return k.each(c.Context(), cl, args, verb+"d", func(d document) error {
				if d.body[k.enabled] == on {
					fmt.Fprintf(os.Stderr, "%s %q was %sd already\n", k.noun, d.name, verb)
					return nil
				}
				body := cleared(d.body, d.body)
				body[k.enabled] = on
				return k.update(c.Context(), cl, d, body)
			})
		},
	}
	addClientFlags(c)
	return c
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

// documents is a kind of object that users keep in files, as in git, and on a
// server: rules and suppressions. A file and an object on the server are the same
// when the file has its id, or else when they have one name.
type documents struct {
	noun, plural string
	query        string // an example
	enabled      string // the member that switches an object on
	// list reads the objects that a search finds.
	list func(ctx context.Context, c *client, query string) ([]document, error)
	// complete is what the server would keep of a file, and what it warns of.
	complete func(ctx context.Context, c *client, file map[string]any) (body map[string]any, warnings []string, err error)
	create   func(ctx context.Context, c *client, body map[string]any) (id string, err error)
	// update makes body of what there is.
	update func(ctx context.Context, c *client, was document, body map[string]any) error
	remove func(ctx context.Context, c *client, id string) error
	// history reads the versions of an object, the newest first.
	history func(ctx context.Context, c *client, id string) ([]revision, error)
	// deleted reads the objects that were deleted, and revive brings one back as it was in a
	// version; 0: the last. nil: what was deleted stays so.
	deleted func(ctx context.Context, c *client) ([]document, error)
	revive  func(ctx context.Context, c *client, id string, version int64) error
	// check says what is wrong with a file, without a server.
	check func(text []byte, tables tableFiles) (warnings []string, err error)
	// asksTables says that objects ask reference tables.
	asksTables bool
	// bundled has the objects that ship with the binary; nil: none do.
	bundled fs.FS
	// columns are the header of a list, which columnsHelp explains, and cell one of its
	// cells. measure reads what cells show beside the objects; nil: nothing.
	columns     []string
	columnsHelp string
	cell        func(d document, column string) string
	measure     func(ctx context.Context, c *client)
	// inOrder says that a list is in an order that means something.
	inOrder bool
	// read reads a file, and checkFile says what is wrong with it; nil: as JSON or YAML of
	// an object, and as check does.
	read      func(path string) (document, error)
	checkFile func(path string) (warnings []string, err error)
}

// readFile reads a file of an object.
func (k *documents) readFile(path string) (document, error) {
	if k.read != nil {
		return k.read(path)
	}
	return readDocument(path)
}

// document is an object as its author would write it, and what the server says.
type document struct {
	id, name string
	version  int64
	body     map[string]any
	shown    json.RawMessage // as the server shows it
	path     string          // of a file
	builtIn  bool            // it ships, so that no file has to be about it
	ended    schema.Millis   // when it was deleted; 0: it was not
}

// text is the one way in which the object is written, without its id.
func (d *document) text() (string, error) {
	if d == nil {
		return "", nil
	}
	var out bytes.Buffer
	err := printJSON(&out, d.body)
	return out.String(), err
}

// withID is the object as a file has it: its id says which it is, whatever its
// name becomes.
func (d *document) withID() map[string]any {
	out := map[string]any{"id": d.id}
	for key, value := range d.body {
		out[key] = value
	}
	return out
}

func (k *documents) command() *cobra.Command {
	c := &cobra.Command{
		Use: k.plural, Short: "Keep " + k.plural + " in files as on a server",
		Example: fmt.Sprintf("  nightjar %[1]s list\n  nightjar %[1]s pull %[1]s/\n  nightjar %[1]s apply %[1]s/", k.plural),
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(k.listCommand(), k.getCommand(), k.applyCommand(), k.diffCommand(), k.pullCommand(), k.validateCommand(), k.deleteCommand(),
		k.switchCommand("enable"), k.switchCommand("disable"), k.historyCommand(), k.restoreCommand())
	if k.deleted != nil {
		c.AddCommand(k.deletedCommand())
	}
	return c
}

func (k *documents) listCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list [QUERY]", Short: "List " + k.plural + " by name", Long: k.columnsHelp,
		Example: fmt.Sprintf("  nightjar %s list\n  nightjar %s list '%s' --output json", k.plural, k.plural, k.query),
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, err := k.list(c.Context(), cl, strings.Join(args, " "))
			if err != nil {
				return err
			}
			if !k.inOrder {
				slices.SortStableFunc(all, func(a, b document) int { return strings.Compare(a.name, b.name) })
			}
			shown := make([]json.RawMessage, len(all))
			for i, d := range all {
				shown[i] = d.shown
			}
			return k.table(c.Context(), cl, shown, all...).print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

// table shows objects: data for programs, a row of each for people.
func (k *documents) table(ctx context.Context, c *client, data any, all ...document) result {
	if k.measure != nil {
		k.measure(ctx, c)
	}
	rows := make([][]string, len(all))
	for i, d := range all {
		for _, column := range k.columns {
			rows[i] = append(rows[i], k.cell(d, column))
		}
	}
	return result{data: data, header: k.columns, rows: rows, none: "no " + k.plural}
}

func (k *documents) getCommand() *cobra.Command {
	var bare bool
	c := &cobra.Command{
		Use: "get ID|NAME", Short: "Show one " + k.noun + " in full",
		Example: fmt.Sprintf("  nightjar %s get abc-def-ghi\n  nightjar %s get 'SSH brute force' --bare > file.json", k.plural, k.plural),
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
			data := any(d.shown)
			if bare {
				data = d.withID()
			}
			return k.table(c.Context(), cl, data, d).print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, documentFormats...)
	c.Flags().BoolVar(&bare, "bare", false, "only its id and what its author says: the text of a file")
	return c
}

// find is the object with an id or name.
func (k *documents) find(ctx context.Context, c *client, idOrName string) (document, error) {
	all, err := k.list(ctx, c, "")
	if err != nil {
		return document{}, err
	}
	d, err := k.match(all, idOrName, idOrName)
	if err == nil && d == nil {
		err = fmt.Errorf("there is no %s with the id or name %q%s", k.noun, idOrName, nearName(all, idOrName))
	}
	if err != nil {
		return document{}, err
	}
	return *d, nil
}

// nearName names the document that was probably meant.
func nearName(all []document, name string) string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.name
	}
	near := schema.Closest(name, names, 3)
	if near == "" {
		near = schema.Containing(name, names)
	}
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// match is the object with the id, or else the only one with the name, or nil.
func (k *documents) match(all []document, id, name string) (*document, error) {
	var named []*document
	for i := range all {
		if id != "" && all[i].id == id {
			return &all[i], nil
		}
		if all[i].name == name {
			named = append(named, &all[i])
		}
	}
	switch len(named) {
	case 0:
		return nil, nil
	case 1:
		return named[0], nil
	}
	ids := make([]string, len(named))
	for i, d := range named {
		ids[i] = d.id
	}
	return nil, fmt.Errorf("%d %s are named %q: say which by its id (%s)", len(named), k.plural, name, strings.Join(ids, ", "))
}

func (k *documents) deleteCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "delete ID|NAME…", Short: "Delete " + k.plural,
		Example: fmt.Sprintf("  nightjar %[1]s delete abc-def-ghi\n  nightjar %[1]s delete 'SSH brute force'", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return k.each(c.Context(), cl, args, "deleted", func(d document) error {
				return k.remove(c.Context(), cl, d.id)
			})
		},
	}
	addClientFlags(c)
	return c
}

// each does something to the objects with these ids or names, and says so. One
// that there is not, or that fails, does not stop the others.
func (k *documents) each(ctx context.Context, cl *client, args []string, done string, do func(document) error) error {
	var failed error
	for _, arg := range args {
		d, err := k.find(ctx, cl, arg)
		if err == nil {
			err = do(d)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		fmt.Fprintf(os.Stderr, "%s %s %q (%s)\n", done, k.noun, d.name, d.id)
	}
	return failed
}

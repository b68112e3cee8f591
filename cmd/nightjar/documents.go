package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
)

// documents is a kind of object that users keep in files, as in git, and on a
// server: rules and suppressions. A file and an object on the server are the same
// when the file has its id, or else when they have one name.
type documents struct {
	noun, plural string
	query        string // an example
	// list reads the objects that a search finds.
	list func(ctx context.Context, c *client, query string) ([]document, error)
	// complete is what the server would keep of a file.
	complete func(ctx context.Context, c *client, file map[string]any) (map[string]any, error)
	create   func(ctx context.Context, c *client, body map[string]any) (id string, err error)
	// update makes body of what there is.
	update func(ctx context.Context, c *client, was document, body map[string]any) error
	remove func(ctx context.Context, c *client, id string) error
	// check says what is wrong with a file, without a server.
	check func(text []byte) (warnings []string, err error)
	// columns are the header of a list, and cell one of its cells.
	columns []string
	cell    func(d document, column string) string
}

// document is an object as its author would write it, and what the server says.
type document struct {
	id, name string
	version  int64
	body     map[string]any
	shown    json.RawMessage // as the server shows it
	path     string          // of a file
}

// text is the one way in which the object is written.
func (d *document) text() (string, error) {
	if d == nil {
		return "", nil
	}
	var out bytes.Buffer
	err := printJSON(&out, d.body)
	return out.String(), err
}

func (k *documents) command() *cobra.Command {
	c := &cobra.Command{
		Use: k.plural, Short: "Keep " + k.plural + " in files as on a server",
		Example: fmt.Sprintf("  nightjar %[1]s list\n  nightjar %[1]s pull %[1]s/\n  nightjar %[1]s apply %[1]s/", k.plural),
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(k.listCommand(), k.getCommand(), k.applyCommand(), k.diffCommand(), k.pullCommand(), k.validateCommand(), k.deleteCommand())
	return c
}

func (k *documents) listCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list [QUERY]", Short: "List " + k.plural + " by name",
		Example: fmt.Sprintf("  nightjar %s list\n  nightjar %s list '%s' --output json", k.plural, k.plural, k.query),
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			wantJSON, err := outputJSON(c)
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, err := k.list(c.Context(), cl, strings.Join(args, " "))
			if err != nil {
				return err
			}
			slices.SortStableFunc(all, func(a, b document) int { return strings.Compare(a.name, b.name) })
			if wantJSON {
				shown := make([]json.RawMessage, len(all))
				for i, d := range all {
					shown[i] = d.shown
				}
				return printJSON(os.Stdout, shown)
			}
			rows := make([][]string, len(all))
			for i, d := range all {
				for _, column := range k.columns {
					rows[i] = append(rows[i], k.cell(d, column))
				}
			}
			return printTable(os.Stdout, k.columns, rows)
		},
	}
	addClientFlags(c)
	addOutput(c)
	return c
}

func (k *documents) getCommand() *cobra.Command {
	var bare bool
	c := &cobra.Command{
		Use: "get ID|NAME", Short: "Show one " + k.noun + " in full, as JSON",
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
			if bare {
				return printJSON(os.Stdout, d.body)
			}
			return printJSON(os.Stdout, d.shown)
		},
	}
	addClientFlags(c)
	c.Flags().BoolVar(&bare, "bare", false, "only what its author says: the text of a file")
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
		err = fmt.Errorf("there is no %s with the id or name %q", k.noun, idOrName)
	}
	if err != nil {
		return document{}, err
	}
	return *d, nil
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
		Example: fmt.Sprintf("  nightjar %s delete abc-def-ghi", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			for _, arg := range args {
				d, err := k.find(c.Context(), cl, arg)
				if err != nil {
					return err
				}
				if err := k.remove(c.Context(), cl, d.id); err != nil {
					return err
				}
				fmt.Fprintf(os.Stderr, "deleted %s %q (%s)\n", k.noun, d.name, d.id)
			}
			return nil
		},
	}
	addClientFlags(c)
	return c
}

func (k *documents) validateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "validate FILE|FOLDER…", Short: "Say what is wrong with files, without a server",
		Example: fmt.Sprintf("  nightjar %[1]s validate %[1]s/", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := documentFiles(args)
			if err != nil {
				return err
			}
			var bad error
			for _, path := range files {
				text, err := os.ReadFile(path)
				if err == nil {
					var warnings []string
					warnings, err = k.check(text)
					for _, w := range warnings {
						fmt.Fprintf(os.Stderr, "%s: warning: %s\n", path, w)
					}
				}
				if err != nil {
					bad = errors.Join(bad, fmt.Errorf("%s: %w", path, err))
				}
			}
			if bad == nil {
				fmt.Fprintf(os.Stderr, "%d of %d files are valid\n", len(files), len(files))
			}
			return bad
		},
	}
	return c
}

// documentFiles are the files, and the .json files below the folders.
func documentFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(path) == ".json" {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no .json files in %s", strings.Join(args, ", "))
	}
	return files, nil
}

// readDocument reads a file; its id and name say which object it is.
func readDocument(path string) (document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return document{}, err
	}
	d := document{path: path}
	if d.body, err = jsonObject(text); err != nil {
		return document{}, fmt.Errorf("%s: %w", path, err)
	}
	if data, ok := d.body["data"].(map[string]any); ok { // as the API takes it
		if d.body, _ = data["attributes"].(map[string]any); d.body == nil {
			return document{}, fmt.Errorf("%s: its data has no attributes", path)
		}
		d.body["id"] = data["id"]
	}
	d.id, _ = d.body["id"].(string)
	if d.name, _ = d.body["name"].(string); d.name == "" {
		return document{}, fmt.Errorf(`%s: it has no "name"`, path)
	}
	delete(d.body, "id")
	return d, nil
}

// jsonObject decodes an object, numbers as they are written.
func jsonObject(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("want a JSON object: %w", err)
	}
	return out, nil
}

// fileChange is what applying a file does.
type fileChange struct {
	File   string `json:"file"`
	Name   string `json:"name"`
	ID     string `json:"id,omitempty"`
	Action string `json:"action"` // create, update or unchanged
	Diff   string `json:"diff,omitempty"`

	was  *document
	body map[string]any
}

// plan says what applying the files would do. Nothing is planned when anything
// is wrong with one of them.
func (k *documents) plan(ctx context.Context, c *client, args []string) ([]fileChange, error) {
	files, err := documentFiles(args)
	if err != nil {
		return nil, err
	}
	there, err := k.list(ctx, c, "")
	if err != nil {
		return nil, err
	}
	var out []fileChange
	var bad error
	taken := map[string]string{} // files by what they are
	for _, path := range files {
		one, err := k.planOne(ctx, c, there, path)
		if err == nil {
			key := one.Name
			if one.was != nil {
				key = one.was.id
			}
			if other := taken[key]; other != "" {
				err = fmt.Errorf("%s: it is the same %s as %s", path, k.noun, other)
			}
			taken[key] = path
		}
		bad = errors.Join(bad, err)
		out = append(out, one)
	}
	return out, bad
}

func (k *documents) planOne(ctx context.Context, c *client, there []document, path string) (fileChange, error) {
	file, err := readDocument(path)
	if err != nil {
		return fileChange{}, err
	}
	was, err := k.match(there, file.id, file.name)
	if err != nil {
		return fileChange{}, fmt.Errorf("%s: %w", path, err)
	}
	body, err := k.complete(ctx, c, file.body)
	if err != nil {
		return fileChange{}, fmt.Errorf("%s: %w", path, err)
	}
	before, err := was.text()
	if err != nil {
		return fileChange{}, err
	}
	after, err := (&document{body: body}).text()
	if err != nil {
		return fileChange{}, err
	}
	out := fileChange{File: path, Name: file.name, Action: "create", was: was, body: body}
	from := "/dev/null"
	if was != nil {
		out.ID, from, out.Action = was.id, "server/"+was.id, "update"
	}
	if out.Diff = udiff.Unified(from, path, before, after); out.Diff == "" {
		out.Action = "unchanged"
	}
	return out, nil
}

func (k *documents) diffCommand() *cobra.Command {
	var exitCode bool
	c := &cobra.Command{
		Use: "diff FILE|FOLDER…", Short: "Show what apply would change",
		Example: fmt.Sprintf("  nightjar %[1]s diff %[1]s/ --exit-code", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			wantJSON, err := outputJSON(c)
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			changes, err := k.plan(c.Context(), cl, args)
			if err != nil {
				return err
			}
			if err := k.print(changes, wantJSON); err != nil {
				return err
			}
			if exitCode && slices.ContainsFunc(changes, func(c fileChange) bool { return c.Action != "unchanged" }) {
				return errors.New("the server differs from the files")
			}
			return nil
		},
	}
	addClientFlags(c)
	addOutput(c)
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit 1 when there are differences")
	return c
}

// print shows changes, and counts them.
func (k *documents) print(changes []fileChange, wantJSON bool) error {
	counts := map[string]int{}
	for _, c := range changes {
		counts[c.Action]++
		if !wantJSON {
			fmt.Print(c.Diff)
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %d to create, %d to update, %d unchanged\n", k.plural, counts["create"], counts["update"], counts["unchanged"])
	if wantJSON {
		return printJSON(os.Stdout, changes)
	}
	return nil
}

func (k *documents) applyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "apply FILE|FOLDER…", Short: "Make the server have the " + k.plural + " that files say",
		Long: fmt.Sprintf(`Shows what changes, and changes it. A file is the %[1]s with its "id" if it has
one and the server does, or else the one with its name. What a file does not say
gets its default. A second time changes nothing; %[2]s that no file is about stay
as they are. Nothing is changed when anything is wrong with one of the files.`, k.noun, k.plural),
		Example: fmt.Sprintf("  nightjar %[1]s apply %[1]s/\n  nightjar %[1]s apply one.json --output json", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			wantJSON, err := outputJSON(c)
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			changes, err := k.plan(c.Context(), cl, args)
			if err != nil {
				return err
			}
			for i := range changes {
				if err := k.carryOut(c.Context(), cl, &changes[i]); err != nil {
					return fmt.Errorf("%s: %w", changes[i].File, err)
				}
			}
			return k.print(changes, wantJSON)
		},
	}
	addClientFlags(c)
	addOutput(c)
	return c
}

func (k *documents) carryOut(ctx context.Context, c *client, one *fileChange) (err error) {
	switch one.Action {
	case "create":
		one.ID, err = k.create(ctx, c, one.body)
	case "update":
		err = k.update(ctx, c, *one.was, one.body)
	}
	return err
}

func (k *documents) pullCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "pull FOLDER [QUERY]", Short: "Write the server's " + k.plural + " into files",
		Long: fmt.Sprintf(`Writes each %[1]s that the query finds into a file named after it, or into the file
of the folder that is about it already. A file has its %[1]s's id only where
another one has the same name.`, k.noun),
		Example: fmt.Sprintf("  nightjar %[1]s pull %[1]s/\n  nightjar %[1]s pull %[1]s/ '%[2]s'", k.plural, k.query),
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, err := k.list(c.Context(), cl, strings.Join(args[1:], " "))
			if err != nil {
				return err
			}
			written, err := k.write(args[0], all)
			fmt.Fprintf(os.Stderr, "%d %s, %d files written\n", len(all), k.plural, written)
			return err
		},
	}
	addClientFlags(c)
	return c
}

// write puts objects into the files of a folder, and counts those that changed.
func (k *documents) write(folder string, all []document) (written int, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, err
	}
	var files []document
	paths, _ := documentFiles([]string{folder}) // none yet
	for _, path := range paths {
		d, err := readDocument(path)
		if err != nil {
			return 0, err
		}
		files = append(files, d)
	}
	names := map[string]int{}
	for _, d := range all {
		names[d.name]++
	}
	for _, d := range all {
		path := filepath.Join(folder, fileName(d.name)+".json")
		if names[d.name] > 1 {
			d.body["id"] = d.id
			path = filepath.Join(folder, fileName(d.name)+"-"+d.id+".json")
		}
		at := slices.IndexFunc(files, func(f document) bool {
			return f.id == d.id || f.id == "" && f.name == d.name && names[d.name] == 1
		})
		if at >= 0 {
			path = files[at].path
		}
		text, err := d.text()
		if err != nil {
			return written, err
		}
		if old, err := os.ReadFile(path); err == nil && string(old) == text {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return written, err
		}
		written++
	}
	return written, nil
}

// fileName is a name in lower case, with single dashes for what is no letter or
// digit.
func fileName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	if len(words) == 0 {
		return "unnamed"
	}
	return strings.Join(words, "-")
}

// cleared adds, to what is to be sent, that the fields are gone which were there
// and no longer are.
func cleared(was, body map[string]any) map[string]any {
	out := map[string]any{}
	for name, old := range was {
		switch old.(type) {
		case string:
			out[name] = ""
		case []any:
			out[name] = []any{}
		case bool:
			out[name] = false
		default:
			out[name] = nil
		}
	}
	for name, v := range body {
		out[name] = v
	}
	return out
}

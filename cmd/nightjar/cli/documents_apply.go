package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// The actions of a change.
const (
	actCreate    = "create"
	actUpdate    = "update"
	actDelete    = "delete"
	actUnchanged = "unchanged"
)

// fileChange is what applying a file does, or what pruning does where there is
// none.
type fileChange struct {
	File   string `json:"file,omitempty"`
	Name   string `json:"name"`
	ID     string `json:"id,omitempty"`
	Action string `json:"action"`
	Diff   string `json:"diff,omitempty"`

	was  *document
	body map[string]any
}

// plan says what applying the files would do. Nothing is planned when anything
// is wrong with one of them. With prune, objects that no file is about go.
func (k *documents) plan(ctx context.Context, c *client, files []string, prune bool) ([]fileChange, error) {
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
	for i := range there {
		if d := &there[i]; prune && bad == nil && taken[d.id] == "" && !d.builtIn {
			gone, err := d.text()
			if err != nil {
				return nil, err
			}
			out = append(out, fileChange{
				Name: d.name, ID: d.id, Action: actDelete, was: d, Diff: udiff.Unified("server/"+d.id, "/dev/null", gone, ""),
			})
		}
	}
	return out, bad
}

func (k *documents) planOne(ctx context.Context, c *client, there []document, path string) (fileChange, error) {
	file, err := k.readFile(path)
	if err != nil {
		return fileChange{}, err
	}
	// A file is about what ships only if it says so: a name may well be the same.
	there = slices.DeleteFunc(slices.Clone(there), func(d document) bool { return d.builtIn && d.id != file.id })
	was, err := k.match(there, file.id, file.name)
	if err != nil {
		return fileChange{}, fmt.Errorf("%s: %w", path, err)
	}
	body, warnings, err := k.complete(ctx, c, file.body)
	if err != nil {
		return fileChange{}, fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range warnings {
		fmt.Fprintf(os.Stderr, "%s: warning: %s\n", path, w)
	}
	before, err := was.text()
	if err != nil {
		return fileChange{}, err
	}
	after, err := (&document{body: body}).text()
	if err != nil {
		return fileChange{}, err
	}
	out := fileChange{File: path, Name: file.name, Action: actCreate, was: was, body: body}
	from := "/dev/null"
	if was != nil {
		out.ID, from, out.Action = was.id, "server/"+was.id, actUpdate
	}
	if out.Diff = udiff.Unified(from, path, before, after); out.Diff == "" {
		out.Action = actUnchanged
	}
	return out, nil
}

func (k *documents) diffCommand() *cobra.Command {
	var exitCode, prune bool
	bundled := bundledFiles{from: k.bundled}
	c := &cobra.Command{
		Use: "diff FILE|FOLDER…", Short: "Show what apply would change",
		Example: fmt.Sprintf("  nightjar %[1]s diff %[1]s/ --exit-code", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			files, done, err := bundled.files(args)
			defer done()
			if err != nil {
				return err
			}
			changes, err := k.plan(c.Context(), cl, files, prune)
			if err != nil {
				return err
			}
			k.foretell(changes)
			if err := changesResult(changes).print(c); err != nil {
				return err
			}
			if exitCode && slices.ContainsFunc(changes, func(c fileChange) bool { return c.Action != actUnchanged }) {
				return errors.New("the server differs from the files")
			}
			return nil
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	bundled.flag(c, k.plural)
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit 1 when there are differences")
	c.Flags().BoolVar(&prune, "prune", false, "show also what apply --prune would delete")
	return c
}

// changesResult shows changes as the differences of texts.
func changesResult(changes []fileChange) result {
	return result{data: changes, text: func(w io.Writer) error {
		for _, c := range changes {
			if _, err := io.WriteString(w, c.Diff); err != nil {
				return err
			}
		}
		return nil
	}}
}

// foretell counts what is to be done, and names what goes.
func (k *documents) foretell(changes []fileChange) {
	counts := map[string]int{}
	for _, c := range changes {
		counts[c.Action]++
		if c.Action == actDelete {
			fmt.Fprintf(os.Stderr, "no file is about %s %q (%s)\n", k.noun, c.Name, c.ID)
		}
	}
	gone := ""
	if n := counts[actDelete]; n > 0 {
		gone = fmt.Sprintf("%d to delete, ", n)
	}
	fmt.Fprintf(os.Stderr, "%s: %d to create, %d to update, %s%d unchanged\n", k.plural, counts[actCreate], counts[actUpdate], gone, counts[actUnchanged])
}

func (k *documents) applyCommand() *cobra.Command {
	var prune, yes bool
	bundled := bundledFiles{from: k.bundled}
	c := &cobra.Command{
		Use: "apply FILE|FOLDER…", Short: "Make the server have the " + k.plural + " that files say",
		Long: fmt.Sprintf(`Shows what will change, and then changes it. Files are JSON or YAML. A file is
the %[1]s with its "id" if it has one and the server does, whatever it is named
now, or else the one with its name. What a file does not say gets its default. A
second time changes nothing; %[2]s that no file is about stay as they are, unless
--prune deletes them, which asks first. Nothing is changed when anything is wrong
with one of the files.`, k.noun, k.plural),
		Example: fmt.Sprintf("  nightjar %[1]s apply %[1]s/\n  nightjar %[1]s apply %[1]s/ --prune --yes\n  nightjar %[1]s apply one.json --output json", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			files, done, err := bundled.files(args)
			defer done()
			if err != nil {
				return err
			}
			changes, err := k.plan(c.Context(), cl, files, prune)
			if err != nil {
				return err
			}
			k.foretell(changes)
			if outputOf(c) == asTable {
				if err := changesResult(changes).print(c); err != nil {
					return err
				}
			}
			if err := k.confirm(c, changes, yes); err != nil {
				return err
			}
			if err := k.carryOut(c.Context(), cl, changes); err != nil {
				return err
			}
			if outputOf(c) == asTable {
				return nil
			}
			return changesResult(changes).print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	bundled.flag(c, k.plural)
	if k.bundled != nil {
		c.Example += fmt.Sprintf("\n  nightjar %[1]s apply --bundled\n  nightjar %[1]s apply --bundled 'agent-*' fleet-agent-silent", k.plural)
	}
	c.Flags().BoolVar(&prune, "prune", false, "delete "+k.plural+" that none of the files is about; asks first")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// confirm asks before anything is deleted. Where nobody can be asked, --yes has to
// be there.
func (k *documents) confirm(c *cobra.Command, changes []fileChange, yes bool) error {
	gone := 0
	for _, one := range changes {
		if one.Action == actDelete {
			gone++
		}
	}
	if gone == 0 || yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return &usageError{c.CommandPath(), fmt.Errorf("--prune would delete %s: say --yes; nothing was changed", counted(gone, k.noun))}
	}
	fmt.Fprintf(os.Stderr, "Delete %s? Type yes: ", counted(gone, k.noun))
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n') // no answer is no
	if strings.TrimSpace(strings.ToLower(answer)) != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// carryOut makes the changes, and says each. It stops at one that fails, and says
// what was not done.
func (k *documents) carryOut(ctx context.Context, c *client, changes []fileChange) error {
	for i := range changes {
		one := &changes[i]
		var err error
		done := ""
		switch one.Action {
		case actCreate:
			one.ID, err = k.create(ctx, c, one.body)
			done = "created"
		case actUpdate:
			err = k.update(ctx, c, *one.was, one.body)
			done = "updated"
		case actDelete:
			err = k.remove(ctx, c, one.ID)
			done = "deleted"
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("%s %s %q: %w; it and what comes after it was not changed, apply again when that is mended", one.Action, k.noun, one.Name, err)
		}
		fmt.Fprintf(os.Stderr, "%s %s %q (%s)\n", done, k.noun, one.Name, one.ID)
	}
	return nil
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

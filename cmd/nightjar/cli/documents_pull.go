package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

func (k *documents) pullCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "pull FOLDER [QUERY]", Short: "Write the server's " + k.plural + " into files",
		Long: fmt.Sprintf(`Writes each %[1]s that the query finds into a file named after it, or into the file
of the folder that is about it already, be it JSON or YAML. A file has the %[1]s's
id, so that a new name in the file is a new name of the %[1]s. One that cannot be
written does not stop the others.`, k.noun),
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
// What can't be read or written is told in the end.
func (k *documents) write(folder string, all []document) (written int, failed error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, err
	}
	paths, _ := documentFiles([]string{folder}) // none yet
	var files []document
	taken := map[string]bool{} // paths, as a file system that knows no upper case has them
	for _, path := range paths {
		taken[strings.ToLower(path)] = true
		d, err := k.readFile(path)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("left as it is: %w", err))
			continue
		}
		files = append(files, d)
	}
	for _, d := range all {
		if d.builtIn {
			continue // the program has it
		}
		path := k.fileOf(files, all, d)
		if path == "" {
			if path = filepath.Join(folder, fileName(d.name)+".json"); taken[strings.ToLower(path)] {
				path = filepath.Join(folder, fileName(d.name)+"-"+d.id+".json")
			}
			taken[strings.ToLower(path)] = true
		}
		changed, err := writeDocument(path, &d)
		if changed {
			written++
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s %q: %w", k.noun, d.name, err))
		}
	}
	return written, failed
}

// fileOf is the file that is about an object: the one with its id, or else the one
// with its name whose id, if it has any, is none of the server's.
func (k *documents) fileOf(files, all []document, d document) string {
	alive := func(id string) bool { return slices.ContainsFunc(all, func(o document) bool { return o.id == id }) }
	for _, f := range files {
		if f.id == d.id {
			return f.path
		}
	}
	for _, f := range files {
		if f.name == d.name && !alive(f.id) {
			return f.path
		}
	}
	return ""
}

// writeDocument writes a file, unless it says just that already.
func writeDocument(path string, d *document) (changed bool, err error) {
	old, err := readDocument(path)
	if err == nil && old.id == d.id && reflect.DeepEqual(old.body, d.body) {
		return false, nil
	}
	var text bytes.Buffer
	if err := printJSON(&text, d.withID()); err != nil {
		return false, err
	}
	if isYAML(path) {
		if text, err = asYAML(text.Bytes()); err != nil {
			return false, err
		}
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return false, err
	}
	return true, nil
}

// asYAML writes a JSON document as YAML, which it is in another style.
func asYAML(text []byte) (out bytes.Buffer, err error) {
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return out, err
	}
	plain(&node)
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err = e.Encode(&node)
	return out, errors.Join(err, e.Close())
}

// plain leaves the choice of quotes and brackets to the writer.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}

// maxFileName leaves room, in the 255 bytes that file systems take, for an id and
// an ending.
const maxFileName = 200

// fileName is a name in lower case, with single dashes for what is no letter or
// digit of any script, and as much of it as a file's name can have.
func fileName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	out := strings.Join(words, "-")
	for len(out) > maxFileName {
		_, size := utf8.DecodeLastRuneInString(out)
		out = strings.TrimRight(out[:len(out)-size], "-")
	}
	if out == "" {
		return "unnamed"
	}
	return out
}

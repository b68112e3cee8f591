package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// bundledFiles are what commands of files take: their arguments, or with --bundled the
// objects that ship with the binary.
type bundledFiles struct {
	from fs.FS // of a kind of which some ship; nil: none do
	on   bool
}

// flag adds --bundled to a command, whose arguments are then names of what ships.
func (b *bundledFiles) flag(c *cobra.Command, plural string) {
	if b.from == nil {
		return
	}
	c.Flags().BoolVar(&b.on, "bundled", false, "of the "+plural+" that ship with this binary: all, or those with the names that are given (agent-*)")
	c.Args = func(c *cobra.Command, args []string) error {
		if b.on {
			return nil
		}
		return cobra.MinimumNArgs(1)(c, args)
	}
}

// files writes what ships into a folder and names it there, so that it is read as every
// file is; done removes it. Without --bundled, the arguments are the files.
func (b *bundledFiles) files(args []string) (files []string, done func(), err error) {
	done = func() {}
	if !b.on {
		files, err = documentFiles(args)
		return files, done, err
	}
	names, err := b.named(args)
	if err != nil {
		return nil, done, err
	}
	dir, err := os.MkdirTemp("", "nightjar-bundled-")
	if err != nil {
		return nil, done, fmt.Errorf("unpack what ships: %w", err)
	}
	done = func() { _ = os.RemoveAll(dir) } // what is left in a folder for such things harms nobody
	for _, name := range names {
		text, err := fs.ReadFile(b.from, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			return nil, done, fmt.Errorf("unpack what ships: %w", err)
		}
		files = append(files, filepath.Join(dir, name))
	}
	return files, done, nil
}

// named are the files that ship and have one of the names, which may be patterns; without
// names, all.
func (b *bundledFiles) named(patterns []string) ([]string, error) {
	all, err := fs.Glob(b.from, "*.json")
	if err != nil || len(patterns) == 0 {
		return all, err
	}
	var out []string
	for _, p := range patterns {
		found := slices.DeleteFunc(slices.Clone(all), func(file string) bool {
			fits, err := path.Match(p, strings.TrimSuffix(file, ".json"))
			return err != nil || !fits
		})
		if len(found) == 0 {
			return nil, fmt.Errorf("nothing that ships is named %q; without a name, all %d are meant", p, len(all))
		}
		out = append(out, found...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

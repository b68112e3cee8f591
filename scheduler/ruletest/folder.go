package ruletest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"nightjar/schema"
)

// folder is where tests find what they name.
type folder struct {
	// dir is that of their file.
	dir string
	// only, unless nil, is all that there is: nothing of the disk is read.
	only fs.FS
}

// NoFileError says that a text names a file, and texts can't.
type NoFileError struct{ Path string }

func (n *NoFileError) Error() string {
	return fmt.Sprintf("%s: there is no such rule among those that ship, and a text can name no other file; write here what it says", n.Path)
}

// path is where on the disk a file is.
func (f folder) path(name string) (string, error) {
	if f.only != nil {
		return "", &NoFileError{name}
	}
	return within(f.dir, name), nil
}

func (f folder) read(name string) ([]byte, error) {
	if f.only != nil {
		text, err := fs.ReadFile(f.only, path.Clean(name))
		if err != nil {
			return nil, &NoFileError{name}
		}
		return text, nil
	}
	return os.ReadFile(within(f.dir, name))
}

// rule reads a rule's file: the JSON that the API takes, or the same as YAML.
func (f folder) rule(name string) (rule schema.Rule, err error) {
	text, err := f.read(name)
	if err != nil {
		return rule, err
	}
	shown := name
	if f.only == nil {
		shown = within(f.dir, name)
	}
	if strings.EqualFold(filepath.Ext(name), ".json") {
		if err := schema.Read(text, &rule); err != nil {
			return rule, fmt.Errorf("%s: %w", shown, err)
		}
		return rule, nil
	}
	root, err := document(text)
	if err == nil {
		err = decode(root, &rule)
	}
	if err != nil {
		return rule, fmt.Errorf("%s:%w", shown, err)
	}
	return rule, nil
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

package cli

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
	"time"

	"github.com/spf13/cobra"

	"nightjar/scheduler/ruletest"
)

func (k *documents) validateCommand() *cobra.Command {
	var tables tableFiles
	offline, strict := true, false
	c := &cobra.Command{
		Use: "validate FILE|FOLDER…", Short: "Say what is wrong with files",
		Example: fmt.Sprintf("  nightjar %[1]s validate %[1]s/", k.plural),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			files, err := documentFiles(args)
			if err != nil {
				return err
			}
			engine := k.engineToAsk(c, offline)
			var bad error
			wrong := 0
			for _, path := range files {
				warnings, err := k.checked(path, tables)
				if err == nil {
					warnings = engine.warnings(c.Context(), path, warnings)
				}
				for _, w := range warnings {
					if strict {
						err = errors.Join(err, inFile(path, errors.New(w)))
						continue
					}
					fmt.Fprintf(os.Stderr, "%s: warning: %s\n", path, w)
				}
				if err != nil {
					wrong++
					bad = errors.Join(bad, err)
				}
			}
			fmt.Fprintf(os.Stderr, "%d of %d files are valid\n", len(files)-wrong, len(files))
			return bad
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "take what is warned of for a mistake")
	if k.asksTables {
		c.Long = `Says what is wrong with files: every mistake, with its place. Where an engine runs,
whose key is found as by other commands, it warns too of rules that ask for sources
and attributes that no stored event has, and so can never fire; --offline asks none.
With --reference-table NAME=FILE it says which columns rules ask that the files of
reference tables do not have.`
		addClientFlags(c)
		c.Flags().BoolVar(&offline, "offline", false, "ask no engine what events there are")
		addReferenceTables(c, &tables)
	}
	return c
}

// checked says what is wrong with a file, with its path.
func (k *documents) checked(path string, tables tableFiles) (warnings []string, err error) {
	if k.checkFile != nil {
		return k.checkFile(path)
	}
	text, err := documentText(path)
	if err == nil {
		warnings, err = k.check(text, tables)
	}
	if err != nil {
		return warnings, inFile(path, err)
	}
	return warnings, nil
}

// askedEngine tells what an engine warns of; nil: there is none to ask.
type askedEngine struct {
	client *client
	kind   *documents
}

func (k *documents) engineToAsk(c *cobra.Command, offline bool) *askedEngine {
	if offline {
		return nil
	}
	cl, err := newClient(c)
	if err != nil {
		return nil // no key: no engine of ours
	}
	return &askedEngine{cl, k}
}

// warnings adds what the engine warns of. Once it does not answer, it is asked no more.
func (a *askedEngine) warnings(ctx context.Context, path string, known []string) []string {
	if a == nil || a.client == nil {
		return known
	}
	file, err := a.kind.readFile(path)
	if err != nil {
		return known // it was read before
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, more, err := a.kind.complete(ctx, a.client, file.body)
	if err != nil {
		fmt.Fprintf(os.Stderr, "not compared with stored events: %s\n", err)
		a.client = nil
		return known
	}
	for _, w := range more {
		if !slices.Contains(known, w) {
			known = append(known, w)
		}
	}
	return known
}

// isDocument reports whether a file of a folder has an object in it: JSON or YAML,
// and no tests.
func isDocument(name string) bool {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".yaml", ".yml":
		stem := strings.TrimSuffix(strings.ToLower(name), ext)
		return !strings.HasSuffix(stem, "_test") && !strings.HasSuffix(stem, ".test")
	case ".json":
		return true
	}
	return false
}

// documentFiles are the files, and the .json and .yaml files below the folders.
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
			if err == nil && !d.IsDir() && isDocument(path) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no .json or .yaml files in %s", strings.Join(args, ", "))
	}
	return files, nil
}

// readDocument reads a file; its id and name say which object it is.
func readDocument(path string) (document, error) {
	text, err := documentText(path)
	if err != nil {
		return document{}, inFile(path, err)
	}
	d := document{path: path}
	if d.body, err = jsonObject(text); err != nil {
		return document{}, inFile(path, err)
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

// documentText is the text of a file as JSON, which it is, or else YAML.
func documentText(path string) ([]byte, error) {
	text, err := readFile(path)
	if err != nil || !isYAML(path) {
		return bytes.TrimPrefix(text, []byte("\ufeff")), err
	}
	return ruletest.YAMLToJSON(text)
}

func isYAML(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yaml" || ext == ".yml"
}

// inFile puts the path before what is wrong, and before its line and column where
// it has them.
func inFile(path string, err error) error {
	var placed *ruletest.MistakeError
	var missing *fs.PathError
	switch {
	case errors.As(err, &missing):
		return err // it names the path
	case errors.As(err, &placed):
		return fmt.Errorf("%s:%w", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// jsonObject decodes an object, numbers as they are written.
func jsonObject(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("want a JSON object: %w", jsonPlace(text, err))
	}
	return out, nil
}

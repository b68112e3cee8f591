package pipeline

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Load reads the pipelines in a folder: NAME.yaml, whose id is NAME unless it says
// another, in their order, and those of one order in that of their names. Tests (NAME.test.yaml) are left out.
func Load(files fs.FS, folder string) ([]*Pipeline, error) {
	names, err := fs.Glob(files, path.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var out []*Pipeline
	for _, name := range names {
		if strings.HasSuffix(name, testSuffix) {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		p, err := Parse(string(text), ParseOptions{Enabled: true})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if p.ID == "" {
			p.ID = strings.TrimSuffix(path.Base(name), ".yaml")
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b *Pipeline) int { return a.Order - b.Order })
	return out, nil
}

// testSuffix is how the names of files of samples end.
const testSuffix = ".test.yaml"

// LoadSamples reads the samples of the pipelines in a folder.
func LoadSamples(files fs.FS, folder string) ([]*Samples, error) {
	names, err := fs.Glob(files, path.Join(folder, "*"+testSuffix))
	if err != nil {
		return nil, err
	}
	var out []*Samples
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		s, err := ParseSamples(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.File = name
		out = append(out, s)
	}
	return out, nil
}

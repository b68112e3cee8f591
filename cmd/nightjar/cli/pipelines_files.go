package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nightjar/ingest/pipeline"
)

// parsePipelines are the pipelines of a file: one, or a list of them.
func parsePipelines(path string) ([]*pipeline.Pipeline, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	all, err := pipeline.ParseAll(string(text), pipeline.ParseOptions{Enabled: true})
	if err != nil {
		return nil, inPipelineFile(path, err)
	}
	return all, nil
}

// readPipelines are those of a file for a set: one without an id is called like its file.
func readPipelines(path string) ([]*pipeline.Pipeline, error) {
	all, err := parsePipelines(path)
	if err != nil {
		return nil, err
	}
	for i, p := range all {
		if p.ID == "" {
			p.ID = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
			if len(all) > 1 {
				p.ID = fmt.Sprintf("%s-%d", p.ID, i+1)
			}
		}
	}
	return all, nil
}

// inPipelineFile puts the file before each of the problems.
func inPipelineFile(path string, err error) error {
	var document *pipeline.DocumentError
	if !errors.As(err, &document) {
		return fmt.Errorf("%s: %w", path, err)
	}
	lines := make([]error, len(document.Problems))
	for i, p := range document.Problems {
		lines[i] = errors.New(path + ":" + p.String())
	}
	return errors.Join(lines...)
}

// pipelinesBelow are the pipelines of a folder and all below, in the order that they
// say, and else in that of the names of their files.
func pipelinesBelow(folder string) ([]*pipeline.Pipeline, error) {
	paths, err := documentFiles([]string{folder})
	if err != nil {
		return nil, err
	}
	return readAllPipelines(paths)
}

// pipelinesIn are those of a folder itself.
func pipelinesIn(folder string) ([]*pipeline.Pipeline, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if !e.IsDir() && isDocument(e.Name()) {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return readAllPipelines(paths)
}

// byOrder puts those first whose documents say so.
func byOrder(a, b *pipeline.Pipeline) int { return cmp.Compare(a.Order, b.Order) }

func readAllPipelines(paths []string) ([]*pipeline.Pipeline, error) {
	var out []*pipeline.Pipeline
	var problems []error
	for _, path := range paths {
		all, err := readPipelines(path)
		problems = append(problems, err)
		for _, p := range all {
			if slices.ContainsFunc(out, func(other *pipeline.Pipeline) bool { return other.ID == p.ID }) {
				problems = append(problems, fmt.Errorf("%s: a second pipeline has the id %s", path, p.ID))
			}
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, byOrder)
	return out, errors.Join(problems...)
}

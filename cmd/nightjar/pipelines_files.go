package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nightjar/ingest/pipeline"
)

// samplesSuffix is how files of samples end; they stand beside their pipelines.
const samplesSuffix = ".test.yaml"

// isPipelineFile tells documents of pipelines from samples and everything else.
func isPipelineFile(path string) bool {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return !strings.HasSuffix(path, samplesSuffix)
	}
	return false
}

// pipelineFiles are the documents that the paths name: files, and of folders those in
// them and below, in the order of their names.
func pipelineFiles(paths ...string) (out []string, err error) {
	return filesBelow(paths, isPipelineFile)
}

func filesBelow(paths []string, is func(string) bool) (out []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, path)
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && is(p) {
				out = append(out, p)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readPipelines are the pipelines of a file: one, or a list of them. A pipeline without
// an id is called like its file.
func readPipelines(path string) ([]*pipeline.Pipeline, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	all, err := pipeline.ParseAll(string(text), pipeline.ParseOptions{Enabled: true})
	if err != nil {
		return nil, inPipelineFile(path, err)
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

// pipelinesBelow are the pipelines of a folder, in the order of the names of its files.
func pipelinesBelow(folder string) ([]*pipeline.Pipeline, error) {
	paths, err := pipelineFiles(folder)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: there is no pipeline in it (*.yaml, *.json)", folder)
	}
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
	return out, errors.Join(problems...)
}

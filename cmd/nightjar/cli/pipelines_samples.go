package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/content"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/registry"
	"nightjar/ingest/pipeline/sampletest"
	"nightjar/scheduler/ruletest"
)

// samplesSuffix is how files of samples end; they stand beside their pipelines.
const samplesSuffix = ".test.yaml"

func newPipelinesTest() *cobra.Command {
	var alone bool
	c := &cobra.Command{
		Use: "test FILE|FOLDER…", Short: "Run the samples of pipelines, offline",
		Long: `Runs the samples that stand beside pipelines, NAME.test.yaml beside NAME.yaml: what an
input, a line or an object as it would be posted, has to become. The pipelines are
those of the folder together with the built-in ones, of which those with the same id
are replaced; with --alone, those of the folder and no others. docs/pipelines.md
describes the files. "nightjar test" runs them, too. It exits with 1 when one fails.`,
		Example: "  nightjar pipelines test nginx.yaml\n  nightjar pipelines test pipelines/ --output json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			files, err := sampleFiles(paths)
			if err != nil {
				return err
			}
			if len(files) == 0 {
				return fmt.Errorf("no samples: write some beside the pipeline, into NAME%s", samplesSuffix)
			}
			reports := []ruletest.Report{}
			for _, path := range files {
				reports = append(reports, testSamples(path, sampleOptions{alone: alone}))
			}
			err = result{data: reports, text: func(w io.Writer) error { return printReports(w, reports) }}.print(c)
			return errors.Join(err, verdict(reports))
		},
	}
	addOutput(c, textFormats...)
	c.Flags().BoolVar(&alone, "alone", false, "without the built-in pipelines")
	return c
}

// sampleFiles are the files of samples that the paths name: themselves, those beside a
// pipeline, and those of folders and all below.
func sampleFiles(paths []string) (out []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, err
		case strings.HasSuffix(path, samplesSuffix):
			out = append(out, path)
		case !info.IsDir():
			beside := strings.TrimSuffix(path, filepath.Ext(path)) + samplesSuffix
			if _, err := os.Stat(beside); err == nil {
				out = append(out, beside)
			}
		default:
			err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && strings.HasSuffix(file, samplesSuffix) {
					out = append(out, file)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// sampleOptions say which samples are run, and with which pipelines.
type sampleOptions struct {
	ruletest.Options
	alone bool // without the built-in pipelines
}

// testSamples runs the samples of a file, with the pipelines of its folder.
func testSamples(path string, o sampleOptions) ruletest.Report {
	report := ruletest.Report{Path: path, Tests: []ruletest.Result{}}
	fail := func(err error) ruletest.Report {
		report.Error = strings.TrimPrefix(err.Error(), path+":")
		return report
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fail(err)
	}
	samples, err := pipeline.ParseSamples(string(text))
	if err != nil {
		return fail(inPipelineFile(path, err))
	}
	set, err := setOfFolder(filepath.Dir(path), samples.Pipeline, o)
	if err != nil {
		return fail(err)
	}
	for i := range samples.Samples {
		s := &samples.Samples[i]
		if o.Only != nil && !o.Only.MatchString(path+": "+s.Name) {
			continue
		}
		r := ruletest.Result{Name: s.Name, Line: s.Line}
		differs, err := sampletest.Run(set, samples.Pipeline, s)
		switch {
		case err != nil:
			r.Problems = []string{err.Error()}
		case differs != "":
			r.Problems = []string{strings.TrimRight(differs, "\n")}
		default:
			r.Passed = true
		}
		report.Tests = append(report.Tests, r)
	}
	return report
}

// setOfFolder are the built-in pipelines, those of the folder in the place of the ones
// with their ids, and the rest of the folder behind. All that the folder has are enabled:
// a sample says what a pipeline does, not whether it is in force.
func setOfFolder(folder, id string, o sampleOptions) (*pipeline.Set, error) {
	var all []*pipeline.Pipeline
	if !o.alone {
		var err error
		if all, err = registry.BuiltIn(content.Files); err != nil {
			return nil, err
		}
	}
	own, err := pipelinesIn(folder)
	if err != nil {
		return nil, err
	}
	for _, p := range own {
		p.Enabled = true
		if at := slices.IndexFunc(all, func(b *pipeline.Pipeline) bool { return b.ID == p.ID }); at >= 0 {
			all[at] = p
			continue
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, byOrder)
	if !slices.ContainsFunc(all, func(p *pipeline.Pipeline) bool { return p.ID == id }) {
		return nil, fmt.Errorf("the samples are for pipeline %q, and there is none with this id in %s; a pipeline without an id is called like its file", id, folder)
	}
	return pipeline.NewSet(all, pipeline.Deps{Locator: o.Locator}), nil
}

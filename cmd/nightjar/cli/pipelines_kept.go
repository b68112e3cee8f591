package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/engine"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
)

// pipelineSamples are the samples that an engine keeps of a pipeline.
type pipelineSamples struct {
	Text      string `json:"text"`
	Version   int64  `json:"version"`
	IsBuiltIn bool   `json:"is_built_in"`
}

// pipelineTest is what came of a sample.
type pipelineTest struct {
	Name    string
	Line    int
	Passed  bool
	Differs []string
}

func newPipelinesSamples(k *documents) *cobra.Command {
	var test bool
	c := &cobra.Command{
		Use: "samples ID|NAME [FILE]", Short: "Show the samples that the engine keeps of a pipeline, keep those of a file, or run them",
		Long: `Shows the samples of a pipeline, as a file NAME.test.yaml has them: those that the engine
keeps, else those that ship. With a file, - for standard input, the engine keeps these from
now on, as the next version, and runs them; an empty file ends them. With --test those that
are kept are run on the pipeline as it is. It exits with 1 when one comes out otherwise.`,
		Example: "  nightjar pipelines samples 'our nginx' > our-nginx.test.yaml\n  nightjar pipelines samples 'our nginx' our-nginx.test.yaml\n  nightjar pipelines samples 'our nginx' --test",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if test && len(args) == 2 {
				return &usageError{c.CommandPath(), errors.New("--test runs what is kept; a file is run as it is kept")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			d, err := k.find(c.Context(), cl, args[0])
			if err != nil {
				return err
			}
			path := pipelinesPath + "/" + url.PathEscape(d.id) + "/samples"
			switch {
			case len(args) == 2:
				return keepSamples(c, cl, d, path, args[1])
			case test:
				return runSamples(c, cl, d)
			}
			return showSamples(c, cl, d, path)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().BoolVar(&test, "test", false, "run them on the pipeline as it is")
	return c
}

func showSamples(c *cobra.Command, cl *client, d document, path string) error {
	var kept pipelineSamples
	if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &kept); err != nil {
		return err
	}
	if kept.Text == "" {
		fmt.Fprintf(os.Stderr, "pipeline %q (%s) has no samples\n", d.name, d.id)
	}
	return result{data: kept, text: func(w io.Writer) error { _, err := io.WriteString(w, kept.Text); return err }}.print(c)
}

// keepSamples has the engine keep the samples of a file, in the place of those it has.
func keepSamples(c *cobra.Command, cl *client, d document, path, file string) error {
	text, err := readFile(file)
	if err != nil {
		return err
	}
	var was pipelineSamples
	if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &was); err != nil {
		return err
	}
	body, err := json.Marshal(pipelineSamples{Text: string(text), Version: was.Version})
	if err != nil {
		return err
	}
	var kept struct {
		Samples pipelineSamples
		Tests   []pipelineTest
	}
	if err := cl.do(c.Context(), http.MethodPut, path, nil, body, &kept); err != nil {
		return inFile(file, err)
	}
	fmt.Fprintf(os.Stderr, "kept %s of pipeline %q (%s), version %d\n", counted(len(kept.Tests), "sample"), d.name, d.id, kept.Samples.Version)
	if len(kept.Tests) == 0 {
		return nil
	}
	return printSamples(c, d, kept.Tests)
}

func runSamples(c *cobra.Command, cl *client, d document) error {
	var ran struct{ Tests []pipelineTest }
	if err := sendPipeline(c.Context(), cl, http.MethodPost, pipelinesPath+"/test", map[string]any{"in_place_of": d.id}, &ran); err != nil {
		return err
	}
	if len(ran.Tests) == 0 {
		return fmt.Errorf("pipeline %q (%s) has no samples; keep some: nightjar pipelines samples %s FILE", d.name, d.id, d.id)
	}
	return printSamples(c, d, ran.Tests)
}

// printSamples shows what came of samples, and is an error where one came out otherwise.
func printSamples(c *cobra.Command, d document, tests []pipelineTest) error {
	report := ruletest.Report{Path: d.name, Tests: []ruletest.Result{}}
	for _, t := range tests {
		r := ruletest.Result{Name: t.Name, Line: t.Line, Passed: t.Passed}
		if !t.Passed {
			r.Problems = []string{strings.Join(t.Differs, "\n")}
		}
		report.Tests = append(report.Tests, r)
	}
	reports := []ruletest.Report{report}
	err := result{data: reports, text: func(w io.Writer) error { return printReports(w, reports) }}.print(c)
	return errors.Join(err, verdict(reports))
}

// deletedPipelines are those that can be restored, the latest deleted first.
func deletedPipelines(ctx context.Context, c *client) ([]document, error) {
	var answer struct{ Data []json.RawMessage }
	if err := c.do(ctx, http.MethodGet, "/api/nightjar/v1/deleted_pipelines", nil, nil, &answer); err != nil {
		return nil, err
	}
	var all []document
	for _, raw := range answer.Data {
		d, err := pipelineDocument(raw)
		if err != nil {
			return nil, err
		}
		var at struct {
			DeletedAt string `json:"deleted_at"`
		}
		if err := json.Unmarshal(raw, &at); err != nil {
			return nil, fmt.Errorf("read a deleted pipeline of the answer: %w", err)
		}
		if d.ended, err = schema.ParseMoment(at.DeletedAt, engine.Now()); err != nil {
			return nil, fmt.Errorf("read when pipeline %s was deleted: %w", d.id, err)
		}
		all = append(all, d)
	}
	return all, nil
}

func revivePipeline(ctx context.Context, c *client, id string, version int64) error {
	return sendPipeline(ctx, c, http.MethodPost, pipelinesPath+"/"+url.PathEscape(id)+"/restore", map[string]any{"version": version}, nil)
}

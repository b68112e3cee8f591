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
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const jobsPath = "/api/v2/siem-historical-detections"

// jobItem is a historical job as the API shows it, as far as the tool does.
type jobItem struct {
	ID         string `json:"id"`
	Attributes struct {
		JobName      string
		JobStatus    string
		ProgressRate float64
		CreatedAt    string
		Problem      string
		Signals      int
	} `json:"attributes"`
}

func newJobsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "jobs",
		Short: "Run rules over history in the background, and keep what they find",
		Example: `  nightjar jobs create --rule brute-force.json --from now-30d --to now --wait
  nightjar jobs results 1fa783c4-c6ce-430c-972c-43a2ccde1420`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newJobsCreate(), newJobsList(), newJobsGet(), newJobsResults(),
		newJobsEnd("cancel", "End a job that has not ended, and drop what it found", http.MethodPatch, "/cancel"),
		newJobsEnd("delete", "Delete a job that has ended, with its results", http.MethodDelete, ""))
	return c
}

func newJobsCreate() *cobra.Command {
	var rulePath, fromRule string
	var span spanFlags
	var caseIndex int
	var output, wait bool
	c := &cobra.Command{
		Use:   "create (--rule FILE | --from-rule ID|NAME) --from TIME --to TIME",
		Short: "Create a job; it runs when those before it have ended",
		Long: `Creates a job and prints its id. With --wait it waits until the job has ended,
and fails when the job did.`,
		Example: `  nightjar jobs create --rule brute-force.json --from now-30d --to now --wait
  nightjar jobs create --from-rule 'SSH brute force' --from 2026-01-01T00:00:00Z --to now`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (rulePath != "") == (fromRule != "") || span.from == "" || span.to == "" {
				return &usageError{c.CommandPath(), errors.New("one of --rule and --from-rule is needed, and --from and --to")}
			}
			from, to, err := span.given(c)
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			over := map[string]any{"index": "main", "from": from, "to": to}
			attributes := map[string]any{"signalOutput": output}
			if fromRule != "" {
				if over["id"], err = cl.ruleID(c.Context(), fromRule); err != nil {
					return err
				}
				over["notifications"] = []string{}
				if c.Flags().Changed("case") {
					over["caseIndex"] = caseIndex
				}
				attributes["fromRule"] = over
			} else if attributes["jobDefinition"], err = jobDefinition(rulePath, over); err != nil {
				return err
			}
			return createJob(c, cl, attributes, wait)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&rulePath, "rule", "", "the rule, a JSON document as the API takes it")
	c.Flags().StringVar(&fromRule, "from-rule", "", "a rule of the engine, as it is now: its id or name")
	c.Flags().IntVar(&caseIndex, "case", 0, "keep only the signals of this case of --from-rule, counted from 0")
	span.add(c, "event times ", "up to then, included")
	c.Flags().BoolVar(&output, "signal-output", false, "make signals of the results, too")
	c.Flags().BoolVar(&wait, "wait", false, "wait until it has ended")
	return c
}

// jobDefinition is the rule of a file, and what it is run over.
func jobDefinition(path string, span map[string]any) (map[string]any, error) {
	text, err := documentText(path)
	if err != nil {
		return nil, inFile(path, err)
	}
	definition, err := jsonObject(text)
	if err != nil {
		return nil, inFile(path, err)
	}
	for key, value := range span {
		definition[key] = value
	}
	return definition, nil
}

func createJob(c *cobra.Command, cl *client, attributes map[string]any, wait bool) error {
	ctx := c.Context()
	body := map[string]any{"data": map[string]any{"type": "historicalDetectionsJobCreate", "attributes": attributes}}
	var created struct{ Data struct{ ID string } }
	if err := cl.send(ctx, http.MethodPost, jobsPath+"/jobs", body, &created); err != nil {
		return err
	}
	id := created.Data.ID
	if !wait {
		return result{
			data: map[string]string{"id": id}, header: []string{"ID"}, rows: [][]string{{id}},
			text: func(w io.Writer) error { _, err := fmt.Fprintln(w, id); return err },
		}.print(c)
	}
	fmt.Fprintf(os.Stderr, "job %s\n", id)
	job, raw, err := cl.awaitJob(ctx, id)
	if err != nil {
		return err
	}
	err = printJobs(c, raw, []jobItem{job})
	if a := job.Attributes; a.JobStatus != "completed" {
		return errors.Join(err, fmt.Errorf("the job is %s %s", a.JobStatus, a.Problem))
	}
	return err
}

// awaitJob shows how far a job is until it has ended.
func (c *client) awaitJob(ctx context.Context, id string) (jobItem, json.RawMessage, error) {
	bar := progressbar.NewOptions(1000, progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))), progressbar.OptionClearOnFinish())
	defer func() { _ = bar.Finish() }() // a bar that can't be drawn is no failure
	for {
		job, raw, err := c.job(ctx, id)
		if err != nil {
			return job, nil, err
		}
		if a := job.Attributes; a.JobStatus != "pending" && a.JobStatus != "running" {
			return job, raw, nil
		}
		bar.Describe(job.Attributes.JobStatus)
		_ = bar.Set(int(1000 * job.Attributes.ProgressRate))
		select {
		case <-ctx.Done():
			return job, nil, ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (c *client) job(ctx context.Context, id string) (job jobItem, raw json.RawMessage, err error) {
	var answer struct{ Data json.RawMessage }
	if err := c.do(ctx, http.MethodGet, jobsPath+"/jobs/"+url.PathEscape(id), nil, nil, &answer); err != nil {
		return job, nil, err
	}
	if err := json.Unmarshal(answer.Data, &job); err != nil {
		return job, nil, fmt.Errorf("read the job: %w", err)
	}
	return job, answer.Data, nil
}

func newJobsList() *cobra.Command {
	var query string
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List jobs, the newest first",
		Example: "  nightjar jobs list --query jobStatus:running",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return &usageError{c.CommandPath(), errors.New("--limit: at least 1")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			raw, total, err := cl.jobs(c.Context(), query, limit)
			if err != nil {
				return err
			}
			if total > len(raw) {
				fmt.Fprintf(os.Stderr, "only the first %d of %d; --limit shows more\n", len(raw), total)
			}
			items := make([]jobItem, len(raw))
			for i := range raw {
				if err := json.Unmarshal(raw[i], &items[i]); err != nil {
					return fmt.Errorf("read job %d of the answer: %w", i, err)
				}
			}
			return printJobs(c, raw, items)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&query, "query", "", "words that must fit: id:…, jobStatus:…, createdFromRuleId:…, or part of the name")
	c.Flags().IntVar(&limit, "limit", 50, "how many jobs at most")
	return c
}

func (c *client) jobs(ctx context.Context, query string, limit int) (items []json.RawMessage, total int, err error) {
	const page = 100
	for number := 0; ; number++ {
		values := url.Values{"filter[query]": {query}, "page[size]": {strconv.Itoa(page)}, "page[number]": {strconv.Itoa(number)}}
		var answer struct {
			Data []json.RawMessage
			Meta struct{ TotalCount int }
		}
		if err := c.do(ctx, http.MethodGet, jobsPath+"/jobs?"+values.Encode(), nil, nil, &answer); err != nil {
			return nil, 0, err
		}
		items = append(items, answer.Data...)
		if len(items) >= limit || len(answer.Data) < page {
			return items[:min(limit, len(items))], answer.Meta.TotalCount, nil
		}
	}
}

func printJobs(c *cobra.Command, data any, items []jobItem) error {
	rows := make([][]string, len(items))
	for i, j := range items {
		a := j.Attributes
		rows[i] = []string{j.ID, a.JobStatus, fmt.Sprintf("%.0f %%", 100*a.ProgressRate), strconv.Itoa(a.Signals), a.JobName, a.CreatedAt, a.Problem}
	}
	return result{data: data, header: []string{"ID", "STATUS", "DONE", "SIGNALS", "NAME", "CREATED", "PROBLEM"}, rows: rows, none: "no jobs"}.print(c)
}

func newJobsGet() *cobra.Command {
	c := &cobra.Command{
		Use:     "get ID",
		Short:   "Show a job in full",
		Example: "  nightjar jobs get 1fa783c4-c6ce-430c-972c-43a2ccde1420",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			job, raw, err := cl.job(c.Context(), args[0])
			if err != nil {
				return err
			}
			return printJobs(c, raw, []jobItem{job})
		},
	}
	addClientFlags(c)
	addOutput(c, documentFormats...)
	return c
}

func newJobsEnd(verb, short, method, suffix string) *cobra.Command {
	c := &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Example: "  nightjar jobs " + verb + " 1fa783c4-c6ce-430c-972c-43a2ccde1420",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return cl.do(c.Context(), method, jobsPath+"/jobs/"+url.PathEscape(args[0])+suffix, nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}

func newJobsResults() *cobra.Command {
	var query string
	var limit int
	c := &cobra.Command{
		Use:     "results ID",
		Short:   "List what a job found, the newest first",
		Example: "  nightjar jobs results 1fa783c4-c6ce-430c-972c-43a2ccde1420 --query status:high --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 {
				return &usageError{c.CommandPath(), errors.New("--limit: at least 1")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			items, more, err := cl.jobResults(c.Context(), args[0], query, limit)
			if err != nil {
				return err
			}
			if more {
				fmt.Fprintf(os.Stderr, "only the first %d; --limit shows more\n", limit)
			}
			return printSignals(c, items)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&query, "query", "", "a search, as of signals")
	c.Flags().IntVar(&limit, "limit", 50, "how many results at most")
	return c
}

// jobResults reads up to limit results, page by page; more says that there are
// others.
func (c *client) jobResults(ctx context.Context, id, query string, limit int) (items []json.RawMessage, more bool, err error) {
	items = []json.RawMessage{}
	for cursor := ""; ; {
		values := url.Values{"filter[query]": {query}, "page[limit]": {strconv.Itoa(min(1000, limit-len(items)))}}
		if cursor != "" {
			values.Set("page[cursor]", cursor)
		}
		var answer struct {
			Data []json.RawMessage
			Meta struct{ Page struct{ After string } }
		}
		if err := c.do(ctx, http.MethodGet, jobsPath+"/jobs/"+url.PathEscape(id)+"/histsignals?"+values.Encode(), nil, nil, &answer); err != nil {
			return nil, false, err
		}
		items = append(items, answer.Data...)
		if cursor = answer.Meta.Page.After; cursor == "" || len(items) >= limit {
			return items, cursor != "", nil
		}
	}
}

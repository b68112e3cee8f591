package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
)

const reparsesPath = "/api/nightjar/v1/reparses"

// reparseJob is such a job as the API shows it.
type reparseJob struct {
	ID       string `json:"id"`
	Query    string `json:"query"`
	From     string `json:"from"`
	To       string `json:"to"`
	State    string `json:"state"`
	Error    string `json:"error"`
	Days     int64  `json:"days"`
	DaysDone int64  `json:"days_done"`
	Events   uint64 `json:"events"`
	Changed  uint64 `json:"changed"`
	Failed   uint64 `json:"failed"`
	Created  string `json:"created"`
	Ended    string `json:"ended"`
}

func (j *reparseJob) hasEnded() bool { return j.State != "pending" && j.State != "running" }

func newReparse() *cobra.Command {
	c := &cobra.Command{
		Use: "reparse", Short: "Read stored events again, with the pipelines that are in force now",
		Example: "  nightjar reparse run source:sshd\n  nightjar reparse list", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newReparseRun(), newReparseList(), newReparseCancel())
	return c
}

func newReparseRun() *cobra.Command {
	var span spanFlags
	var background bool
	c := &cobra.Command{
		Use:   "run QUERY",
		Short: "Read the events that a search finds again",
		Long: `Reads the stored events that a search finds again, from what was kept of how they
came, with the pipelines, places and threat lists that are in force. Searches and
backtests see what becomes of them; signals stay. The days of arrival are replaced one
after the other, each at one moment, while events go on coming in.

It waits for the end, unless --background is given; a job goes on after a restart of the
engine. @nightjar.pipelines says of every event which version of which pipeline read it.`,
		Example: `  nightjar reparse run source:sshd
  nightjar reparse run 'source:nginx -@nightjar.pipelines:*' --from -30d --background`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var job reparseJob
			ask := map[string]string{"query": args[0]}
			if err := span.into(c, ask); err != nil {
				return err
			}
			if err := cl.send(c.Context(), http.MethodPost, reparsesPath, ask, &job); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "job %s\n", job.ID)
			if background {
				return nil
			}
			return cl.awaitReparse(c.Context(), job)
		},
	}
	addClientFlags(c)
	span.add(c, "events ", "before then (default: all)")
	c.Flags().BoolVar(&background, "background", false, "don't wait for the end")
	return c
}

// awaitReparse waits for the end of a job, and says how far it is.
func (c *client) awaitReparse(ctx context.Context, job reparseJob) error {
	for told := ""; ; {
		if err := c.do(ctx, http.MethodGet, reparsesPath+"/"+url.PathEscape(job.ID), nil, nil, &job); err != nil {
			return err
		}
		if now := fmt.Sprintf("%s: %d of %d days, %d events, %d changed, %d failed", job.State, job.DaysDone, job.Days, job.Events, job.Changed, job.Failed); now != told {
			fmt.Fprintln(os.Stderr, now)
			told = now
		}
		if job.hasEnded() {
			break
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if job.State != "completed" {
		return fmt.Errorf("the job is %s: %s", job.State, job.Error)
	}
	return nil
}

func newReparseList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List these jobs, the newest first",
		Example: "  nightjar reparse list --output json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer struct{ Jobs []reparseJob }
			if err := cl.do(c.Context(), http.MethodGet, reparsesPath, nil, nil, &answer); err != nil {
				return err
			}
			r := result{data: answer.Jobs, header: []string{"ID", "STATE", "QUERY", "FROM", "TO", "DAYS", "EVENTS", "CHANGED", "FAILED", "CREATED", "ENDED", "ERROR"}, none: "no jobs"}
			for _, j := range answer.Jobs {
				r.rows = append(r.rows, []string{
					j.ID, j.State, j.Query, j.From, j.To, fmt.Sprintf("%d of %d", j.DaysDone, j.Days), fmt.Sprint(j.Events), fmt.Sprint(j.Changed), fmt.Sprint(j.Failed), j.Created, j.Ended, j.Error,
				})
			}
			return r.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func newReparseCancel() *cobra.Command {
	c := &cobra.Command{
		Use: "cancel ID", Short: "End a job; the days that it has done stay done",
		Example: "  nightjar reparse cancel 1c9f0c6e-0b7e-4c0e-8f0a-2f6f1f3f3c11", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return cl.send(c.Context(), http.MethodPost, reparsesPath+"/"+url.PathEscape(args[0])+"/cancel", struct{}{}, nil)
		},
	}
	addClientFlags(c)
	return c
}

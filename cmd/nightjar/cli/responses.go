package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const responsesPath = "/api/nightjar/v1/responses"

// response is a response as the API shows it.
type response struct {
	ID               string           `json:"id"`
	Action           string           `json:"action"`
	SignalID         string           `json:"signal_id"`
	Agent            string           `json:"agent"`
	Host             string           `json:"host"`
	Process          *responseProcess `json:"process,omitempty"`
	SignalName       string           `json:"signal_name"`
	Scope            string           `json:"scope"`
	Reason           string           `json:"reason"`
	By               string           `json:"by"`
	Created          string           `json:"created"`
	Deadline         string           `json:"deadline"`
	State            string           `json:"state"`
	Ended            string           `json:"ended"`
	CancelledBy      string           `json:"cancelled_by"`
	Target           string           `json:"target"`
	Result           *responseResult  `json:"result,omitempty"`
	AgentLastContact string           `json:"agent_last_contact"`
}

// responseProcess is a process, as the API takes and shows it.
type responseProcess struct {
	PID        int64  `json:"pid,omitempty"`
	Executable string `json:"executable,omitempty"`
	Inode      uint64 `json:"inode,omitempty"`
	Started    string `json:"started,omitempty"`
	Boot       string `json:"boot,omitempty"`
	SinceBoot  string `json:"since_boot,omitempty"`
	Args       string `json:"args,omitempty"`
	User       string `json:"user,omitempty"`
	Container  string `json:"container,omitempty"`
	CGroup     string `json:"cgroup,omitempty"`
}

type responseResult struct {
	Status string          `json:"status"`
	Error  string          `json:"error"`
	At     string          `json:"at"`
	Report json.RawMessage `json:"report,omitempty"`
}

func newResponses() *cobra.Command {
	var signal, host, state, action string
	var limit int
	c := &cobra.Command{
		Use:   "responses",
		Short: "List what people had done to hosts: processes killed, hosts cut off, process trees collected",
		Long: `Lists responses, the newest first, and how they stand: waiting for the agent, done,
failed, expired (the agent was away until the deadline) or cancelled.`,
		Example: "  nightjar responses\n  nightjar responses --state waiting\n  nightjar responses --signal 7cP1I9tDnaT_fd07FLiCwDPO --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			q := url.Values{"limit": {fmt.Sprint(limit)}}
			for key, value := range map[string]string{"signal_id": signal, "host": host, "state": state, "action": action} {
				if value != "" {
					q.Set(key, value)
				}
			}
			var answer struct {
				Responses []response
				More      int64
			}
			if err := cl.do(c.Context(), http.MethodGet, responsesPath+"?"+q.Encode(), nil, nil, &answer); err != nil {
				return err
			}
			if answer.More > 0 {
				fmt.Fprintf(os.Stderr, "%d more; --limit shows them\n", answer.More)
			}
			return listOfResponses(answer.Responses).print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	f := c.Flags()
	f.StringVar(&signal, "signal", "", "to this signal only")
	f.StringVar(&host, "host", "", "on this host only")
	f.StringVar(&state, "state", "", "waiting, done, failed, expired or cancelled")
	f.StringVar(&action, "action", "", "kill, isolate, release or collect")
	f.IntVar(&limit, "limit", 100, "how many at most")
	c.AddCommand(newResponsesGet(), newResponsesCreate(), newResponsesCancel())
	return c
}

func listOfResponses(all []response) result {
	r := result{data: all, header: []string{"ID", "CREATED", "ACTION", "TARGET", "STATE", "RESULT", "BY", "REASON", "SIGNAL"}, none: "no responses"}
	for i := range all {
		one := &all[i]
		r.rows = append(r.rows, []string{one.ID, one.Created, one.Action, one.Target, one.State, one.outcome(), one.By, one.Reason, one.SignalID})
	}
	return r
}

// outcome is what became of the response, or until when the agent is waited for.
func (r *response) outcome() string {
	switch {
	case r.Result != nil:
		return r.Result.Status + after(": ", r.Result.Error)
	case r.State == "waiting":
		return "until " + r.Deadline + ", the agent was last heard of " + cmp.Or(r.AgentLastContact, "before the engine started, if ever")
	case r.State == "cancelled":
		return "by " + r.CancelledBy
	}
	return ""
}

func newResponsesGet() *cobra.Command {
	c := &cobra.Command{
		Use:     "get ID",
		Short:   "Show one response, with what the agent reported",
		Example: "  nightjar responses get abc-def-ghi",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var r response
			if err := cl.do(c.Context(), http.MethodGet, responsesPath+"/"+url.PathEscape(args[0]), nil, nil, &r); err != nil {
				return err
			}
			return r.shown().print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	return c
}

func newResponsesCancel() *cobra.Command {
	c := &cobra.Command{
		Use:     "cancel ID",
		Short:   "Take back what the agent has not answered yet",
		Example: "  nightjar responses cancel abc-def-ghi",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var r response
			if err := cl.send(c.Context(), http.MethodPost, responsesPath+"/"+url.PathEscape(args[0])+"/cancel", struct{}{}, &r); err != nil {
				return err
			}
			return r.shown().print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	return c
}

// shown is a response for people, and all of it for programs.
func (r *response) shown() result {
	return result{data: r, text: func(w io.Writer) error {
		s := &screen{w: w, width: terminalWidth()}
		s.line(r.Action + "  " + r.Target)
		s.field("id", r.ID)
		s.field("state", r.State+after(", ", r.outcome()))
		s.field("why", r.Reason+", said "+r.By+" on "+r.Created)
		s.field("signal", r.SignalID)
		if r.Action == "kill" {
			s.field("sent", r.SignalName+" to its "+r.Scope)
		}
		if r.Result == nil || len(r.Result.Report) == 0 {
			return s.err
		}
		s.line("")
		s.width = 0 // evidence is never cut
		return r.showReport(s)
	}}
}

// collected is what is shown of a process tree.
type collected struct {
	Processes []struct {
		Relation    string
		PID         int64
		Started     string
		Executable  string
		Args        []string
		User        string
		Ended       bool
		Files       []string
		Connections []struct{ Protocol, Local, Remote, State string }
	}
	Cut []string
}

func (r *response) showReport(s *screen) error {
	var tree collected
	if r.Action != "collect" || json.Unmarshal(r.Result.Report, &tree) != nil || len(tree.Processes) == 0 {
		var text bytes.Buffer
		if json.Indent(&text, r.Result.Report, "", "  ") == nil {
			for line := range strings.Lines(text.String()) {
				s.line(strings.TrimSuffix(line, "\n"))
			}
		}
		return s.err
	}
	for _, p := range tree.Processes {
		mark := map[string]string{"ancestor": "↑ ", "process": "* ", "descendant": "↓ "}[p.Relation]
		s.line(fmt.Sprintf("%s%s[%d]  %s  %s  %s%s", mark, p.Executable, p.PID, p.User, p.Started, strings.Join(p.Args, " "), map[bool]string{true: "  (ended)"}[p.Ended]))
		for _, f := range p.Files {
			s.line("    " + f)
		}
		for _, c := range p.Connections {
			s.line(fmt.Sprintf("    %s %s → %s %s", c.Protocol, c.Local, cmp.Or(c.Remote, "-"), c.State))
		}
	}
	for _, cut := range tree.Cut {
		s.line("not shown: " + cut)
	}
	return s.err
}

// awaitResponse waits until the agent answered, at most so long.
func (c *client) awaitResponse(ctx context.Context, r *response, most time.Duration) error {
	for end := time.Now().Add(most); r.State == "waiting" && time.Now().Before(end); {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return &interruptedError{"response " + r.ID + " goes on; `nightjar responses get` shows it, `cancel` takes it back"}
		}
		if err := c.do(ctx, http.MethodGet, responsesPath+"/"+url.PathEscape(r.ID), nil, nil, r); err != nil {
			return err
		}
	}
	return nil
}

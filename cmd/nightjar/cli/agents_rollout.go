package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

const rolloutPath = agentsPath + "/rollout"

// rolloutAnswer is how far the policies of agents are.
type rolloutAnswer struct {
	State, Changed, Settled, Reason string
	Version, Before                 uint64
	Stage                           int
	Stages                          []rolloutStage
	Errors                          []string
}

type rolloutStage struct {
	Percent int      `json:"percent,omitempty"`
	Tags    []string `json:"tags,omitempty"`
	Soak    string   `json:"soak,omitempty"`
	Agents  int      `json:"agents"`
	InForce int      `json:"in_force"`
}

func newAgentsRollout() *cobra.Command {
	var stages []string
	var atOnce bool
	c := &cobra.Command{
		Use: "rollout", Short: "Show how far a change of the agents' policies is, or say in which stages it goes",
		Long: `Every change of agent rules and policies is rolled out. Without stages all agents get
it at once. With --stage (up to ten, given together), it goes to the agents of the first
stage, and to those of the next once all of them had it in force for the stage's time:
a percentage of the enrolled agents, or those whose host has the tags (several are
joined by commas). Each stage has the agents of those before it; after the last one come
all others.

A rollout stops by itself, with stages or without, when an agent that follows the new
policies refuses them, falls silent, loses more than one event a second more than
before, takes 20 % of a core more, or kills and denies more than five times more than
before would have. Nobody further gets them until somebody resumes it or rolls it back;
who has them keeps them until then.`,
		Example: `  nightjar agents rollout
  nightjar agents rollout --stage ring:canary=30m --stage 25%=1h --stage 50%
  nightjar agents rollout --all-at-once
  nightjar agents rollout resume
  nightjar agents rollout rollback`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !atOnce && len(stages) == 0 {
				return callRollout(c, http.MethodGet, rolloutPath, nil)
			}
			plan, err := readStages(stages)
			if err != nil {
				return &usageError{c.CommandPath(), err}
			}
			return callRollout(c, http.MethodPut, rolloutPath, map[string]any{"stages": plan})
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringArrayVar(&stages, "stage", nil, "of later changes: 25%=1h or env:staging,role:web=30m (without a time: ten minutes)")
	c.Flags().BoolVar(&atOnce, "all-at-once", false, "later changes go to all agents at once")
	c.MarkFlagsMutuallyExclusive("stage", "all-at-once")
	c.AddCommand(
		newRolloutStep("resume", "Go on with a rollout that stopped, in spite of why it did"),
		newRolloutStep("rollback", "Give all agents the policies from before the rollout"),
	)
	return c
}

func newRolloutStep(name, short string) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: short, Example: "  nightjar agents rollout " + name, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return callRollout(c, http.MethodPost, rolloutPath+":"+name, map[string]any{})
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	return c
}

// readStages reads what --stage says. Tags have no %, and end before the last = sign.
func readStages(texts []string) ([]map[string]any, error) {
	out := []map[string]any{}
	for _, text := range texts {
		who, soak := text, ""
		if i := strings.LastIndex(text, "="); i >= 0 {
			who, soak = text[:i], text[i+1:]
		}
		stage := map[string]any{}
		if soak != "" {
			stage["soak"] = soak
		}
		if number, isShare := strings.CutSuffix(who, "%"); isShare {
			percent, err := strconv.Atoi(number)
			if err != nil {
				return nil, fmt.Errorf("--stage: want 25%%=1h or env:staging=30m, got %q", text)
			}
			stage["percent"] = percent
		} else {
			stage["tags"] = splitTags(who)
		}
		out = append(out, stage)
	}
	return out, nil
}

func splitTags(text string) []string {
	var out []string
	for tag := range strings.SplitSeq(text, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			out = append(out, tag)
		}
	}
	return out
}

func callRollout(c *cobra.Command, method, path string, body any) error {
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if body == nil {
		err = cl.do(c.Context(), method, path, nil, nil, &raw)
	} else {
		err = cl.send(c.Context(), method, path, body, &raw)
	}
	if err != nil {
		return err
	}
	var b rolloutAnswer
	if err := json.Unmarshal(raw, &b); err != nil {
		return fmt.Errorf("read the engine's answer: %w", err)
	}
	return b.result(raw).print(c)
}

func (b rolloutAnswer) result(raw json.RawMessage) result {
	r := result{data: raw, header: []string{"STAGE", "HOSTS", "WATCHED FOR", "AGENTS", "IN FORCE"}}
	for i, s := range b.Stages {
		who := strings.Join(s.Tags, " ")
		if s.Percent > 0 {
			who = fmt.Sprintf("%d%%", s.Percent)
		}
		r.rows = append(r.rows, []string{fmt.Sprint(i + 1), who, s.Soak, fmt.Sprint(s.Agents), fmt.Sprint(s.InForce)})
	}
	r.text = func(w io.Writer) error {
		fmt.Fprintln(w, b.headline())
		for _, e := range b.Errors {
			fmt.Fprintln(w, "refused, since it does not check:", e)
		}
		fmt.Fprintln(w)
		return printTable(w, r.header, r.rows)
	}
	return r
}

// headline is how far it is, in a line.
func (b rolloutAnswer) headline() string {
	switch b.State {
	case "done":
		return fmt.Sprintf("all agents are to follow version %d, since %s", b.Version, b.Changed)
	case "stopped":
		return fmt.Sprintf("version %d stopped in stage %d of %d: %s", b.Version, b.Stage, len(b.Stages), b.Reason)
	}
	line := fmt.Sprintf("version %d is in stage %d of %d", b.Version, b.Stage, len(b.Stages))
	switch {
	case b.Reason != "":
		line += "; " + b.Reason
	case b.Settled != "":
		line += ", in force on its agents since " + b.Settled
	}
	return line
}

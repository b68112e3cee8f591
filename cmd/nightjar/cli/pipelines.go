package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"nightjar/engine"
	"nightjar/ingest/pipeline"
	"nightjar/schema"
)

const pipelinesPath = "/api/nightjar/v1/pipelines"

func newPipelinesCommand() *cobra.Command {
	k := pipelineDocuments()
	c := k.command()
	c.Long = `Pipelines change events between their reading and their storing: they parse
messages, move attributes to the names that rules ask for, set the time and the
status, and scrub what is not to be kept. An event meets all pipelines whose filter
finds it, in their order. Those that are built in can be disabled and cloned; what is
changed here is in force for the next event. docs/pipelines.md describes documents.`
	c.Example = `  nightjar pipelines check nginx.yaml && nightjar pipelines test nginx.yaml
  echo '192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 12' |
    nightjar pipelines preview --pipeline nginx.yaml
  nightjar pipelines apply pipelines/
  nightjar pipelines list`
	for _, sub := range c.Commands() {
		if sub.Name() == "validate" {
			sub.Use, sub.Aliases = "check FILE|FOLDER…", []string{"validate"}
			sub.Example = "  nightjar pipelines check pipelines/"
		}
	}
	c.AddCommand(newPipelinesCreate(k), newPipelinesUpdate(k), newPipelinesOrder(k), newPipelinesClone(k), newPipelinesTest(), newPipelinesSamples(k), newPipelinesPreview())
	return c
}

// pipelineState is a pipeline as the engine shows it.
type pipelineState struct {
	ID         string
	Pipeline   json.RawMessage
	Version    int64
	IsBuiltIn  bool `json:"is_built_in"`
	Broken     string
	Warnings   []string
	Statistics struct {
		Events, Failed, Redacted int64
		TimePerEvent             float64 `json:"time_per_event"`
		Dear                     string
	}
}

func pipelineDocuments() *documents {
	return &documents{
		noun: "pipeline", plural: "pipelines", query: "source:nginx", enabled: "is_enabled", inOrder: true,
		list:     listPipelines,
		complete: completePipeline,
		create:   createPipeline,
		update: func(ctx context.Context, c *client, was document, body map[string]any) error {
			path := pipelinesPath + "/" + url.PathEscape(was.id)
			if !was.builtIn {
				path += "?if_version=" + strconv.FormatInt(was.version, 10)
			}
			return sendPipeline(ctx, c, http.MethodPut, path, body, nil)
		},
		remove: func(ctx context.Context, c *client, id string) error {
			return c.do(ctx, http.MethodDelete, pipelinesPath+"/"+url.PathEscape(id), nil, nil, nil)
		},
		history:   pipelineHistory,
		deleted:   deletedPipelines,
		revive:    revivePipeline,
		read:      readPipelineDocument,
		checkFile: checkPipelineFile,
		columns:   []string{"NAME", "ID", "VERSION", "ENABLED", "BUILT IN", "FILTER", "EVENTS", "FAILED", "US/EVENT", "NOTE"},
		columnsHelp: `Lists pipelines in the order in which they run, by name, id and filter. EVENTS, FAILED
(events of which a processor failed or took too long; they were kept) and US/EVENT
(microseconds an event) are since the engine started; NOTE names what is dear or out
of force.`,
		cell: pipelineCell,
	}
}

func listPipelines(ctx context.Context, c *client, query string) (all []document, err error) {
	var answer struct{ Data []json.RawMessage }
	if err := c.do(ctx, http.MethodGet, pipelinesPath, nil, nil, &answer); err != nil {
		return nil, err
	}
	for _, raw := range answer.Data {
		d, err := pipelineDocument(raw)
		if err != nil {
			return nil, err
		}
		if query == "" || strings.Contains(strings.ToLower(d.id+"\n"+d.name+"\n"+filterOf(d)), strings.ToLower(query)) {
			all = append(all, d)
		}
	}
	return all, nil
}

func filterOf(d document) string {
	filter, _ := d.body["filter"].(map[string]any)
	text, _ := filter["query"].(string)
	return text
}

func pipelineDocument(raw json.RawMessage) (document, error) {
	var state pipelineState
	if err := json.Unmarshal(raw, &state); err != nil {
		return document{}, fmt.Errorf("read a pipeline of the answer: %w", err)
	}
	d := document{id: state.ID, name: state.ID, version: state.Version, shown: raw, builtIn: state.IsBuiltIn, body: map[string]any{}}
	if state.Pipeline == nil {
		return d, nil
	}
	body, err := jsonObject(state.Pipeline)
	if err != nil {
		return document{}, err
	}
	d.body = authored(body)
	d.name, _ = body["name"].(string)
	return d, nil
}

// authored leaves out what the engine says of a pipeline.
func authored(body map[string]any) map[string]any {
	for _, key := range []string{"id", "type", "is_read_only"} {
		delete(body, key)
	}
	return body
}

func pipelineCell(d document, column string) string {
	var state pipelineState
	_ = json.Unmarshal(d.shown, &state) // what does not fit is not shown
	counts := state.Statistics
	switch column {
	case "NAME":
		return d.name
	case "VERSION":
		return strconv.FormatInt(state.Version, 10)
	case "ENABLED":
		return strconv.FormatBool(d.body["is_enabled"] == true)
	case "BUILT IN":
		return strconv.FormatBool(state.IsBuiltIn)
	case "FILTER":
		return filterOf(d)
	case "EVENTS":
		return humanize.Comma(int64(counts.Events))
	case "FAILED":
		return humanize.Comma(int64(counts.Failed))
	case "US/EVENT":
		if counts.Events == 0 {
			return "-"
		}
		return strconv.FormatFloat(counts.TimePerEvent, 'f', 1, 64)
	case "NOTE":
		if state.Broken != "" {
			return "out of force: " + state.Broken
		}
		return counts.Dear
	}
	return d.id
}

func createPipeline(ctx context.Context, c *client, body map[string]any) (string, error) {
	var answer struct{ ID string }
	err := sendPipeline(ctx, c, http.MethodPost, pipelinesPath, body, &answer)
	return answer.ID, err
}

func sendPipeline(ctx context.Context, c *client, method, path string, body map[string]any, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, method, path, nil, text, answer)
}

// readPipelineDocument reads a file in any form that pipelines have. Its id is the one
// that it states.
func readPipelineDocument(path string) (document, error) {
	all, err := parsePipelines(path)
	if err != nil {
		return document{}, err
	}
	if len(all) != 1 {
		return document{}, fmt.Errorf("%s: it has %d pipelines; write each to a file of its own", path, len(all))
	}
	body, err := bodyOf(all[0])
	return document{id: all[0].ID, name: all[0].Name, body: body, path: path}, err
}

// bodyOf is a pipeline as its author would write it, with every default.
func bodyOf(p *pipeline.Pipeline) (map[string]any, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	body, err := jsonObject(text)
	return authored(body), err
}

// completePipeline needs no engine: files were read with all defaults.
func completePipeline(_ context.Context, _ *client, file map[string]any) (map[string]any, []string, error) {
	return file, nil, nil
}

func checkPipelineFile(path string) (warnings []string, err error) {
	all, err := readPipelines(path)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		for _, w := range p.Warnings {
			warnings = append(warnings, w.String())
		}
		for _, d := range p.Dear {
			warnings = append(warnings, fmt.Sprintf("%s: rule %s is dear: %s", d.Path, d.Rule, d.Why))
		}
	}
	return warnings, nil
}

// pipelineHistory reads the versions; what changed is told by the members that differ.
func pipelineHistory(ctx context.Context, c *client, id string) ([]revision, error) {
	var answer struct {
		Data []struct {
			Version   int64
			UpdatedAt string `json:"updated_at"`
			IsDeleted bool   `json:"is_deleted"`
			Pipeline  json.RawMessage
		}
	}
	if err := c.do(ctx, http.MethodGet, pipelinesPath+"/"+url.PathEscape(id)+"/versions", nil, nil, &answer); err != nil {
		return nil, err
	}
	out := make([]revision, len(answer.Data))
	for i, v := range slices.Backward(answer.Data) {
		at, err := schema.ParseMoment(v.UpdatedAt, engine.Now())
		if err != nil {
			return nil, fmt.Errorf("read version %d of the answer: %w", v.Version, err)
		}
		out[i] = revision{Version: v.Version, At: at, Changes: []versionChange{}, body: map[string]any{}}
		if v.Pipeline != nil {
			body, err := jsonObject(v.Pipeline)
			if err != nil {
				return nil, err
			}
			out[i].body = authored(body)
		}
		var before map[string]any
		if i+1 < len(out) {
			before = out[i+1].body
		}
		out[i].Changes = append(out[i].Changes, membersThatDiffer(before, out[i].body)...)
	}
	return out, nil
}

func membersThatDiffer(before, after map[string]any) (out []versionChange) {
	keys := map[string]bool{}
	for _, body := range []map[string]any{before, after} {
		for key := range body {
			keys[key] = true
		}
	}
	for key := range keys {
		was, had := before[key]
		is, has := after[key]
		old, _ := json.Marshal(was) // they were read from JSON
		text, _ := json.Marshal(is)
		switch {
		case !has:
			out = append(out, versionChange{Field: key, Type: actDelete})
		case !had:
			out = append(out, versionChange{Field: key, Type: actCreate, Change: string(text)})
		case string(old) != string(text):
			out = append(out, versionChange{Field: key, Type: actUpdate, Change: string(text)})
		}
	}
	slices.SortFunc(out, func(a, b versionChange) int { return strings.Compare(a.Field, b.Field) })
	return out
}

func newPipelinesCreate(k *documents) *cobra.Command {
	c := &cobra.Command{
		Use: "create FILE…", Short: "Store pipelines of files as new ones; they run behind all others",
		Example: "  nightjar pipelines create nginx.yaml\n  nightjar pipelines create exported.json --output json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			there, err := k.list(c.Context(), cl, "")
			if err != nil {
				return err
			}
			var made []document
			for _, path := range args {
				all, err := readPipelines(path)
				if err != nil {
					return err
				}
				for _, p := range all {
					body, err := bodyOf(p)
					if err != nil {
						return err
					}
					id, err := k.create(c.Context(), cl, body)
					if err != nil {
						return inFile(path, err)
					}
					d, err := k.find(c.Context(), cl, id)
					if err != nil {
						return err
					}
					fmt.Fprintf(os.Stderr, "created pipeline %q (%s)\n", d.name, d.id)
					if i := slices.IndexFunc(there, func(o document) bool { return o.name == d.name }); i >= 0 {
						fmt.Fprintf(os.Stderr, "there is another of that name (%s), and each runs; to change that one instead: nightjar pipelines delete %s && nightjar pipelines update %s %s\n", there[i].id, d.id, there[i].id, path)
					}
					made = append(made, d)
				}
			}
			shown := make([]json.RawMessage, len(made))
			for i, d := range made {
				shown[i] = d.shown
			}
			return k.table(c.Context(), cl, shown, made...).print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func newPipelinesUpdate(k *documents) *cobra.Command {
	c := &cobra.Command{
		Use: "update ID|NAME FILE", Short: "Put a file's pipeline into the place of one",
		Example: "  nightjar pipelines update 'my nginx' nginx.yaml",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := readPipelineDocument(args[1])
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return k.each(c.Context(), cl, args[:1], "updated", func(d document) error {
				return k.update(c.Context(), cl, d, file.body)
			})
		},
	}
	addClientFlags(c)
	return c
}

func newPipelinesClone(k *documents) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use: "clone ID|NAME", Short: "Make a pipeline of your own of any, to change it",
		Long: `Makes a copy that runs right behind the original and is disabled. To change what a
built-in pipeline does, clone it, change the copy, enable it and disable the original.`,
		Example: "  nightjar pipelines clone nginx --name 'our nginx'",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			d, err := k.find(c.Context(), cl, args[0])
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := sendPipeline(c.Context(), cl, http.MethodPost, pipelinesPath+"/"+url.PathEscape(d.id)+"/clone", map[string]any{"name": name}, &raw); err != nil {
				return err
			}
			made, err := pipelineDocument(raw)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "cloned pipeline %q (%s) as %q (%s), which is disabled\n", d.name, d.id, made.name, made.id)
			return k.table(c.Context(), cl, raw, made).print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&name, "name", "", "the name of the copy (default: that of the original, with (copy) behind it)")
	return c
}

func newPipelinesOrder(k *documents) *cobra.Command {
	var before, after string
	var first, last bool
	c := &cobra.Command{
		Use: "order [ID|NAME…]", Short: "Show the order in which pipelines run, or move some",
		Long: `Without names, shows the ids of all pipelines in their order. With some, moves these,
in the order given, to where a flag says; all names without a flag are the whole order.`,
		Example: "  nightjar pipelines order\n  nightjar pipelines order 'our nginx' --before nginx\n  nightjar pipelines order scrub --last",
		RunE: func(c *cobra.Command, args []string) error {
			places := 0
			for _, flag := range []string{"before", "after", "first", "last"} {
				if c.Flags().Changed(flag) {
					places++
				}
			}
			if places > 1 || places == 1 && len(args) == 0 {
				return &usageError{c.CommandPath(), errors.New("name pipelines, and one of --before, --after, --first and --last")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, err := k.list(c.Context(), cl, "")
			if err != nil {
				return err
			}
			if len(args) > 0 {
				ids, err := k.moved(all, args, before, after, first, last)
				if err != nil {
					return err
				}
				if err := sendPipeline(c.Context(), cl, http.MethodPut, "/api/v1/logs/config/pipeline-order", map[string]any{"pipeline_ids": ids}, nil); err != nil {
					return err
				}
				if all, err = k.list(c.Context(), cl, ""); err != nil {
					return err
				}
			}
			ids, rows := make([]string, len(all)), make([][]string, len(all))
			for i, d := range all {
				ids[i] = d.id
				rows[i] = []string{strconv.Itoa(i + 1), d.id, d.name}
			}
			return result{data: ids, header: []string{"#", "ID", "NAME"}, rows: rows, none: "no pipelines"}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&before, "before", "", "move them before this one")
	c.Flags().StringVar(&after, "after", "", "move them behind this one")
	c.Flags().BoolVar(&first, "first", false, "move them before all others")
	c.Flags().BoolVar(&last, "last", false, "move them behind all others")
	return c
}

// moved is the order of all when some are moved.
func (k *documents) moved(all []document, names []string, before, after string, first, last bool) ([]string, error) {
	one := func(name string) (string, error) {
		d, err := k.match(all, name, name)
		if err == nil && d == nil {
			err = fmt.Errorf("there is no %s with the id or name %q%s", k.noun, name, nearName(all, name))
		}
		if err != nil {
			return "", err
		}
		return d.id, nil
	}
	var some, rest []string
	for _, name := range names {
		id, err := one(name)
		if err != nil {
			return nil, err
		}
		some = append(some, id)
	}
	for _, d := range all {
		if !slices.Contains(some, d.id) {
			rest = append(rest, d.id)
		}
	}
	at := 0
	switch {
	case first:
	case last || len(rest) == 0:
		at = len(rest)
	case before != "" || after != "":
		id, err := one(before + after)
		if err != nil {
			return nil, err
		}
		if at = slices.Index(rest, id); at < 0 {
			return nil, fmt.Errorf("%s is one of those that are moved", id)
		}
		if after != "" {
			at++
		}
	default:
		return nil, fmt.Errorf("%d of %d pipelines are named: name all, or say where these go with --before, --after, --first or --last", len(some), len(all))
	}
	return slices.Insert(rest, at, some...), nil
}

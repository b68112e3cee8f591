package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/content"
	"nightjar/engine"
	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/registry"
	"nightjar/schema"
)

// previewOptions are the flags of preview.
type previewOptions struct {
	event, source, file, inPlaceOf string
	alone, offline                 bool
}

func newPipelinesPreview() *cobra.Command {
	var o previewOptions
	c := &cobra.Command{
		Use: "preview", Short: "Show an event before and after pipelines, and what each processor did",
		Long: `Takes a stored event (--event, with an id that search shows), or events from standard
input, one a line: raw lines, or objects as they would be posted. It shows what every
pipeline that applied did, processor by processor, and how the event differs in the
end. Nothing is stored. With --pipeline, a file's pipeline is tried as if it were
stored and enabled: behind all others, in the place of one (--in-place-of), or alone.
--offline asks no engine, and takes the pipelines that are built in.`,
		Example: `  nightjar pipelines preview --event AAABjPEoLAAAAAAAAAAAKg
  tail -n 1 access.log | nightjar pipelines preview --source nginx
  tail -n 3 app.log | nightjar pipelines preview --pipeline app.yaml --alone --offline`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return &usageError{c.CommandPath(), err}
			}
			answers, err := o.run(c)
			if err != nil {
				return err
			}
			return result{data: answers, text: func(w io.Writer) error { return printPreviews(w, answers) }}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	f := c.Flags()
	f.StringVar(&o.event, "event", "", "the id of a stored event")
	f.StringVar(&o.source, "source", "", "what wrote the lines; else it is guessed")
	f.StringVar(&o.file, "pipeline", "", "a file with a pipeline to try")
	f.StringVar(&o.inPlaceOf, "in-place-of", "", "try it in the place of the pipeline with this id")
	f.BoolVar(&o.alone, "alone", false, "try it without any other")
	f.BoolVar(&o.offline, "offline", false, "ask no engine")
	return c
}

func (o *previewOptions) check() error {
	switch {
	case o.file == "" && (o.alone || o.inPlaceOf != ""):
		return errors.New("--alone and --in-place-of go with --pipeline")
	case o.alone && o.inPlaceOf != "":
		return errors.New("--alone and --in-place-of: one of them")
	case o.offline && o.event != "":
		return errors.New("--event asks the engine; it does not go with --offline")
	case o.event != "" && o.source != "":
		return errors.New("--source is for lines; a stored event has its own")
	}
	return nil
}

// previewAnswer is a preview as the API gives it.
type previewAnswer struct {
	Before logItem         `json:"before"`
	After  logItem         `json:"after"`
	Trace  json.RawMessage `json:"trace"`
	Raw    string          `json:"raw,omitempty"`

	shown json.RawMessage
}

// MarshalJSON is the answer as it came.
func (a previewAnswer) MarshalJSON() ([]byte, error) { return a.shown, nil }

func (o *previewOptions) run(c *cobra.Command) ([]previewAnswer, error) {
	var draft *pipeline.Pipeline
	if o.file != "" {
		all, err := readPipelines(o.file)
		if err != nil {
			return nil, err
		}
		if len(all) != 1 {
			return nil, fmt.Errorf("%s: it has %d pipelines; want one", o.file, len(all))
		}
		draft = all[0]
	}
	ask, err := o.asker(c, draft)
	if err != nil {
		return nil, err
	}
	if o.event != "" {
		one, err := ask(map[string]any{"event_id": o.event})
		return []previewAnswer{one}, err
	}
	answers := []previewAnswer{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, ingest.MaxEventBytes+1)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		request := map[string]any{"line": string(line), "source": o.source}
		if json.Valid(line) && bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
			request = map[string]any{"event": json.RawMessage(bytes.Clone(line)), "source": o.source}
		}
		one, err := ask(request)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		answers = append(answers, one)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	if len(answers) == 0 {
		return nil, errors.New("standard input has no line")
	}
	return answers, nil
}

// asker asks the engine, or here.
func (o *previewOptions) asker(c *cobra.Command, draft *pipeline.Pipeline) (func(map[string]any) (previewAnswer, error), error) {
	if o.offline {
		return o.offlineAsker(draft)
	}
	cl, err := newClient(c)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if draft != nil {
		if body, err = bodyOf(draft); err != nil {
			return nil, err
		}
	}
	return func(request map[string]any) (out previewAnswer, err error) {
		if body != nil {
			request["pipeline"], request["in_place_of"], request["alone"] = body, o.inPlaceOf, o.alone
		}
		if err := sendPipeline(c.Context(), cl, http.MethodPost, pipelinesPath+"/preview", request, &out.shown); err != nil {
			return out, err
		}
		shown := out.shown
		err = json.Unmarshal(shown, &out)
		out.shown = shown
		return out, err
	}, nil
}

func (o *previewOptions) offlineAsker(draft *pipeline.Pipeline) (func(map[string]any) (previewAnswer, error), error) {
	all, err := registry.BuiltIn(content.Files)
	if err != nil {
		return nil, err
	}
	if draft != nil {
		draft.Enabled = true
		at := slices.IndexFunc(all, func(p *pipeline.Pipeline) bool { return p.ID == o.inPlaceOf })
		switch {
		case o.alone:
			all = []*pipeline.Pipeline{draft}
		case at >= 0:
			all[at] = draft
		case o.inPlaceOf != "":
			return nil, fmt.Errorf("there is no built-in pipeline with the id %q", o.inPlaceOf)
		default:
			all = append(all, draft)
		}
	}
	set := pipeline.NewSet(all, pipeline.Deps{})
	return func(request map[string]any) (out previewAnswer, err error) {
		in := registry.Input{Source: o.source}
		if line, is := request["line"].(string); is {
			in.Line = line
		} else {
			in.Object = request["event"].(json.RawMessage)
		}
		p, err := registry.PreviewWith(set, ingest.Decoder{Now: engine.Now()}, in)
		if err != nil {
			return out, err
		}
		if out.Trace, err = json.Marshal(p.Trace); err != nil {
			return out, err
		}
		out.Before, out.After, out.Raw = itemOf(&p.Before), itemOf(&p.After), p.After.Original
		shown := map[string]any{"before": asInAPI(&p.Before), "after": asInAPI(&p.After), "trace": out.Trace}
		if out.Raw != "" {
			shown["raw"] = out.Raw
		}
		out.shown, err = json.Marshal(shown)
		return out, err
	}, nil
}

// itemOf is an event as the API shows it.
func itemOf(e *schema.Event) (i logItem) {
	a := &i.Attributes
	a.Timestamp, a.Source, a.Service, a.Host, a.Status, a.Message, a.Tags = e.At.Time(), e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags
	a.Attributes = json.RawMessage(e.JSON)
	return i
}

// asInAPI is an event in the API's JSON.
func asInAPI(e *schema.Event) map[string]any {
	a := map[string]any{"timestamp": e.At.String(), "tags": append([]string{}, e.Tags...), "attributes": json.RawMessage(e.JSON)}
	for name, text := range map[string]string{"source": e.Source, "service": e.Service, "host": e.Host, "status": e.Status, "message": e.Message} {
		if text != "" {
			a[name] = text
		}
	}
	return map[string]any{"type": "log", "attributes": a}
}

func printPreviews(w io.Writer, answers []previewAnswer) error {
	var out strings.Builder
	for i, a := range answers {
		if i > 0 {
			out.WriteString("\n")
		}
		if err := a.print(&out); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// print shows what was done, and what came of it.
func (a *previewAnswer) print(out *strings.Builder) error {
	var trace pipeline.Trace
	if err := json.Unmarshal(a.Trace, &trace); err != nil {
		return fmt.Errorf("read the trace: %w", err)
	}
	text := a.Before.Attributes.Message
	if text == "" {
		text = string(a.Before.Attributes.Attributes)
	}
	fmt.Fprintf(out, "%s\n", printable(text))
	applied := false
	for _, p := range trace.Pipelines {
		if !p.Matched {
			continue
		}
		applied = true
		fmt.Fprintf(out, "  pipeline %s@%d %s\n", printable(p.ID), p.Version, printable(p.Name))
		printSteps(out, p.Steps, "    ")
		if p.Stopped != "" {
			fmt.Fprintf(out, "    %s\n", p.Stopped)
		}
	}
	if !applied {
		of := "source " + printable(a.After.Attributes.Source)
		if of == "source " {
			of = "it has no source, and none could be guessed; --source says it"
		}
		fmt.Fprintf(out, "  no pipeline applied: no filter finds it (%s)\n", of)
	}
	before, err := a.Before.leaves()
	if err != nil {
		return err
	}
	after, err := a.After.leaves()
	if err != nil {
		return err
	}
	out.WriteString("  the event\n")
	printDifference(out, before, after)
	return nil
}

func printSteps(out *strings.Builder, steps []*pipeline.Step, indent string) {
	for _, s := range steps {
		fmt.Fprintf(out, "%s%s %s", indent, s.Place, s.Type)
		if s.Name != "" {
			fmt.Fprintf(out, " (%s)", printable(s.Name))
		}
		if s.Outcome != pipeline.Applied {
			fmt.Fprintf(out, ": %s", s.Outcome)
		}
		if s.Rule != "" {
			fmt.Fprintf(out, ": rule %s", printable(s.Rule))
		}
		if s.Why != "" {
			fmt.Fprintf(out, ": %s", printable(s.Why))
		}
		out.WriteString("\n")
		for _, c := range s.Set {
			fmt.Fprintf(out, "%s  + %s = %s\n", indent, printable(c.Path), printable(readableJSON(c.Value)))
		}
		for _, path := range s.Removed {
			fmt.Fprintf(out, "%s  - %s\n", indent, printable(path))
		}
		printSteps(out, s.Steps, indent+"  ")
	}
}

// leaves are what an event says, by path: its fields, and its attributes with an @.
func (i *logItem) leaves() (map[string]string, error) {
	a := i.Attributes
	out := map[string]string{"timestamp": schema.MillisOf(a.Timestamp).String()}
	for name, text := range map[string]string{"source": a.Source, "service": a.Service, "host": a.Host, "status": a.Status, "message": a.Message, "tags": strings.Join(a.Tags, ", ")} {
		if text != "" {
			out[name] = text
		}
	}
	if len(a.Attributes) == 0 {
		return out, nil
	}
	d := json.NewDecoder(bytes.NewReader(a.Attributes))
	d.UseNumber()
	var attributes map[string]any
	if err := d.Decode(&attributes); err != nil {
		return nil, fmt.Errorf("read the attributes: %w", err)
	}
	if len(attributes) > 0 {
		leavesOf(out, "@", attributes)
	}
	return out, nil
}

// readableJSON is JSON without the escapes that only pages of HTML need: people copy
// what they see into rules and samples.
func readableJSON(text []byte) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		if i+6 <= len(text) {
			if plain, ok := readableEscapes[strings.ToLower(string(text[i:i+6]))]; ok {
				out.WriteString(plain)
				i += 5
				continue
			}
		}
		out.Write(text[i : i+2])
		i++
	}
	return out.String()
}

var readableEscapes = map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&", `\u0022`: `\"`, `\u0027`: "'", `\u005c`: `\\`}

func leavesOf(out map[string]string, path string, v any) {
	object, is := v.(map[string]any)
	if !is || len(object) == 0 {
		text, _ := json.Marshal(v) // it was read from JSON
		out[path] = readableJSON(text)
		return
	}
	for key, inner := range object {
		at := path + "." + key
		if path == "@" {
			at = path + key
		}
		leavesOf(out, at, inner)
	}
}

// printDifference shows what is gone and what is new; the rest is the same.
func printDifference(out *strings.Builder, before, after map[string]string) {
	var paths []string
	for path := range before {
		paths = append(paths, path)
	}
	for path := range after {
		if _, both := before[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	same := 0
	for _, path := range paths {
		was, had := before[path]
		is, has := after[path]
		if had && has && was == is {
			same++
			continue
		}
		if had {
			fmt.Fprintf(out, "    - %s: %s\n", printable(path), printable(was))
		}
		if has {
			fmt.Fprintf(out, "    + %s: %s\n", printable(path), printable(is))
		}
	}
	fmt.Fprintf(out, "    (%d more as before)\n", same)
}

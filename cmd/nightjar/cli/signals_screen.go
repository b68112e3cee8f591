package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"nightjar/schema"
)

// fullSignal is a signal as the API shows one, as far as a screen does.
type fullSignal struct {
	ID         string
	Attributes struct {
		Message string
		Tags    []string
		Custom  schema.SignalDocument
	}
}

// readFullSignal reads the API's answer.
func readFullSignal(raw json.RawMessage) (*fullSignal, error) {
	var answer struct{ Data fullSignal }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("read the signal: %w", err)
	}
	return &answer.Data, nil
}

func (f *fullSignal) samples() []schema.Sample {
	return schema.ReadSamples(string(f.Attributes.Custom.Samples))
}

// clockOf is the time of day of a moment as samples have it, in UTC.
func clockOf(timestamp string) string {
	at, _ := time.Parse(time.RFC3339, timestamp) // written by schema.Millis
	return at.UTC().Format("15:04:05")
}

// A screen is what a terminal shows at once. A signal fits one of 24 lines, the
// prompt below it included.
const (
	screenWidth   = 100 // where the terminal does not say
	messageLines  = 4
	screenSamples = 3
	screenValues  = 4
)

// screen writes lines of a terminal, each cut to its width.
type screen struct {
	w     io.Writer
	width int
	err   error
}

func (s *screen) line(text string) {
	text = printable(text)
	if r := []rune(text); s.width > 0 && len(r) > s.width {
		text = string(r[:s.width-1]) + "…"
	}
	if s.err == nil {
		_, s.err = fmt.Fprintln(s.w, strings.TrimRight(text, " "))
	}
}

// field is a line with a name, left out when there is nothing to say.
func (s *screen) field(name, text string) {
	if text != "" {
		s.line(fmt.Sprintf("%-8s %s", name, text))
	}
}

// command is a line to be copied, which is never cut.
func (s *screen) command(text string) {
	width := s.width
	s.width = 0
	s.line("  " + text)
	s.width = width
}

func terminalWidth() int {
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width >= 40 {
		return width
	}
	return screenWidth
}

// show writes what a signal is: what, whom, when, why, three of its events and
// what to do next.
func (f *fullSignal) show(w io.Writer, width int, filter string) error {
	a := &f.Attributes.Custom
	s := &screen{w: w, width: width}
	s.line(strings.ToUpper(a.Status) + "  " + a.Title)
	s.field("state", f.state())
	s.field("whom", f.whom())
	s.field("when", f.when())
	s.field("why", f.why())
	for _, r := range a.Nightjar.Responses {
		s.field("answer", fmt.Sprintf("%s %s%s", r.Action, r.State, after(": ", r.Status+after(": ", r.Error))))
		s.field("", r.Target)
		s.field("", "by "+r.By+": "+r.Reason)
	}
	s.field("tags", strings.Join(f.Attributes.Tags, ", "))
	f.message(s)
	f.events(s)
	s.line("")
	s.line("NEXT")
	for _, c := range f.next(filter) {
		s.command(c)
	}
	return s.err
}

func (f *fullSignal) state() string {
	a := &f.Attributes.Custom
	out := a.Nightjar.State + after(": ", a.Nightjar.Reason)
	triage := &a.Workflow.Triage
	if who := triage.Assignee; who.Somebody() {
		out += ", with " + who.Shown()
	}
	return out + after(", ", triage.ArchiveComment)
}

// whom is the group, or else what the samples are about.
func (f *fullSignal) whom() string {
	n := &f.Attributes.Custom.Nightjar
	var out []string
	for i, value := range n.Group {
		if i < len(n.GroupBy) {
			value = n.GroupBy[i] + " = " + value
		}
		out = append(out, value)
	}
	hosts, users := map[string]bool{}, map[string]bool{}
	for _, sample := range f.samples() {
		hosts[sample.Content.Host] = true
		var about struct{ Usr struct{ ID any } }
		_ = json.Unmarshal(sample.Content.Custom, &about) // one without a user
		if id, ok := about.Usr.ID.(string); ok {
			users[id] = true
		}
	}
	for _, more := range []struct {
		name string
		of   map[string]bool
	}{{"@usr.id", users}, {"host", hosts}} {
		if !slices.Contains(n.GroupBy, more.name) {
			out = append(out, after(more.name+" ", few(more.of)))
		}
	}
	return strings.Join(slices.DeleteFunc(out, func(s string) bool { return s == "" }), "; ")
}

// few names some of the values, and counts the others.
func few(values map[string]bool) string {
	delete(values, "")
	var all []string
	for v := range values {
		all = append(all, v)
	}
	slices.Sort(all)
	if more := len(all) - screenValues; more > 0 {
		all = append(all[:screenValues], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}

func (f *fullSignal) when() string {
	n := &f.Attributes.Custom.Nightjar
	const layout = "2006-01-02 15:04:05"
	first, last := n.FirstSeen.Time(), n.LastSeen.Time()
	out := first.Format(layout)
	switch {
	case first.Equal(last):
	case first.Format(time.DateOnly) == last.Format(time.DateOnly):
		out += " to " + last.Format("15:04:05")
	default:
		out += " to " + last.Format(layout)
	}
	return out + " UTC, " + counted(int(n.Events), "event")
}

func (f *fullSignal) why() string {
	a := &f.Attributes.Custom
	out := a.Workflow.Rule.Name + after(" (", a.Workflow.Rule.ID) + yes(a.Workflow.Rule.ID != "", ")", "")
	if c := a.TriggeringRuleCase; c.Condition != "" {
		out += ": " + c.Condition
		if a.Nightjar.Window > 0 {
			out += " within " + shortDuration(time.Duration(a.Nightjar.Window)*time.Millisecond)
		}
		out += after(", case ", c.Name)
	}
	return out
}

// shortDuration is a duration without parts that are nothing: 5m, not 5m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// message is as much of the message as there is room for.
func (f *fullSignal) message(s *screen) {
	var lines []string
	for paragraph := range strings.Lines(f.Attributes.Message) {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if len(line)+len(word)+1 > s.width && line != "" {
				lines, line = append(lines, line), ""
			}
			line += yes(line == "", "", " ") + word
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return
	}
	s.line("")
	for i, line := range lines {
		if i == messageLines-1 && len(lines) > messageLines {
			s.line("… (" + counted(len(lines)-i, "line") + " more)")
			return
		}
		s.line(line)
	}
}

// events shows the first, one amid and the last of the samples.
func (f *fullSignal) events(s *screen) {
	samples := f.samples()
	if len(samples) == 0 {
		return
	}
	shown := samples
	if n := len(samples); n > screenSamples {
		shown = []schema.Sample{samples[0], samples[n/2], samples[n-1]}
	}
	s.line("")
	s.line(fmt.Sprintf("EVENTS (%d of %d)", len(shown), max(f.Attributes.Custom.Nightjar.Events, uint64(len(shown)))))
	for _, e := range shown {
		text := e.Content.Message
		if text == "" {
			text = string(e.Content.Custom)
		}
		s.line("  " + clockOf(e.Content.Timestamp) + "  " + strings.Join(strings.Fields(text), " "))
	}
}

// next are commands that somebody may want next.
func (f *fullSignal) next(filter string) []string {
	a := &f.Attributes.Custom
	var out []string
	if filter != "" {
		from, to := a.Nightjar.FirstSeen-schema.Millis(a.Nightjar.Window), a.Nightjar.LastSeen+1
		out = append(out, fmt.Sprintf("nightjar search %s --from %s --to %s", quotedWord(filter), from, to))
	}
	if rule := a.Workflow.Rule.ID; rule != "" {
		explain := "nightjar explain --rule " + rule
		for _, value := range a.Nightjar.Group {
			explain += " --group " + quotedWord(value)
		}
		if len(a.Nightjar.Group) > 0 {
			out = append(out, explain)
		} else if samples := f.samples(); len(samples) > 0 {
			out = append(out, explain+" --event "+samples[0].EventID)
		}
	}
	return append(out, "nightjar signals triage "+f.ID+" --state under_review", "nightjar signals get "+f.ID+" --output json")
}

// quotedWord is a text as one word of a shell, which expands nothing in it.
func quotedWord(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// filterOf is the search that finds the events of a signal, and "" where the
// engine suggests none.
func (c *client) filterOf(ctx context.Context, id string) string {
	var answer struct {
		Data []struct {
			Attributes struct {
				Filter string `json:"query_filter"`
			}
		}
	}
	err := c.do(ctx, http.MethodGet, signalsPath+"/"+url.PathEscape(id)+"/investigation_queries", nil, nil, &answer)
	if err != nil || len(answer.Data) == 0 {
		return ""
	}
	return answer.Data[0].Attributes.Filter
}

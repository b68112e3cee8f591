package ruletest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"nightjar/compiler"
	"nightjar/scheduler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Signal is a signal that a test found, as its file would write it.
type Signal struct {
	Rule, CaseName, Severity string
	Title, Message           string
	Case                     int
	Group, Values, Tags      []string
	FirstSeen, LastSeen      schema.Millis
	Events                   uint64
	Suppressed               string // by the suppression with this id; "": it stands
}

func signalOf(plan *compiler.BoundPlan, p *scheduler.Published) Signal {
	s := Signal{
		Rule: plan.Rule.Name, Severity: p.Status, Message: p.Message, Case: p.Case, Group: detect.Visible(plan, p.Group),
		Values: p.Values, Tags: p.Tags, FirstSeen: p.FirstSeen, LastSeen: p.LastSeen, Events: p.Events, Suppressed: p.Suppression,
	}
	if s.Case >= 0 && s.Case < len(plan.Cases) {
		s.CaseName = plan.Cases[s.Case].Name
	}
	if title := p.Attributes.Lookup("title"); len(title) > 0 {
		s.Title = title[0].Text()
	}
	return s
}

// expectation is a signal that a test wants. What it does not say is not
// compared; a suppression, though, has to be said.
type expectation struct {
	place     `json:"-"`
	Rule      *string   `json:"rule"`
	Group     *texts    `json:"group"`
	Severity  *string   `json:"severity"`
	Case      *caseOf   `json:"case"`
	FirstSeen *moment   `json:"first_seen"`
	LastSeen  *moment   `json:"last_seen"`
	Events    *uint64   `json:"events"`
	Values    *texts    `json:"values"`
	Title     *string   `json:"title"`
	Message   *string   `json:"message"`
	Contains  *texts    `json:"message_contains"`
	Tags      *texts    `json:"tags"`
	Withheld  *withheld `json:"suppressed"`
}

// texts is a list of texts, or one.
type texts []string

func (t *texts) fromYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		*t = texts{n.Value}
		return nil
	}
	var list []string
	err := decode(n, &list)
	*t = list
	return err
}

// caseOf names a case by its index or its name.
type caseOf struct {
	index  int
	name   string
	byName bool
}

func (c *caseOf) fromYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return mistake(n, "want the name of a case or its number from 0, got %s", kindOf(n))
	}
	i, err := strconv.Atoi(n.Value)
	*c = caseOf{index: i, name: n.Value, byName: err != nil || n.Tag != "!!int"}
	return nil
}

// withheld is the id of a suppression, or true for any.
type withheld struct {
	id  string
	any bool
}

func (w *withheld) fromYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return mistake(n, "want the id of the suppression, true or false, got %s", kindOf(n))
	}
	*w = withheld{id: n.Value}
	if n.Tag == "!!bool" {
		*w = withheld{any: strings.EqualFold(n.Value, "true")}
	}
	return nil
}

// field is one compared field of a signal.
type field struct{ name, want, got string }

func (f field) equal() bool { return f.want == f.got }

// fields are what the expectation says, beside what the signal has.
func (e *expectation) fields(s *Signal, start schema.Millis) []field {
	var out []field
	add := func(name, want, got string) { out = append(out, field{name, want, got}) }
	text := func(name string, want *string, got string) {
		if want != nil {
			add(name, strings.TrimRight(*want, "\n"), strings.TrimRight(got, "\n"))
		}
	}
	list := func(name string, want *texts, got []string) {
		if want != nil {
			add(name, listed(*want), listed(got))
		}
	}
	time := func(name string, want *moment, got schema.Millis) {
		if want != nil {
			add(name, show(*want.in(start), start, want.relative), show(got, start, want.relative))
		}
	}
	text("rule", e.Rule, s.Rule)
	list("group", e.Group, s.Group)
	text("severity", e.Severity, s.Severity)
	if c := e.Case; c != nil && c.byName {
		add("case", c.name, s.CaseName)
	} else if c != nil {
		add("case", strconv.Itoa(c.index), strconv.Itoa(s.Case))
	}
	time("first_seen", e.FirstSeen, s.FirstSeen)
	time("last_seen", e.LastSeen, s.LastSeen)
	if e.Events != nil {
		add("events", strconv.FormatUint(*e.Events, 10), strconv.FormatUint(s.Events, 10))
	}
	list("values", e.Values, s.Values)
	text("title", e.Title, s.Title)
	text("message", e.Message, s.Message)
	for _, part := range deref(e.Contains) {
		got := part
		if !strings.Contains(s.Message, strings.TrimRight(part, "\n")) {
			got = s.Message
		}
		add("message_contains", part, got)
	}
	for _, tag := range deref(e.Tags) {
		got := tag
		if !slices.Contains(s.Tags, tag) {
			got = listed(s.Tags)
		}
		add("tags", tag, got)
	}
	return append(out, e.withheld(s))
}

func (e *expectation) withheld(s *Signal) field {
	f := field{"suppressed", "", s.Suppressed}
	switch {
	case e.Withheld != nil && e.Withheld.any:
		if f.want = "true"; f.got != "" {
			f.got = f.want
		}
	case e.Withheld != nil:
		f.want = e.Withheld.id
	}
	f.want, f.got = cmp.Or(f.want, "false"), cmp.Or(f.got, "false")
	return f
}

func deref(t *texts) []string {
	if t == nil {
		return nil
	}
	return *t
}

func listed(list []string) string {
	parts := make([]string, len(list))
	for i, s := range list {
		if parts[i] = s; s == "" || strings.ContainsAny(s, ",[]\"\n") {
			parts[i] = strconv.Quote(s)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// all are the fields of a signal that nobody expected.
func (s *Signal) all(start schema.Millis, severalRules bool) []field {
	var out []field
	add := func(name, got string) { out = append(out, field{name: name, got: got}) }
	if severalRules {
		add("rule", s.Rule)
	}
	add("group", listed(s.Group))
	add("severity", s.Severity)
	add("case", strconv.Itoa(s.Case))
	if s.CaseName != "" {
		out[len(out)-1].got = s.CaseName
	}
	add("first_seen", show(s.FirstSeen, start, true))
	add("last_seen", show(s.LastSeen, start, true))
	add("events", fmt.Sprint(s.Events))
	if len(s.Values) > 0 {
		add("values", listed(s.Values))
	}
	add("title", s.Title)
	if s.Suppressed != "" {
		add("suppressed", s.Suppressed)
	}
	return out
}

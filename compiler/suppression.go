package compiler

import (
	"strconv"
	"strings"
	"sync"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// Suppression is a suppression, compiled.
type Suppression struct {
	schema.Suppression
	selects   func(rule *schema.Event) bool   // asks a RuleEvent
	withholds func(signal *schema.Event) bool // nil: it withholds no signals
	excludes  func(*schema.Event) bool        // nil: it excludes no events
	data      *search.Query                   // what excludes asks
}

// CompileSuppression checks a suppression. The error is a *schema.InvalidError that
// lists everything wrong.
func CompileSuppression(s schema.Suppression) (*Suppression, error) {
	c := &Suppression{Suppression: s}
	var bad schema.InvalidError
	query := func(field, text string, parse func(string) (*search.Query, error)) (*search.Query, func(*schema.Event) bool) {
		if strings.TrimSpace(text) == "" {
			return nil, nil
		}
		q, err := parse(text)
		if err != nil {
			bad.Add(field, err.Error())
			return nil, nil
		}
		return q, q.Matcher()
	}
	_, c.selects = query("rule_query", s.RuleQuery, search.ParseForRules)
	_, c.withholds = query("suppression_query", s.SuppressionQuery, search.ParseForSignals)
	c.data, c.excludes = query("data_exclusion_query", s.DataExclusionQuery, search.Parse)
	switch {
	case strings.TrimSpace(s.Name) == "":
		bad.Add("name", "a suppression needs a name")
	case strings.TrimSpace(s.RuleQuery) == "":
		bad.Add("rule_query", "which rules? write a search over rules, such as type:log_detection, or * for all")
	case strings.TrimSpace(s.SuppressionQuery) == "" && strings.TrimSpace(s.DataExclusionQuery) == "":
		bad.Add("suppression_query", "what is suppressed? write a suppression_query over signals, a data_exclusion_query over events, or both")
	case s.StartDate != nil && s.ExpirationDate != nil && *s.ExpirationDate <= *s.StartDate:
		bad.Add("expiration_date", "a suppression expires after it starts")
	}
	return c, bad.Err()
}

// Selects reports whether the suppression applies to the rule.
func (s *Suppression) Selects(r *schema.Rule) bool { return s.selects(RuleEvent(r)) }

// RuleEvent is a rule as a search over rules sees it: with its tags, and
// `type`, `id`, `name` and the like beside them.
func RuleEvent(r *schema.Rule) *schema.Event {
	e := &schema.Event{Message: r.Name, At: r.CreatedAt}
	add := func(key, value string) { e.Tags = append(e.Tags, key+":"+value) }
	for _, t := range r.Tags {
		key, value, _ := strings.Cut(t, ":")
		switch key { // reserved names are no tags to a search
		case "source":
			e.Source = value
		case "service":
			e.Service = value
		case "host":
			e.Host = value
		case "status":
			e.Status = value
		}
		e.Tags = append(e.Tags, t)
	}
	for _, q := range r.Queries {
		for _, source := range namedSources(q.Query) {
			add("source", source)
		}
	}
	add("type", string(r.Type.OrDefault()))
	add("name", r.Name)
	add("id", r.ID)
	add("ruleId", r.ID)
	add("rule_id", r.ID)
	add("detectionMethod", string(r.Options.Method()))
	add("enabled", strconv.FormatBool(r.IsEnabled))
	add("isEnabled", strconv.FormatBool(r.IsEnabled))
	add("isDefault", strconv.FormatBool(r.IsDefault))
	for _, c := range r.Cases {
		add("severity", string(c.Severity()))
	}
	for _, c := range r.ThirdPartyCases {
		add("severity", string(c.Severity()))
	}
	return e
}

// RuleSources are the sources that a rule is about: those of its tags, then
// those that its queries name.
func RuleSources(r *schema.Rule) []string {
	return (&schema.Event{Tags: RuleEvent(r).Tags}).Values(sourceAsTag)
}

var sourceAsTag = schema.Field{Kind: schema.FieldTag, Name: "source"}

// sourcesByQuery are the sources that queries name, remembered because a search
// over rules asks every rule.
var sourcesByQuery struct {
	sync.Mutex
	known map[string][]string
}

// maxSourcesKnown bounds them.
const maxSourcesKnown = 50_000

// namedSources are the sources that a query names for its events.
func namedSources(query string) []string {
	c := &sourcesByQuery
	c.Lock()
	defer c.Unlock()
	if out, known := c.known[query]; known {
		return out
	}
	if len(c.known) >= maxSourcesKnown || c.known == nil {
		c.known = map[string][]string{}
	}
	var out []string
	if q, err := search.Parse(query); err == nil {
		out = q.Named(schema.ParseField("source"))
	} // else of a rule that is not evaluated
	c.known[query] = out
	return out
}

// InForce is a version of a suppression, with what it applies to: arrivals after
// After and up to Through, of its own time.
type InForce struct {
	*Suppression
	After, Through uint64
}

// Always is a suppression that applies to all arrivals: of a backtest.
func Always(s *Suppression) InForce { return InForce{Suppression: s, Through: ^uint64(0)} }

// covers reports whether something that happened at `at` and arrived as seq is the
// suppression's business. What no event made (seq 0), such as the silence of a group
// that was never heard, is that of the suppressions which are in force now.
func (f *InForce) covers(at schema.Millis, seq uint64) bool {
	arrived := seq > f.After && seq <= f.Through
	if seq == 0 {
		arrived = f.Through == ^uint64(0)
	}
	return arrived &&
		(f.StartDate == nil || at >= *f.StartDate) && (f.ExpirationDate == nil || at < *f.ExpirationDate)
}

// excluded reports whether a suppression keeps the event from the plan.
func (p *BoundPlan) excluded(e *schema.Event) bool {
	for i := range p.Suppressions {
		if f := &p.Suppressions[i]; f.excludes != nil && f.covers(e.At, e.Seq) && f.excludes(e) {
			return true
		}
	}
	return false
}

// Withholds reports whether any suppression may withhold signals of the plan.
func (p *BoundPlan) Withholds() bool {
	for i := range p.Suppressions {
		if p.Suppressions[i].withholds != nil {
			return true
		}
	}
	return false
}

// Withheld is the id of the suppression that withholds a signal, which is given
// as a search sees it, first seen At and opened by the arrival Seq; "" when
// there is none.
func (p *BoundPlan) Withheld(signal *schema.Event) string {
	for i := range p.Suppressions {
		f := &p.Suppressions[i]
		if f.withholds != nil && f.covers(signal.At, signal.Seq) && f.withholds(signal) {
			return f.ID
		}
	}
	return ""
}

// Suppress gives the plan those of the suppressions that select its rule.
func (p *BoundPlan) Suppress(list []InForce) {
	p.Suppressions = nil
	rule := RuleEvent(&p.Rule)
	for _, f := range list {
		if f.Enabled && f.selects(rule) {
			p.Suppressions = append(p.Suppressions, f)
		}
	}
}

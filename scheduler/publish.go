package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/schema"
)

// planChange is a change of a signal of a plan.
type planChange struct {
	change
	plan *compiler.Plan
}

// Published is a version of a signal as it is stored: with the reserved fields
// and the attributes that a search of signals sees.
type Published struct {
	schema.Signal
	Service, Host, Status, Message string
	Tags                           []string
	Attributes                     schema.Attributes
}

// Source is what the signals of the API have as their source.
func (*Published) Source() string { return "nightjar" }

// publish stores the changes.
func (s *Scheduler) publish(ctx context.Context, changes []planChange) error {
	if len(changes) == 0 {
		return nil
	}
	if err := s.identify(ctx, changes); err != nil {
		return err
	}
	if err := s.sample(ctx, changes); err != nil {
		return err
	}
	out := make([]Published, len(changes))
	for i, c := range changes {
		var err error
		if out[i], err = document(c.plan, c.Signal); err != nil {
			return fmt.Errorf("render signal %s: %w", c.ID, err)
		}
	}
	if err := s.deps.Signals.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish signals: %w", err)
	}
	for _, c := range changes {
		s.cache.of(c.plan, false).published(UnitKey(c.RuleKey, c.Group), c.Signal)
		if c.isNew {
			s.metrics.opened.Inc()
		}
		if c.Gone() {
			s.metrics.withdrawn.Inc()
		}
	}
	return nil
}

// identify gives new signals their ids. An id that a withdrawn signal of the
// same beginning has is taken up again; one that a signal which has moved since
// still uses is salted.
func (s *Scheduler) identify(ctx context.Context, changes []planChange) error {
	salts := make([]int, len(changes))
	taken := map[string]bool{}
	for {
		var ids []string
		for i := range changes {
			if c := &changes[i]; c.isNew && c.ID == "" {
				ids = append(ids, c.id(salts[i]))
			}
		}
		if len(ids) == 0 {
			return nil
		}
		known, err := s.deps.Signals.ByID(ctx, ids)
		if err != nil {
			return fmt.Errorf("look up signal ids: %w", err)
		}
		n := 0
		for i := range changes {
			c := &changes[i]
			if !c.isNew || c.ID != "" {
				continue
			}
			id := ids[n]
			n++
			before, used := known[id]
			if taken[id] || (used && !before.Gone()) {
				salts[i]++
				continue
			}
			taken[id] = true
			c.ID = id
			if used {
				c.isNew, c.Version, c.Triage = false, before.Version+1, before.Triage
			}
		}
	}
}

// sample reads some events for the signals whose beginning is new.
func (s *Scheduler) sample(ctx context.Context, changes []planChange) error {
	bySeq := map[uint64]*schema.Event{}
	var unread []compiler.Match
	for _, c := range changes {
		if !c.moved || c.Gone() {
			continue
		}
		for _, m := range c.evidence {
			if s.deps.Recent != nil {
				bySeq[m.Seq] = s.deps.Recent.find(m.Seq)
			}
			if bySeq[m.Seq] == nil {
				unread = append(unread, m)
			}
		}
	}
	if len(unread) > 0 {
		events, err := s.deps.Events.Fetch(ctx, unread)
		if err != nil {
			return fmt.Errorf("fetch sample events: %w", err)
		}
		for i := range events {
			bySeq[events[i].Seq] = &events[i]
		}
	}
	for i := range changes {
		if c := &changes[i]; c.moved && !c.Gone() {
			var err error
			if c.Samples, err = samplesJSON(c.evidence, bySeq); err != nil {
				return err
			}
		}
	}
	return nil
}

type sampleJSON struct {
	EventID    string        `json:"eventId"`
	QueryIndex int           `json:"queryIndex"`
	Content    sampleContent `json:"content"`
}

type sampleContent struct {
	Timestamp string          `json:"timestamp"`
	Source    string          `json:"source,omitempty"`
	Service   string          `json:"service"`
	Host      string          `json:"host,omitempty"`
	Status    string          `json:"status"`
	Message   string          `json:"message"`
	Tags      []string        `json:"tags"`
	Custom    json.RawMessage `json:"custom"`
}

func samplesJSON(evidence []compiler.Match, bySeq map[uint64]*schema.Event) (string, error) {
	samples := []sampleJSON{}
	for _, m := range evidence {
		e := bySeq[m.Seq]
		if e == nil {
			continue // expired
		}
		custom := json.RawMessage(e.JSON)
		if len(custom) == 0 {
			custom = json.RawMessage("{}")
		}
		samples = append(samples, sampleJSON{e.ID(), m.Label, sampleContent{
			e.At.String(), e.Source, e.Service, e.Host, e.Status, e.Message, notNil(e.Tags), custom,
		}})
	}
	text, err := json.Marshal(samples)
	if err != nil {
		return "", fmt.Errorf("encode sample events: %w", err)
	}
	return string(text), nil
}

// document renders a signal: its title and message, its tags, and the
// attributes that the API shows and a search of signals sees.
func document(plan *compiler.Plan, sig schema.Signal) (Published, error) {
	severity := Severity(plan, sig)
	samples := json.RawMessage(sig.Samples)
	if len(samples) == 0 {
		samples = json.RawMessage("[]")
	}
	rule := &plan.Rule
	title, message := titleAndMessage(plan, sig, severity)
	first, last := sig.FirstSeen.String(), sig.LastSeen.String()
	doc := map[string]any{}
	for i, values := range groupAttributes(plan, sig.Group) {
		putPath(doc, i, values)
	}
	maps := map[string]any{
		"title":              title,
		"status":             severity,
		"groupByPaths":       groupPaths(plan),
		"triggeringRuleCase": caseJSON(plan, sig.Case, severity),
		"queries":            queriesJSON(plan),
		"samples":            samples,
		"workflow": map[string]any{
			"rule": map[string]any{
				"id": rule.ID, "name": rule.Name, "type": typeName(rule.Type), "version": sig.RuleVersion,
				"isDefaultRule": rule.IsDefault, "detectionMethod": compiler.Method(*rule),
			},
			"first_seen": first, "last_seen": last, "events_matched": sig.Events,
		},
		"nightjar": map[string]any{
			"rule_id": sig.RuleID, "case": sig.Case, "case_name": caseName(plan, sig.Case), "group": notNil(Visible(plan, sig.Group)),
			"group_by": signalGroupBy(plan), "first_seen": sig.FirstSeen, "last_seen": sig.LastSeen, "severity": severity,
			"events": sig.Events, "window": plan.Window.Milliseconds(),
		},
	}
	for k, v := range maps {
		doc[k] = v
	}
	putStanding(doc, &sig)
	text, err := json.Marshal(doc)
	if err != nil {
		return Published{}, fmt.Errorf("encode attributes: %w", err)
	}
	attributes, err := schema.ParseAttributes(string(text))
	if err != nil {
		return Published{}, err
	}
	p := Published{Signal: sig, Status: severity, Message: message, Tags: signalTags(rule, sig), Attributes: attributes}
	p.Service, p.Host = commonService(sig.Samples)
	return p, nil
}

func caseName(plan *compiler.Plan, caseAt int) string {
	if caseAt >= 0 && caseAt < len(plan.Cases) {
		return plan.Cases[caseAt].Name
	}
	return ""
}

// lowered is the severity one step down, for signals from tests and the like.
var lowered = map[string]string{"critical": "high", "high": "medium", "medium": "info", "low": "info", "info": "info"}

// Severity is the case's status, lowered where the rule asks for that and the
// events come from a staging, test or dev environment.
func Severity(plan *compiler.Plan, sig schema.Signal) string {
	status := plan.DefaultStatus
	if sig.Case >= 0 && sig.Case < len(plan.Cases) {
		status = plan.Cases[sig.Case].Status
	}
	if d := plan.Rule.Options.DecreaseByEnv; d == nil || !*d {
		return status
	}
	for _, t := range sig.EventTags {
		env, ok := strings.CutPrefix(t, "env:")
		if ok && (strings.HasPrefix(env, "staging") || strings.HasPrefix(env, "test") || strings.HasPrefix(env, "dev")) {
			return lowered[status]
		}
	}
	return status
}

// groupAttributes are the signal's group values under the paths they came
// from, so that a search of signals finds them there.
func groupAttributes(plan *compiler.Plan, group []string) map[string]string {
	out := map[string]string{}
	for i, position := range plan.SignalGroup {
		for l := range plan.Labels {
			by := plan.Labels[l].GroupBy
			if i < len(group) && position < len(by) && by[position].Kind == schema.FieldAttribute {
				out[by[position].Name] = group[i]
			}
		}
	}
	return out
}

// putPath stores a value under a dotted path, nesting objects. Where the path
// runs into a value, it is stored under its dotted name.
func putPath(doc map[string]any, path, value string) {
	at := doc
	parts := strings.Split(path, ".")
	for _, p := range parts[:len(parts)-1] {
		next, ok := at[p].(map[string]any)
		if !ok {
			if _, exists := at[p]; exists {
				doc[path] = value
				return
			}
			next = map[string]any{}
			at[p] = next
		}
		at = next
	}
	at[parts[len(parts)-1]] = value
}

func groupPaths(plan *compiler.Plan) []string {
	paths := []string{}
	for l := range plan.Labels {
		if by := plan.Labels[l].GroupBy; len(by) == plan.Arity {
			for _, f := range by {
				paths = append(paths, f.Name)
			}
			break
		}
	}
	return paths
}

// signalGroupBy names the fields that the signal's group values are of.
func signalGroupBy(plan *compiler.Plan) []string {
	fields := []string{}
	for l := range plan.Labels {
		if by := plan.Labels[l].GroupBy; len(by) == plan.Arity {
			for _, position := range plan.SignalGroup {
				fields = append(fields, by[position].String())
			}
			break
		}
	}
	return fields
}

func caseJSON(plan *compiler.Plan, caseAt int, severity string) map[string]any {
	out := map[string]any{"name": caseName(plan, caseAt), "status": severity, "condition": ""}
	if caseAt >= 0 && caseAt < len(plan.Cases) {
		out["condition"] = plan.Cases[caseAt].Condition.Text
	}
	return out
}

func queriesJSON(plan *compiler.Plan) []map[string]any {
	out := make([]map[string]any, len(plan.Rule.Queries))
	for i, q := range plan.Rule.Queries {
		name := q.Name
		if i < len(plan.Labels) {
			name = plan.Labels[i].Name
		}
		out[i] = map[string]any{
			"name": name, "query": q.Query, "aggregation": q.Aggregation,
			"groupByPaths": notNil(q.GroupByFields), "distinctFields": notNil(q.DistinctFields),
		}
	}
	return out
}

// typeName is a rule's type as signals show it: "Log Detection".
func typeName(t string) string {
	if t == "" {
		t = "log_detection"
	}
	words := strings.Split(t, "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

func signalTags(rule *schema.Rule, sig schema.Signal) []string {
	tags := slices.Clone(notNil(rule.Tags))
	for _, t := range sig.EventTags {
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags
}

// commonService is the service and the host of the sample events, where those
// agree.
func commonService(samples string) (service, host string) {
	var list []sampleJSON
	if json.Unmarshal([]byte(samples), &list) != nil || len(list) == 0 {
		return "", ""
	}
	service, host = list[0].Content.Service, list[0].Content.Host
	for _, s := range list[1:] {
		if s.Content.Service != service {
			service = ""
		}
		if s.Content.Host != host {
			host = ""
		}
	}
	return service, host
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

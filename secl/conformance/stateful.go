package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/ruleset"
)

// world finds no processes: what needs them has a cast.
var world = event.World{}

// step is one event of a story, or time that passes, and what is then expected.
type step struct {
	Event     map[string]any
	Match     *bool
	SleepMS   int64          `json:"sleep_ms"`
	VarsAfter map[string]any `json:"vars_after"`
}

// cast are the processes of a story, by the number in their name: P1, or
// "P2 (parent P1)".
type cast map[int64]*event.Process

var inCast = regexp.MustCompile(`P(\d+)(?: \(parent P(\d+)\))?`)

func (k cast) process(name string) *event.Process {
	found := inCast.FindStringSubmatch(name)
	if found == nil {
		return nil
	}
	p := k.number(found[1])
	if found[2] != "" {
		p.Parent = k.number(found[2])
	}
	return p
}

func (k cast) number(text string) *event.Process {
	n, _ := strconv.ParseInt(text, 10, 64)
	if k[n] == nil {
		k[n] = &event.Process{PID: n}
	}
	return k[n]
}

// stateful plays a story.
func (r *runner) stateful(c *Case) (any, bool) {
	set, err := load(c.Rules, event.Model())
	if err != nil {
		return err.Error(), false
	}
	k := cast{}
	rules := ruleset.New(set, event.World{ByPID: func(pid int64) *event.Process { return k.number(fmt.Sprint(pid)) }})
	play := &play{rules: rules, cast: k, now: r.now, first: map[string]any{}}
	equal := true
	var got []any
	for i := range c.Steps {
		outcome, ok := play.step(&c.Steps[i])
		got = append(got, outcome)
		equal = equal && ok
	}
	return got, equal
}

type play struct {
	rules *ruleset.Set
	cast  cast
	now   int64
	last  *secl.Context
	first map[string]any // the value that each variable had first
}

func (p *play) step(s *step) (any, bool) {
	p.now += s.SleepMS * 1_000_000
	out := map[string]any{}
	equal := true
	before := map[string]string{}
	if s.Event != nil {
		c, err := p.context(s.Event)
		if err != nil {
			return err.Error(), false
		}
		for name := range s.VarsAfter {
			before[name] = fmt.Sprint(p.variable(name, c))
		}
		matched := false
		if bucket := p.rules.For(c.Event.(*event.Event).Type); bucket != nil {
			bucket.Evaluate(c, func(*ruleset.Rule, bool) { matched = true })
		}
		out["match"] = matched
		equal = s.Match == nil || matched == *s.Match
		p.last = c
	}
	for name, want := range s.VarsAfter {
		p.last.Now = p.now
		got := p.variable(name, p.last)
		out[name] = got
		equal = equal && p.holds(name, want, got, before[name])
		if _, told := p.first[name]; !told && got != "" {
			p.first[name] = got
		}
	}
	return out, equal
}

// context makes the event of a step.
func (p *play) context(object map[string]any) (*secl.Context, error) {
	e := &event.Event{}
	plain := map[string]any{}
	for name, v := range object {
		switch name {
		case "process":
			e.Process = p.cast.process(fmt.Sprint(v))
		case "container":
			e.Container.ID = fmt.Sprint(v)
		case "cgroup":
			e.CGroup.ID = fmt.Sprint(v)
		default:
			plain[name] = v
		}
	}
	return &secl.Context{Event: e, Now: p.now}, e.Fill(plain, p.now)
}

// variable reads a variable; name@P2 is that of another process.
func (p *play) variable(name string, c *secl.Context) any {
	name, other, hasOther := strings.Cut(name, "@")
	v := p.rules.Vars.Get(name)
	if v == nil {
		return nil
	}
	if hasOther {
		at := *c
		at.Scope = p.cast.process(other)
		return v.Value(&at)
	}
	return v.Value(c)
}

// holds tells whether a variable has what is expected: a value, or what a
// sentence says of it.
func (p *play) holds(name string, want, got any, before string) bool {
	sentence, ok := want.(string)
	switch {
	case !ok:
		x, _ := json.Marshal(want)
		y, _ := json.Marshal(got)
		return string(x) == string(y) || isEmpty(want) && isEmpty(got)
	case sentence == "unchanged":
		return fmt.Sprint(got) == before
	case strings.HasPrefix(sentence, "unset"):
		return got == nil || got == int64(0) || got == "" || isEmpty(got)
	case strings.HasPrefix(sentence, "prefix "):
		text, _ := got.(string)
		return strings.HasPrefix(text, strings.TrimPrefix(sentence, "prefix "))
	case sentence == "[key of step 1]":
		list, _ := got.([]string)
		return len(list) == 1 && list[0] == p.first["process.correlation_key"]
	}
	return fmt.Sprint(got) == sentence
}

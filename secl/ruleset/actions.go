package ruleset

import (
	"time"

	"nightjar/secl"
	"nightjar/secl/policy"
	"nightjar/secl/vars"
)

// action is a compiled action.
type action struct {
	*policy.Action
	when  *secl.Program
	from  *secl.ValueProgram
	scope *secl.ValueProgram
}

func newAction(a *policy.Action) action {
	out := action{Action: a}
	if a.When != nil {
		out.when = secl.Compile(a.When)
	}
	if a.From != nil {
		out.from = secl.CompileValue(a.From)
	}
	if a.Scope != nil {
		out.scope = secl.CompileValue(a.Scope)
	}
	return out
}

// act takes the set actions of a rule that matched, in their order.
func (s *Set) act(r *Rule, c *secl.Context) {
	for i := range r.actions {
		a := &r.actions[i]
		if a.Variable == nil || a.ActionDef.Disabled {
			continue
		}
		before := c.Scope
		if a.scope == nil || s.enter(a, c) {
			s.setVariable(a, c)
		}
		c.Scope = before
	}
}

// enter makes the process that the action names the one whose variables are
// read and set. Without such a process the action does nothing.
func (s *Set) enter(a *action, c *secl.Context) bool {
	pid, ok := a.scope.Value(c).(int64)
	if !ok {
		return false
	}
	scope, ok := s.world.PID(c, pid)
	if ok {
		c.Scope = scope
	}
	return ok
}

func (s *Set) setVariable(a *action, c *secl.Context) {
	if a.when != nil && !a.when.Match(c) {
		return
	}
	value := a.Value
	if a.from != nil {
		value = a.from.Value(c)
	}
	d := a.ActionDef.Set
	if err := a.Variable.Set(c, value, d.Append, vars.Lifetime{Size: int(d.Size), TTL: d.TTL}); err != nil {
		s.failed++
	}
}

// Pending are the actions of a rule that its caller has to take, and whose
// filter lets them through.
func (r *Rule) Pending(c *secl.Context) []*policy.Action {
	var out []*policy.Action
	for _, a := range r.actions {
		if a.Variable == nil && !a.ActionDef.Disabled && (a.when == nil || a.when.Match(c)) {
			out = append(out, a.Action)
		}
	}
	return out
}

// limiter lets one match through in every interval; with a token, one for each
// value of the token's fields.
type limiter struct {
	every  time.Duration
	tokens []func(*secl.Context) string
	next   map[string]int64 // when the next match is let through
}

// maxTokens bounds for how many values a rule keeps an interval. Beyond it, all
// that have passed are forgotten; if none has, matches are let through.
const maxTokens = 10_000

func newLimiter(m *secl.Model, r *policy.Rule) *limiter {
	l := &limiter{every: r.Every, next: map[string]int64{}}
	for _, name := range r.LimiterToken {
		// The policy was checked: the field exists.
		if read, err := secl.CheckValue(`"%{`+name+`}"`, &secl.Env{Model: m}); err == nil {
			program := secl.CompileValue(read)
			l.tokens = append(l.tokens, func(c *secl.Context) string { s, _ := program.Value(c).(string); return s })
		}
	}
	return l
}

// allow tells whether the match may be reported.
func (l *limiter) allow(c *secl.Context) bool {
	if l.every <= 0 {
		return true
	}
	key := ""
	for _, token := range l.tokens {
		key += token(c) + "\x00"
	}
	if next, ok := l.next[key]; ok && c.Now < next {
		return false
	}
	if len(l.next) >= maxTokens {
		for k, next := range l.next {
			if next <= c.Now {
				delete(l.next, k)
			}
		}
	}
	if len(l.next) < maxTokens {
		l.next[key] = c.Now + int64(l.every)
	}
	return true
}

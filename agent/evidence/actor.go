package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/respond"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// Actor takes the actions hash, coredump and log of rules. It is a respond.Actor.
type Actor struct {
	*Collector
	namespace int64    // of mounts, of the agent
	messages  sync.Map // *policy.Action to *secl.ValueProgram
}

var _ respond.Actor = (*Actor)(nil)

// NewActor makes one. Close its Collector at the end.
func NewActor(c Config) (*Actor, error) {
	collector, err := New(c)
	if err != nil {
		return nil, err
	}
	var s unix.Stat_t
	if err := unix.Stat("/proc/self/ns/mnt", &s); err != nil {
		return nil, &os.PathError{Op: "stat", Path: "/proc/self/ns/mnt", Err: err}
	}
	return &Actor{Collector: collector, namespace: int64(s.Ino)}, nil
}

// Kinds are the actions that an Actor takes.
var Kinds = []string{"hash", "coredump", "log"}

// Act takes an action about the event of the context.
func (a *Actor) Act(rule *ruleset.Rule, action *policy.Action, c *secl.Context, done func(respond.Report)) {
	begun := time.Now()
	tell := func(r respond.Report) {
		r.Type, r.DetectedAt, r.TimeToReact = action.Kind(), begun, time.Since(begun).Nanoseconds()
		done(r)
	}
	switch {
	case action.Hash != nil:
		a.hash(action, c, tell)
	case action.CoreDump != nil:
		a.dump(rule, action, c, tell)
	default:
		a.log(rule, action, c, tell)
	}
}

// statusOf is what became of something that gave an error.
func statusOf(err error) respond.Report {
	switch {
	case err == nil:
		return respond.Report{Status: respond.Performed}
	case errors.Is(err, ErrEnded), errors.Is(err, ErrGone), errors.Is(err, ErrOther):
		return respond.Report{Status: respond.Aborted, Error: err.Error()}
	}
	return respond.Report{Status: respond.Failed, Error: err.Error()}
}

func (a *Actor) hash(action *policy.Action, c *secl.Context, done func(respond.Report)) {
	e := c.Event.(*event.Event)
	f, program := &e.File, false
	if action.File == "process.file" || action.File == "exec.file" {
		f, program = &e.Process.File, e.Process.Interpreter.Path == ""
	}
	s := newSubject(e, f, program, a.namespace)
	most := action.Hash.MaxFileSize
	if most == 0 {
		most = a.config.Limits.FileSize
	}
	at := storedAt(action.File)
	soon(a.Collector, func(ctx context.Context) (Hashes, error) { return a.hashes.of(ctx, s, most) }, func(h Hashes, err error) {
		r := statusOf(err)
		r.Detail = map[string]any{"field": action.File, "path": s.file.Path}
		if err == nil {
			r.Detail["hashes"], r.Detail["size"] = h.List, h.Size
			r.Finish = func(text []byte) []byte { return withMember(text, at, "hashes", h.List) }
		}
		if h.Changed != "" {
			r.Detail["changed"] = h.Changed
			r.Error = "the file was changed " + h.Changed + ": the hashes are those that it has now"
		}
		done(r)
	})
}

// storedAt is where the JSON of an event has a file.
func storedAt(file string) string {
	const member = ".hashes"
	stored := event.Model().Field(file + member).Stored
	return stored[:len(stored)-len(member)]
}

func (a *Actor) dump(rule *ruleset.Rule, action *policy.Action, c *secl.Context, done func(respond.Report)) {
	e := c.Event.(*event.Event)
	if e.Type == "exec" && e.Retval < 0 {
		done(respond.Report{Status: respond.Aborted, Error: "the program was kept from running: it has no memory"})
		return
	}
	w := Want{PID: uint32(e.Process.PID), Start: e.Process.Key, Rule: rule.ID, Plain: action.CoreDump.NoCompression, Hold: kills(rule)}
	soon(a.Collector, func(ctx context.Context) (Dump, error) { return a.dumps.write(ctx, w) }, func(d Dump, err error) {
		r := statusOf(err)
		r.Detail = map[string]any{"process": true}
		if err == nil {
			r.Mechanism = "proc_mem"
			r.Detail["path"], r.Detail["size"], r.Detail["memory"], r.Detail["held"] = d.Path, d.Size, d.Memory, d.Held
		}
		if err == nil && d.Left > 0 {
			r.Status, r.Error = respond.PartiallyPerformed, fmt.Sprintf("%d bytes of its memory are not in it: beyond the limit, or not readable", d.Left)
		}
		done(r)
	})
}

// kills reports whether a rule is to kill, so that what it does is stopped meanwhile.
func kills(rule *ruleset.Rule) bool {
	if rule.Mode != policy.Blocking {
		return false
	}
	for _, a := range rule.Actions {
		if a.Kill != nil && !a.ActionDef.Disabled {
			return true
		}
	}
	return false
}

func (a *Actor) log(rule *ruleset.Rule, action *policy.Action, c *secl.Context, done func(respond.Report)) {
	text := a.message(action, c)
	if text == "" {
		text = "rule " + rule.ID + " matched"
	}
	written, err := a.Line(rule.ID, action.Log.Level, text)
	r := statusOf(err)
	r.Detail = map[string]any{"level": action.Log.Level, "message": written}
	done(r)
}

func (a *Actor) message(action *policy.Action, c *secl.Context) string {
	if action.Message == nil {
		return ""
	}
	program, ok := a.messages.Load(action)
	if !ok {
		program, _ = a.messages.LoadOrStore(action, secl.CompileValue(action.Message))
	}
	text, _ := program.(*secl.ValueProgram).Value(c).(string)
	return text
}

package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nightjar/agent/orders"
	"nightjar/agent/process"
	"nightjar/secl/event"
)

// Bounds of a collection. What they cut is said in Tree.Cut.
const (
	maxProcesses = 200
	maxArguments = 4 << 10  // bytes of one process
	maxDetails   = 200      // open files and connections of one process, of each
	maxTree      = 96 << 10 // bytes of JSON
)

// Tree is a process, its ancestors and its living descendants.
type Tree struct {
	TakenAt   time.Time `json:"taken_at"`
	Boot      string    `json:"boot"`
	Processes []Node    `json:"processes"`     // ancestors from the first one, the process, its descendants
	Cut       []string  `json:"cut,omitempty"` // what was left out
}

// Node is a process of a Tree.
type Node struct {
	Relation   string    `json:"relation"` // ancestor, process or descendant
	PID        int64     `json:"pid"`
	PPID       int64     `json:"ppid"`
	Started    time.Time `json:"started"`
	SinceBoot  uint64    `json:"since_boot,string"`
	Executable string    `json:"executable"`
	Inode      int64     `json:"inode,omitempty"`
	// Interpreter is what runs it, where the executable is a script.
	Interpreter string   `json:"interpreter,omitempty"`
	Package     string   `json:"package,omitempty"`
	Args        []string `json:"args"`
	UID         int64    `json:"uid"`
	User        string   `json:"user,omitempty"`
	Folder      string   `json:"folder,omitempty"`
	Container   string   `json:"container,omitempty"`
	CGroup      string   `json:"cgroup,omitempty"`
	// Ended says that it is not there any more.
	Ended       bool         `json:"ended,omitempty"`
	Files       []string     `json:"files,omitempty"` // open ones
	Connections []Connection `json:"connections,omitempty"`
}

// collect reads a process tree.
func (r *Runner) collect(ctx context.Context, c *orders.Collect) orders.Result {
	b, err := r.birthOf(c.Process)
	if err != nil {
		return orders.Result{Status: aborted, Error: err.Error()}
	}
	tree := &Tree{TakenAt: r.deps.Now().UTC(), Boot: r.deps.Boot}
	var why string
	if err := r.deps.Do(ctx, func(all *process.Cache) { why = tree.take(all, c.Process, b) }); err != nil {
		return orders.Result{Status: failed, Error: fmt.Sprintf("the agent did not come to it: %v", err)}
	}
	if why != "" {
		return orders.Result{Status: aborted, Error: why}
	}
	for i := range tree.Processes {
		if n := &tree.Processes[i]; ctx.Err() == nil {
			tree.look(n)
		}
	}
	return orders.Result{Status: performed, Report: tree.text()}
}

// take copies what there is of the tree; it says why there is none.
func (t *Tree) take(all *process.Cache, said orders.Process, b birth) string {
	p := all.Get(said.PID)
	switch {
	case p == nil:
		return fmt.Sprintf("there is no process %d", said.PID)
	case b.since != 0 && !b.fits(p):
		return fmt.Sprintf("process %d is another one by now: it started at %s", said.PID, time.Unix(0, p.CreatedAt).UTC().Format(time.RFC3339Nano))
	case said.Executable != "" && !runs(p, said):
		return fmt.Sprintf("process %d executes %s by now", said.PID, p.File.Path)
	}
	for up := p.Parent; up != nil && len(t.Processes) < maxProcesses/2; up = up.Parent {
		now := all.Get(uint32(up.PID))
		t.add(up, "ancestor", now == nil || now.Key != up.Key)
	}
	slices.Reverse(t.Processes)
	t.add(p, "process", false)
	t.descend(all, p)
	return ""
}

// descend adds the living descendants, generation by generation.
func (t *Tree) descend(all *process.Cache, root *event.Process) {
	children := map[int64][]*event.Process{}
	all.Each(func(p *event.Process) { children[p.PPID] = append(children[p.PPID], p) })
	left := 0
	seen := map[int64]bool{root.PID: true}
	for level := []*event.Process{root}; len(level) > 0; {
		var next []*event.Process
		for _, p := range level {
			slices.SortFunc(children[p.PID], func(a, b *event.Process) int { return int(a.PID - b.PID) })
			for _, child := range children[p.PID] {
				if seen[child.PID] {
					continue
				}
				seen[child.PID] = true
				next = append(next, child)
				if len(t.Processes) >= maxProcesses {
					left++
					continue
				}
				t.add(child, "descendant", false)
			}
		}
		level = next
	}
	if left > 0 {
		t.cut("%d further descendants", left)
	}
}

func (t *Tree) add(p *event.Process, relation string, ended bool) {
	n := Node{
		Relation: relation, PID: p.PID, PPID: p.PPID, Started: time.Unix(0, p.CreatedAt).UTC(), SinceBoot: p.Key,
		Executable: p.File.Path, Inode: p.File.Inode, Interpreter: p.Interpreter.Path, Package: p.File.PackageName,
		UID: p.UID, User: p.User, Folder: p.Folder, Container: p.Container, CGroup: p.CGroup.ID, Ended: ended,
	}
	room := maxArguments
	for i, a := range append([]string{p.Argv0}, p.Argv...) {
		if len(a) > room {
			t.cut("%d arguments of process %d", len(p.Argv)+1-i, p.PID)
			break
		}
		room -= len(a)
		n.Args = append(n.Args, a)
	}
	if p.ArgsTruncated {
		t.cut("arguments of process %d, which the agent had let go of", p.PID)
	}
	t.Processes = append(t.Processes, n)
}

func (t *Tree) cut(format string, args ...any) { t.Cut = append(t.Cut, fmt.Sprintf(format, args...)) }

// text is the tree as JSON. Where that is too long, files and connections go first, those
// of the last processes before others, then descendants, and then the first ancestors.
func (t *Tree) text() json.RawMessage {
	text := reportOf(t)
	for i := len(t.Processes) - 1; i >= 0 && len(text) > maxTree; i-- {
		if n := &t.Processes[i]; len(n.Files)+len(n.Connections) > 0 {
			t.cut("%d files and %d connections of process %d", len(n.Files), len(n.Connections), n.PID)
			n.Files, n.Connections = nil, nil
			text = reportOf(t)
		}
	}
	before := len(t.Processes)
	for len(text) > maxTree && t.shorten() {
		text = reportOf(t)
	}
	if left := before - len(t.Processes); left > 0 {
		t.cut("%d further processes", left)
		text = reportOf(t)
	}
	return text
}

// shorten leaves out a process that is far from the one that was asked for; false: there is
// no other.
func (t *Tree) shorten() bool {
	last := len(t.Processes) - 1
	switch {
	case t.Processes[last].Relation == "descendant":
		t.Processes = t.Processes[:last]
	case last > 0:
		t.Processes = t.Processes[1:]
	default:
		return false
	}
	return true
}

package signals

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"time"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

// processTree is the tree of the processes of a signal's samples, by what their events say
// of them and of those that they came from (process.ancestors, the parent first); none where
// no event does. A process that several events have is there once on each host.
func processTree(doc *signalDocument) []*pb.ProcessNode {
	t := &tree{nodes: map[processKey]*pb.ProcessNode{}}
	for _, sample := range schema.ReadSamples(string(doc.Samples)) {
		attributes, err := schema.ParseAttributes(string(sample.Content.Custom))
		if err != nil {
			continue // it was shown as it came
		}
		t.add(sample, attributes)
	}
	return t.roots
}

type tree struct {
	nodes map[processKey]*pb.ProcessNode
	roots []*pb.ProcessNode
}

type processKey struct {
	host string
	pid  string
	name string
}

func (t *tree) add(sample schema.Sample, a schema.Attributes) {
	chain := ancestorsIn(a)
	own := process(a, "process.", 0)
	if own.Pid == 0 && own.Name == "" {
		return
	}
	chain = append(chain, own)
	var parent *pb.ProcessNode
	for _, p := range chain {
		p.Host = sample.Content.Host
		key := processKey{p.Host, schema.FormatFloat(float64(p.Pid)), cmp.Or(p.Path, p.Name)}
		node := t.nodes[key]
		if node == nil {
			node = p
			t.nodes[key] = node
			if parent == nil {
				t.roots = append(t.roots, node)
			} else {
				parent.Children = append(parent.Children, node)
			}
		}
		parent = node
	}
	if !slices.Contains(parent.Events, sample.EventID) {
		parent.Events = append(parent.Events, sample.EventID)
		parent.Deeds = append(parent.Deeds, deed(sample, a))
		slices.SortStableFunc(parent.Deeds, func(a, b *pb.ProcessDeed) int { return cmp.Compare(a.At, b.At) })
	}
}

// deed is what an event saw its process do.
func deed(sample schema.Sample, a schema.Attributes) *pb.ProcessDeed {
	name := first(a, "evt.name")
	out := &pb.ProcessDeed{Event: sample.EventID, Name: name, Rule: first(a, "agent.rule_id")}
	if at, err := schema.ParseMoment(sample.Content.Timestamp, time.Time{}); err == nil {
		out.At = int64(at)
	}
	for _, path := range []string{"file.destination.path", "file.path", "question.name", "addr.ip", "target.file.path", "tracee.file.path", "name"} {
		if out.Target = first(a, name+"."+path); out.Target != "" {
			break
		}
	}
	if port := first(a, name+".addr.port"); port != "" && out.Target == first(a, name+".addr.ip") {
		out.Target = net.JoinHostPort(out.Target, port)
	}
	return out
}

// first is the first text at a path; empty: there is none.
func first(a schema.Attributes, path string) string {
	if leaves := a.Lookup(path); len(leaves) > 0 {
		return leaves[0].Text()
	}
	return ""
}

// ancestorsIn are the ancestors of an event's process, the first one first. An event has
// lists, with a place for each ancestor.
func ancestorsIn(a schema.Attributes) (out []*pb.ProcessNode) {
	n := len(a.Lookup("process.ancestors.pid"))
	for i := n - 1; i >= 0; i-- {
		out = append(out, process(a, "process.ancestors.", i))
	}
	return out
}

// process is the process whose fields have this before their names, the i-th of lists.
func process(a schema.Attributes, prefix string, i int) *pb.ProcessNode {
	text := func(name string) string {
		if leaves := a.Lookup(prefix + name); i < len(leaves) {
			return leaves[i].Text()
		}
		return ""
	}
	out := &pb.ProcessNode{
		Name: text("comm"), Path: cmp.Or(text("executable.path"), text("file.path")), Args: text("args"), User: text("user"),
	}
	if leaves := a.Lookup(prefix + "pid"); i < len(leaves) {
		if n, ok := leaves[i].Number(); ok {
			out.Pid = int64(n)
		}
	}
	if ns, err := strconv.ParseInt(text("created_at"), 10, 64); err == nil && ns > 0 {
		out.Started = ns / int64(time.Millisecond)
	}
	return out
}

package signals

import (
	"cmp"
	"slices"

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
	}
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
	return out
}

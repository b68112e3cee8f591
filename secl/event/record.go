package event

import (
	"strings"
	"sync"

	"nightjar/secl"
)

// AppendRecord appends an event as one JSON object that Decode reads: its type, and
// its fields by their names. The environment's values are left out: they may be
// secrets, and recordings are passed around.
func AppendRecord(dst []byte, e *Event) []byte {
	c := &secl.Context{Event: e}
	dst = AppendString(append(dst, `{"type":`...), e.Type)
	dst, _ = recordTree(e.Type).members(append(dst, ','), c)
	return append(dst, '}')
}

var (
	recordsMu sync.Mutex
	records   = map[string]*node{}
)

// recordTree is the tree of one type of events, made once.
func recordTree(kind string) *node {
	recordsMu.Lock()
	defer recordsMu.Unlock()
	if t := records[kind]; t != nil {
		return t
	}
	root, ancestor := &node{}, &node{}
	for _, f := range Model().Fields() {
		name, ofProcess := strings.CutPrefix(f.Name, "process.")
		switch {
		case f.Event != "" && f.Event != kind, declared().set[f.Name] == nil, f.Stored == "" && strings.HasSuffix(f.Name, ".envp"):
		case ofProcess && strings.HasPrefix(name, "parent."): // the first of the ancestors
		case !ofProcess && strings.HasPrefix(f.Stored, "process."): // the same by another name
		case ofProcess:
			root.put(f.Name, appender(f))
			ancestor.put(name, appender(f))
		default:
			root.put(f.Name, appender(f))
		}
	}
	root.put("process.ancestors", func(dst []byte, c *secl.Context) []byte { return appendAncestors(dst, c, ancestor) })
	records[kind] = root
	return root
}

func appendAncestors(dst []byte, c *secl.Context, tree *node) []byte {
	e := c.Event.(*Event)
	list := e.ancestors[0].update(e.Process)
	for i, p := range list[:min(len(list), secl.MaxIterations)] {
		dst = append(dst, separator(i), '{')
		dst, _ = tree.members(dst, &secl.Context{Event: &Event{Type: e.Type, Process: p}})
		dst = append(dst, '}')
	}
	if len(list) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

package pipeline

import (
	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// readHostRemapper reads a processor that is ours: of events that travel through a
// collector, the host is the one that they happened on, and only their text says which.
// It replaces what the sender said, whoever comes last.
func readHostRemapper(o *object, b Base) Processor {
	return newRemapper(o, b, func(x *run, v *fastjson.Value, _ record.Path) (outcome, bool) {
		text, ok := record.Text(v)
		if !ok || text == "" {
			return outcome{}, false
		}
		x.Host = text
		x.tell("host", text)
		return applied, true
	})
}

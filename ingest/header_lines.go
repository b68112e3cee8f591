package ingest

import (
	"bytes"

	"nightjar/ingest/flowlog"
	"nightjar/ingest/w3c"
)

// maxFlowHead is how long a line may be that names the fields of a flow log, in bytes.
const maxFlowHead = 4096

// flowOf are the fields that the first line of a body names, and where the next begins.
func flowOf(body []byte) (fields flowlog.Fields, next int) {
	line, _, _ := bytes.Cut(body[:min(len(body), maxFlowHead)], []byte("\n"))
	if fields = flowlog.Head(string(bytes.TrimSuffix(line, []byte("\r")))); fields == nil {
		return nil, 0
	}
	return fields, min(len(line)+1, len(body))
}

// w3cRows are the lines of a body in W3C's format, and the fields that were named last.
type w3cRows struct {
	is     bool
	fields w3c.Fields
}

// directive reports whether a line is one, and takes the fields that it names.
func (r *w3cRows) directive(line []byte) bool {
	if !r.is {
		return false
	}
	named, is := w3c.IsDirective(string(line))
	if named != nil {
		r.fields = named
	}
	return is
}

package ingest

import (
	"bytes"

	"nightjar/ingest/flowlog"
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

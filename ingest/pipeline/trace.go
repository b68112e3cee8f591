package pipeline

import (
	"encoding/json"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// Trace is what each pipeline did to a record, in their order.
type Trace struct {
	Pipelines []*TracedPipeline `json:"pipelines"`
}

// TracedPipeline is what one pipeline did.
type TracedPipeline struct {
	ID      string  `json:"id"`
	Version int     `json:"version"`
	Name    string  `json:"name"`
	Query   string  `json:"query"`
	Matched bool    `json:"matched"`
	Outcome Outcome `json:"outcome"`
	Steps   []*Step `json:"steps"`
	// Stopped says why it did not run to its end.
	Stopped string `json:"stopped,omitempty"`
	// Microseconds are how long it worked on the record; absent where it did not.
	Microseconds float64 `json:"microseconds,omitempty"`
}

// Step is what one processor did.
type Step struct {
	// Place is its path in the document: processors[3].
	Place   string  `json:"place"`
	Type    string  `json:"type"`
	Name    string  `json:"name,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Why it was skipped, or failed.
	Why string `json:"why,omitempty"`
	// Rule is the grok rule that matched.
	Rule    string   `json:"rule,omitempty"`
	Set     []Change `json:"set,omitempty"`
	Removed []string `json:"removed,omitempty"`
	// Steps are those of a nested pipeline.
	Steps []*Step `json:"steps,omitempty"`
	// Microseconds are how long it worked, with its own steps; absent where it did not.
	Microseconds float64 `json:"microseconds,omitempty"`
}

// Change is what was set: an attribute, or a reserved field by its name.
type Change struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

// maxTold bounds what a trace holds of a value.
const maxTold = 16 << 10

func (s *Step) set(path string, v *fastjson.Value) {
	text := value.Append(nil, v)
	if !json.Valid(text) { // what came has a number in it that is none
		text = value.AppendString(nil, string(text))
	}
	if len(text) > maxTold {
		text = value.AppendString(nil, string(text[:maxTold])+"…")
	}
	s.Set = append(s.Set, Change{path, text})
}

// setAll notes the leaves of an object that was put over the attributes.
func (s *Step) setAll(at string, v *fastjson.Value) {
	if v.Type() != fastjson.TypeObject || at != "" && v.GetObject().Len() == 0 {
		s.set(at, v)
		return
	}
	v.GetObject().Visit(func(k []byte, v *fastjson.Value) {
		if at == "" {
			s.setAll(string(k), v)
			return
		}
		s.setAll(at+"."+string(k), v)
	})
}

// micros is a time as traces have it.
func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func (s *Step) ended(o outcome) {
	if s == nil {
		return
	}
	s.Outcome, s.Why, s.Rule = o.Outcome, o.why, o.rule
	if o.err != nil {
		s.Why = o.err.Error()
	}
}

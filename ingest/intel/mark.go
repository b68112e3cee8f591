package intel

import (
	"encoding/json"
	"slices"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Attribute is where an event says which indicators it has.
const Attribute = "threat_intel"

// marked is the form of the attribute.
type marked struct {
	Matched []Type   `json:"indicators_matched"`
	Results []result `json:"results"`
}

type result struct {
	Indicator string `json:"indicator"`
	Type      Type   `json:"type"`
	Category  string `json:"category,omitempty"`
	Intention string `json:"intention,omitempty"`
	Source    struct {
		Name string `json:"name"`
		URL  string `json:"url,omitempty"`
	} `json:"source"`
	About   string `json:"additional_data,omitempty"`
	Matched string `json:"matched"` // the path
}

// Mark adds to an event which indicators it has, and reports whether it has some. What
// the event says itself under that name is replaced: it is no word of its sender's.
func (x *Index) Mark(e *schema.Event) bool {
	hits := x.Match(e)
	if len(hits) == 0 {
		return false
	}
	var m marked
	for _, h := range hits {
		r := result{Indicator: h.Value, Type: h.Type, Category: h.Category, Intention: h.Intention, About: h.About, Matched: h.Path}
		r.Source.Name, r.Source.URL = h.Source, h.SourceURL
		m.Results = append(m.Results, r)
		if !slices.Contains(m.Matched, h.Type) {
			m.Matched = append(m.Matched, h.Type)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return false // cannot be: plain texts
	}
	var parser, marks fastjson.Parser
	attributes, err := parser.Parse(e.JSON)
	if err != nil {
		return false // cannot be: it is canonical
	}
	mark, err := marks.ParseBytes(text)
	if err != nil {
		return false
	}
	pairs := slices.DeleteFunc(schema.Pairs(attributes.GetObject()), func(p schema.Pair) bool { return p.Key == Attribute })
	e.Attributes, _ = schema.NewAttributes(append(pairs, schema.Pair{Key: Attribute, Value: mark}))
	return true
}

package pipeline

import (
	"encoding/json"
	"slices"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
)

// Threats are lists of what is dangerous: addresses, domains, hashes, URLs.
type Threats interface {
	// Match is what the lists say of a value, as they were at a moment; nil: nothing.
	Match(value string, at schema.Millis) []Threat
}

// Threat is one entry of a list that has a value.
type Threat struct {
	Indicator  string // as the list has it
	Type       string // IP, DOMAIN, URL, HASH …
	Category   string // attack, tor, malware …
	Intention  string // malicious, suspicious, benign, unknown
	SourceName string
	SourceURL  string
	Additional json.RawMessage // an object; may be empty
}

// ThreatIntel looks up values in lists of threats. It is ours: the vendor's has no form
// in its API, and looks at all logs.
type ThreatIntel struct {
	Base
	Sources []string `json:"sources"`
	Target  string   `json:"target"`

	paths  []record.Path
	target record.Path
}

// threatSources are the attributes that hold what lists of threats have.
var threatSources = []string{
	"network.client.ip", "network.destination.ip", "http.url", "http.url_details.host", "http.useragent",
	"dns.question.name", "dns.answer.name", "hostname", "file.hash.sha256", "file.hash.sha1", "file.hash.md5",
}

func readThreatIntel(o *object, b Base) Processor {
	t := &ThreatIntel{Base: b}
	t.Sources, t.paths = o.attributes("sources", threatSources...)
	t.Target, t.target = o.attribute("target", "threat_intel")
	return t
}

// maxThreats is how many entries are written to a record.
const maxThreats = 50

func (t *ThreatIntel) run(x *run) outcome {
	if x.set.Threats == nil {
		return skipped("there are no lists of threats here")
	}
	var found []Threat
	for _, p := range t.paths {
		for _, text := range textsAt(x.get(p)) {
			found = append(found, x.set.Threats.Match(text, schema.MillisOf(x.Received))...)
		}
	}
	if len(found) == 0 {
		return skipped("no list has any of its sources")
	}
	out, matched, results := x.Arena.NewObject(), x.Arena.NewArray(), x.Arena.NewArray()
	var types []string
	for i, f := range found[:min(len(found), maxThreats)] {
		if !slices.Contains(types, f.Type) {
			matched.SetArrayItem(len(types), x.String(f.Type))
			types = append(types, f.Type)
		}
		results.SetArrayItem(i, x.threat(f))
	}
	out.Set("indicators_matched", matched)
	out.Set("results", results)
	return x.putNew(t.target, out)
}

func textsAt(v *fastjson.Value) (out []string) {
	if v == nil {
		return nil
	}
	if v.Type() == fastjson.TypeArray {
		for _, e := range v.GetArray() {
			if e.Type() == fastjson.TypeString {
				out = append(out, string(e.GetStringBytes()))
			}
		}
		return out
	}
	if text, ok := record.Text(v); ok {
		out = append(out, text)
	}
	return out
}

func (x *run) threat(t Threat) *fastjson.Value {
	object := func(pairs ...string) *fastjson.Value {
		out := x.Arena.NewObject()
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				out.Set(pairs[i], x.String(pairs[i+1]))
			}
		}
		return out
	}
	out := object("indicator", t.Indicator, "type", t.Type, "category", t.Category, "intention", t.Intention)
	if t.SourceName != "" || t.SourceURL != "" {
		out.Set("source", object("name", t.SourceName, "url", t.SourceURL))
	}
	if v, err := fastjson.ParseBytes(t.Additional); err == nil {
		out.Set("additional_data", v)
	}
	return out
}

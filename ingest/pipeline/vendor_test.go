package pipeline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
	"nightjar/testenv"
)

// vendorCase is a pipeline of the vendor's integrations with its samples.
type vendorCase struct {
	ID       string
	Pipeline json.RawMessage
	Tests    []struct {
		Sample string
		Result map[string]json.RawMessage
	}
}

// TestPipelinesOfTheVendorsIntegrationsMakeOfTheirSamplesWhatTheySay compares field by
// field: pipelines in the form of the vendor's integrations that were written for this,
// and its own where they lie. What differs for good is in PIPELINES.md, "Sample file".
func TestPipelinesOfTheVendorsIntegrationsMakeOfTheirSamplesWhatTheySay(t *testing.T) {
	t.Run("written", func(t *testing.T) { samplesAreAsTheySay(t, "testdata/integrations.jsonl", 3, 8) })
	t.Run("shared", func(t *testing.T) {
		samplesAreAsTheySay(t, testenv.Shared(t, "data/datadog-pipelines/integrations_extras_log_tests.jsonl"), 19, 62)
	})
}

func samplesAreAsTheySay(t *testing.T, path string, wantCases, wantSamples int) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	cases, samples := 0, 0
	for lines.Scan() {
		var c vendorCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases++
		samples += len(c.Tests)
		t.Run(c.ID, func(t *testing.T) { c.check(t) })
	}
	if cases != wantCases || samples != wantSamples {
		t.Errorf("%d pipelines and %d samples, want %d and %d", cases, samples, wantCases, wantSamples)
	}
}

func (c *vendorCase) check(t *testing.T) {
	p, err := Parse(string(c.Pipeline), ParseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set := NewSet([]*Pipeline{p}, Deps{Budget: -1})
	for i, test := range c.Tests {
		r := vendorRecord(test.Sample)
		for _, a := range p.Filter.query.Asked() {
			if a.Exact && a.Field.Name == "source" && r.Source == "" {
				r.Source = a.Value
			}
		}
		trace, applied := set.Trace(r)
		if len(applied.Names) != 1 || applied.Errors != nil {
			t.Errorf("sample %d: %+v", i, applied)
		}
		if differs := compareVendor(r, test.Result); differs != "" {
			told, _ := json.Marshal(trace)
			t.Errorf("sample %d:\n%s\n%s", i, differs, told)
		}
	}
}

// vendorRecord is a sample as the vendor's tests read it: of an object's members, only
// its message is more than an attribute.
func vendorRecord(sample string) *record.Record {
	r := &record.Record{Arena: new(fastjson.Arena), Received: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Tags: []string{"source:LOGS_SOURCE"}, Message: sample}
	v, err := fastjson.Parse(sample)
	if err != nil || v.Type() != fastjson.TypeObject {
		return r
	}
	o := v.GetObject()
	switch m := v.Get("message"); {
	case m == nil:
	case m.Type() == fastjson.TypeString:
		r.Message = string(m.GetStringBytes())
		o.Del("message")
		if inner, err := fastjson.Parse(r.Message); err == nil && inner.Type() == fastjson.TypeObject {
			inner.GetObject().Visit(func(k []byte, v *fastjson.Value) { o.Set(string(k), v) })
			if text := inner.Get("message"); text != nil {
				r.Message = string(text.GetStringBytes())
				o.Del("message")
			}
		}
	case m.Type() == fastjson.TypeObject:
		o.Del("message")
		m.GetObject().Visit(func(k []byte, v *fastjson.Value) { o.Set(string(k), v) })
	}
	r.Reset(schema.Pairs(o))
	return r
}

func compareVendor(r *record.Record, want map[string]json.RawMessage) string {
	var out []string
	differ := func(at string, want, have any) {
		out = append(out, fmt.Sprintf("- %s: %v\n+ %s: %v", at, want, at, have))
	}
	text := func(key string) (s string) {
		_ = json.Unmarshal(want[key], &s)
		return s
	}
	for key, have := range map[string]string{"status": r.Status, "service": r.Service, "trace_id": r.TraceID, "span_id": r.SpanID} {
		if text(key) != have {
			differ(key, text(key), have)
		}
	}
	if m := text("message"); m != r.Message && !sameJSON(m, r.Message) {
		differ("message", m, r.Message)
	}
	var tags []string
	_ = json.Unmarshal(want["tags"], &tags)
	if !reflect.DeepEqual(slices.Sorted(slices.Values(tags)), slices.Sorted(slices.Values(r.Tags))) {
		differ("tags", tags, r.Tags)
	}
	if at, have := vendorTime(want["timestamp"]), int64(r.At); at != have {
		differ("timestamp", at, have)
	}
	var attributes, have any
	_ = json.Unmarshal(want["custom"], &attributes)
	a, _ := schema.NewAttributes(r.Attributes())
	_ = json.Unmarshal([]byte(a.JSON), &have)
	compareTrees("custom", attributes, have, differ)
	return strings.Join(out, "\n")
}

// vendorTime is what a sample's timestamp says; 0: no processor set one.
func vendorTime(raw json.RawMessage) int64 {
	var at any
	_ = json.Unmarshal(raw, &at)
	switch at := at.(type) {
	case float64:
		if at == 1 {
			return 0
		}
		return int64(at)
	case string:
		moment, _ := time.Parse(time.RFC3339, at)
		return moment.UnixMilli()
	}
	return 0
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// compareTrees compares what JSON says. A double of theirs may have become a text.
func compareTrees(at string, want, have any, differ func(string, any, any)) {
	w, isObject := want.(map[string]any)
	h, ok := have.(map[string]any)
	switch {
	case isObject && ok:
		for k := range w {
			compareTrees(at+"."+k, w[k], h[k], differ)
		}
		for k := range h {
			if _, wanted := w[k]; !wanted {
				differ(at+"."+k, nil, h[k])
			}
		}
	case sameLeaf(want, have):
	default:
		differ(at, want, have)
	}
}

func sameLeaf(want, have any) bool {
	if reflect.DeepEqual(want, have) {
		return true
	}
	if wants, ok := want.([]any); ok {
		haves, ok := have.([]any)
		same := ok && len(wants) == len(haves)
		for i := 0; same && i < len(wants); i++ {
			compareTrees("", wants[i], haves[i], func(string, any, any) { same = false })
		}
		return same
	}
	text, isText := want.(string)
	number, isNumber := have.(float64)
	if s, ok := have.(string); ok { // at a path that is stored as text
		f, isFloat := want.(float64)
		n, err := strconv.ParseFloat(s, 64)
		return isFloat && err == nil && f == n
	}
	f, err := strconv.ParseFloat(text, 64)
	return isText && isNumber && err == nil && strings.ContainsAny(text, "E") && math.Abs(f-number) <= math.Abs(f)*1e-12
}

// TestRecordedRequestsAreAnsweredAsTheVendorDoes compares the documents with what its
// server made of them.
func TestRecordedRequestsAreAnsweredAsTheVendorDoes(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "conformance/http/recorded_pipelines.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(text) {
		var exchange struct {
			Scenario, Method  string
			Request, Response json.RawMessage
		}
		if err := json.Unmarshal(line, &exchange); err != nil {
			t.Fatal(err)
		}
		if exchange.Method != "POST" {
			continue
		}
		n++
		p, err := Parse(string(exchange.Request), ParseOptions{})
		if err != nil {
			t.Errorf("%s: %v", exchange.Scenario, err)
			continue
		}
		var want map[string]any
		_ = json.Unmarshal(exchange.Response, &want)
		p.ID, _ = want["id"].(string)
		made, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var have any
		_ = json.Unmarshal(made, &have)
		compareTrees(exchange.Scenario, any(want), have, func(at string, want, have any) {
			t.Errorf("- %s: %v\n+ %s: %v", at, want, at, have)
		})
	}
	if n != 9 {
		t.Errorf("%d requests, want 9", n)
	}
}

package content

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/schema"
	"nightjar/schema/vocabulary"
)

// ocsfRequires are the members that the framework requires of the events of a class; of
// those in one text, separated by |, one.
var ocsfRequires = map[int][]string{
	0:    {},
	1001: {"actor.process|actor.user", "device.type_id", "device.hostname", "file.name", "file.type_id"},
	1007: {"actor.process|actor.user", "device.type_id", "device.hostname", "process.name|process.pid|process.uid|process.file"},
	2004: {"finding_info.title", "finding_info.uid"},
	3001: {"user.name|user.uid"},
	3002: {"user.name|user.uid|user.email_addr"},
	4001: {"src_endpoint|dst_endpoint"},
	4002: {"http_request|http_response", "src_endpoint|dst_endpoint"},
	4003: {"query.hostname"},
	6003: {"actor.user", "api.operation", "src_endpoint"},
}

// TestWhatPipelinesMakeIsShownInOtherSchemas has every sample of every pipeline that
// ships: as OCSF it has what its class requires, with the types that the framework has,
// and as ECS the addresses are where they belong. Run with -v, it says which classes.
func TestWhatPipelinesMakeIsShownInOtherSchemas(t *testing.T) {
	set := bundled(t)
	files, err := pipeline.LoadSamples(Files, "pipelines")
	if err != nil {
		t.Fatal(err)
	}
	classes := map[int]int{}
	for _, f := range files {
		of := map[string]int{}
		for i := range f.Samples {
			e := ofSample(t, set, &f.Samples[i])
			if e == nil {
				continue
			}
			doc := fastjson.MustParseBytes(vocabulary.OCSF.Document(e))
			class := doc.GetInt("class_uid")
			classes[class]++
			of[fmt.Sprintf("%d %s", class, doc.GetStringBytes("class_name"))]++
			for _, problem := range ocsfProblems(doc) {
				t.Errorf("%s: %s: %s in %s", f.Pipeline, f.Samples[i].Name, problem, doc)
			}
			ecs := fastjson.MustParseBytes(vocabulary.ECS.Document(e))
			for _, side := range []string{"source", "destination"} {
				if ip := ecs.Get(side, "ip"); ip != nil && ip.Type() == fastjson.TypeString && !isAddress(string(ip.GetStringBytes())) {
					t.Errorf("%s: %s: ECS has %s.ip %s", f.Pipeline, f.Samples[i].Name, side, ip)
				}
			}
		}
		for _, class := range slices.Sorted(maps.Keys(of)) {
			t.Logf("%-20s %s: %d", f.Pipeline, class, of[class])
		}
	}
	for class := range ocsfRequires {
		if classes[class] == 0 {
			t.Errorf("no sample is of class %d", class)
		}
	}
}

// ofSample is the event that a sample becomes.
func ofSample(t *testing.T, set *pipeline.Set, s *pipeline.Sample) *schema.Event {
	t.Helper()
	d := ingest.Decoder{Now: s.Received, Source: s.Source, Service: s.Service, Host: s.Host, Tags: s.Tags, Pipelines: set}
	if !s.IsJSON {
		e := d.Raw(s.Text)
		return &e
	}
	events, err := d.JSON([]byte(s.JSON))
	if err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		return nil
	}
	return &events[0]
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

func ocsfProblems(doc *fastjson.Value) (problems []string) {
	class := doc.GetInt("class_uid")
	requires, known := ocsfRequires[class]
	if !known {
		return []string{fmt.Sprintf("class %d", class)}
	}
	for _, one := range append([]string{"activity_id", "category_uid", "type_uid", "severity_id", "time", "metadata.version", "metadata.product.name"}, requires...) {
		found := false
		for path := range strings.SplitSeq(one, "|") {
			found = found || doc.Get(strings.Split(path, ".")...) != nil
		}
		if !found {
			problems = append(problems, "no "+one)
		}
	}
	if doc.GetInt("type_uid") != class*100+doc.GetInt("activity_id") || doc.GetInt("category_uid") != class/1000 {
		problems = append(problems, "type and category")
	}
	for _, path := range []string{"time", "src_endpoint.port", "dst_endpoint.port", "http_response.code", "process.pid", "actor.process.pid", "traffic.bytes_in", "duration"} {
		if v := doc.Get(strings.Split(path, ".")...); v != nil && v.Type() != fastjson.TypeNumber {
			problems = append(problems, path+" is no number")
		}
	}
	for _, path := range []string{"src_endpoint.ip", "dst_endpoint.ip"} {
		if v := doc.Get(strings.Split(path, ".")...); v != nil && !isAddress(string(v.GetStringBytes())) {
			problems = append(problems, path+" is no address")
		}
	}
	return problems
}

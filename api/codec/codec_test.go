package codec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

func TestCodecWritesWhatClientsRead(t *testing.T) {
	got, err := Encode(&pb.Rule{
		Queries:                 []*pb.RuleQuery{{}},
		Version:                 9007199254740993,
		CustomName:              new("<a & b>\u2028\"\\\n\x01"),
		ComplianceSignalOptions: &pb.ComplianceSignalOptions{},
	})
	if err != nil || !json.Valid(got) {
		t.Fatalf("%s, %v", got, err)
	}
	for _, want := range []string{
		`"version":9007199254740993`, `"tags":[]`, `"groupByFields":[]`, `"name":""`,
		`"customName":"<a & b>\u2028\"\\\n\u0001"`, `"defaultActivationStatus":null`, `"userGroupByFields":[]`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for _, absent := range []string{"metrics", "customMessage", "warnings", "options\""} {
		if strings.Contains(string(got), `"`+absent) {
			t.Errorf("%s in %s", absent, got)
		}
	}
}

func TestLastOfDuplicateKeysWins(t *testing.T) {
	var r pb.Rule
	if _, err := decodeBody([]byte(`{"tags":["a","b"],"tags":["c"],"options":{"keepAlive":1},"options":{"evaluationWindow":6e1}}`), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Tags) != 1 || r.Options.KeepAlive != nil || r.Options.GetEvaluationWindow() != 60 {
		t.Errorf("got %v", &r)
	}
}

func FuzzCodec(f *testing.F) {
	f.Add([]byte(`{"name":"brute force","message":"m","isEnabled":true,"tags":["source:sshd"],
	"queries":[{"query":"source:sshd","groupByFields":["@network.client.ip"]}],
	"cases":[{"status":"high","condition":"a > 5"}],
	"options":{"evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`))
	f.Add([]byte(`{"queries":[{"groupByFields":["a"],"index":null}],"options":{"keepAlive":1e3},"x":[{}],"schedulingOptions":null}`))
	f.Add([]byte(`{"filter":{"from":5,"query":"\ud800"},"page":{"limit":-1}}`))
	f.Add([]byte(`{"query":"q","params":{"a":[1,"b",null,{"c":true}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range []proto.Message{&pb.Rule{}, &pb.SearchSignalsRequest{}, &pb.QueryRequest{}, &pb.QueryResponse{}, &pb.GetSignalResponse{}} {
			if _, err := decodeBody(text, m); err != nil {
				continue
			}
			once, err := Encode(m)
			if err != nil {
				t.Fatalf("%T: %v", m, err)
			}
			again := m.ProtoReflect().New().Interface()
			d, err := decodeBody(once, again)
			if err != nil || len(d.unknown) > 0 {
				t.Fatalf("%T: %s: %v, unknown %v", m, once, err, d.unknown)
			}
			twice, err := Encode(again)
			if err != nil || !sameJSON(once, twice) {
				t.Fatalf("%T:\n%s\n%s\n%v", m, once, twice, err)
			}
		}
	})
}

// sameJSON compares as documents: maps have no order.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// A key that no field has is refused, with its place and what was meant; those
// that the reference's servers say are not.
func TestUnknownKeysAreRefused(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`{"a":{"b":1}}`, `a: unknown key "a"`},
		{`{"queries":[{},{"groupByField":["@ip"]}]}`, `queries[1].groupByField: unknown key "groupByField"; did you mean "groupByFields"?`},
		{`{"queries":[{"group_by_fields":[]}]}`, `queries[0].group_by_fields: unknown key "group_by_fields"; did you mean "groupByFields"?`},
		{`{"enabled":true}`, `enabled: unknown key "enabled"; did you mean "isEnabled"?`},
		{`{"keepAlive":60}`, `keepAlive: unknown key "keepAlive"; did you mean "options.keepAlive"?`},
		{`{"options":{"c":[]},"schedulingOptions":{"e":0}}`, `options.c: unknown key "c"; schedulingOptions.e: unknown key "e"`},
		{`{"cases":[{"actions":[{"type":"block_ip","options":{"durations":1}}]}]}`, `cases[0].actions[0].options.durations: unknown key "durations"; did you mean "duration"?`},
		{`{"creationAuthorId":1,"partnerIntegrationId":"x","defaultTags":[],"dependencies":[],"isBeta":true,"metadata":{"entities":null}}`, ""},
	} {
		d, err := decodeBody([]byte(c.rule), new(pb.Rule))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := d.strict(); err != nil {
			got = strings.TrimPrefix(err.Error(), "Unknown keys: ")
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.rule, got, c.want)
		}
		// A file is read as a request is.
		err = schema.Read([]byte(c.rule), new(schema.Rule))
		if got := fmt.Sprint(err); got != c.want && (c.want != "" || err != nil) && !strings.Contains(c.rule, "actions") {
			t.Errorf("a file %s\n got %s\nwant %s", c.rule, got, c.want)
		}
	}
}

// TestANewerAgentIsUnderstood holds that what a newer agent says beyond what is known here
// is passed over, so that agents may be updated before their server.
func TestANewerAgentIsUnderstood(t *testing.T) {
	const sync = `{"agent":"a","sequence":7,"newer":{"x":[1]},"counts":{"kills":2,"newer":3},"results":[{"id":"r","newer":true}]}`
	in := &pb.AgentSync{}
	if err := read(&api.Exchange{}, strings.NewReader(sync), in); err != nil || in.GetSequence() != 7 || in.GetCounts().GetKills() != 2 || in.GetResults()[0].GetId() != "r" {
		t.Errorf("read as %v: %v", in, err)
	}
	enrolment := &pb.EnrollAgentRequest{}
	if err := read(&api.Exchange{}, strings.NewReader(`{"host":"h","newer":1}`), enrolment); err != nil || enrolment.GetHost() != "h" {
		t.Errorf("read as %v: %v", enrolment, err)
	}
	if err := read(&api.Exchange{}, strings.NewReader(`{"name":"k","newer":1}`), &pb.CreateKeyRequest{}); err == nil {
		t.Error("what people write is passed over, too")
	}
}

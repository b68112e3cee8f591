package api

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "nightjar/api/v1"
	"nightjar/schema"
	"nightjar/testenv"
)

// fill sets every field below v to something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			return // given by the test
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(7)
	}
}

func filledRule() schema.Rule {
	var r schema.Rule
	fill(reflect.ValueOf(&r).Elem())
	r.Options.Compliance = json.RawMessage(`{"resourceType":"x","regoRule":{"policy":"p","resourceTypes":["x"]},"complexRule":true}`)
	r.ComplianceSignal = json.RawMessage(`{"defaultActivationStatus":true,"defaultGroupByFields":["a"],"userActivationStatus":true,"userGroupByFields":["b"]}`)
	r.Cases[0].Actions = json.RawMessage(`[{"type":"t","options":{"duration":1,"flaggedIPType":"f","userBehaviorName":"u"}}]`)
	return r
}

// Whatever a stored rule says is in the API's rule and comes back from there.
func TestRuleTranslationIsComplete(t *testing.T) {
	want := filledRule()
	text, _ := json.Marshal(want)
	d, err := decode(text, new(pb.Rule))
	if err != nil || len(d.unknown) > 0 {
		t.Fatalf("the API's rule lacks %v (%v)", d.unknown, err)
	}
	shown, err := ruleToProto(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ruleFromProto(shown)
	if err != nil {
		t.Fatal(err)
	}
	got.ID, got.Version, got.CreatedAt, got.UpdatedAt = want.ID, want.Version, want.CreatedAt, want.UpdatedAt
	got.IsDefault, got.IsDeleted = want.IsDefault, want.IsDeleted
	if a, b := jsonText(got), jsonText(want); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	// The other way: every field of a request reaches the stored rule.
	var fields int
	for i := range shown.ProtoReflect().Descriptor().Fields().Len() {
		fd := shown.ProtoReflect().Descriptor().Fields().Get(i)
		if fd.Number() < firstServerField {
			fields++
			if !shown.ProtoReflect().Has(fd) {
				t.Errorf("schema.Rule has nothing for %s", fd.Name())
			}
		}
	}
	if fields != 18 {
		t.Errorf("looped over %d fields of a request, want 18", fields)
	}
}

// Real rules, posted, read back as they were written, server's fields aside.
func TestRealRulesReadBackEqual(t *testing.T) {
	dir := testenv.Shared(t, "conformance/rules")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	s := newWorld().start(t)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		made := createRule(t, s, string(text))
		if w, ok := made["warnings"]; ok {
			t.Errorf("%s: %v", filepath.Base(f), w)
		}
		_, answer := call(t, s, "GET", "/api/v2/security_monitoring/rules/"+made["id"].(string), "")
		got, want := object(t, answer), object(t, string(text))
		for _, d := range ruleDifferences(want, got) {
			field, _, _ := strings.Cut(d, ":")
			field = strings.TrimSuffix(strings.TrimPrefix(field, "surplus "), " is missing")
			if !slices.Contains(vendorsOwn, field) {
				t.Errorf("%s: %s", filepath.Base(f), d)
			}
		}
	}
	t.Logf("%d rules", len(files))
}

// What the vendor says about its bundled rules and its partners' is its own.
var vendorsOwn = []string{
	"version", "isDefault", "isPartner", "isBeta", "isDeprecated", "isDeleted", "deprecationDate", "defaultTags",
	"defaultRuleId", "partnerRuleId", "partnerIntegrationId", "creationAuthorId", "updateAuthorId", "updatedAt",
	"metadata", "id", "createdAt", "isEnabled", "blocking",
}

func TestCodecWritesWhatClientsRead(t *testing.T) {
	got, err := encode(&pb.Rule{
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
	if _, err := decode([]byte(`{"tags":["a","b"],"tags":["c"],"options":{"keepAlive":1},"options":{"evaluationWindow":6e1}}`), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Tags) != 1 || r.Options.KeepAlive != nil || r.Options.GetEvaluationWindow() != 60 {
		t.Errorf("got %v", &r)
	}
}

// The openapi document resolves, and knows every binding.
func TestOpenAPIIsComplete(t *testing.T) {
	s := newWorld().start(t)
	_, text := call(t, s, "GET", "/openapi.json", "")
	doc := object(t, text)
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for _, part := range strings.Split(text, `"$ref":"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if schemas[name] == nil {
			t.Errorf("no schema %s", name)
		}
	}
	// Validated as OpenAPI, by a library that reads it.
	parsed, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err == nil {
		err = parsed.Validate(t.Context())
	}
	if err != nil {
		t.Errorf("it is no OpenAPI document: %v", err)
	}
	all, err := bindings()
	if err != nil {
		t.Fatal(err)
	}
	operations := 0
	for _, p := range doc["paths"].(map[string]any) {
		operations += len(p.(map[string]any))
	}
	if operations != len(all)+1 {
		t.Errorf("%d operations for %d bindings and one raw handler", operations, len(all))
	}
	bound := map[protoreflect.FullName]bool{}
	for _, b := range all {
		bound[b.method.FullName()] = true
	}
	services := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("nightjar.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			services++
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if name := methods.Get(j).FullName(); !bound[name] {
					t.Errorf("%s is not bound to HTTP", name)
				}
			}
		}
		return true
	})
	if services == 0 {
		t.Error("found no services")
	}
	if rule := schemas["Rule"].(map[string]any); !strings.HasPrefix(rule["description"].(string), "Rule is a detection rule") {
		t.Errorf("Rule says %v", rule["description"])
	}
	_, page := call(t, s, "GET", "/", "")
	for _, part := range strings.Split(page, `href="#`)[1:] {
		if name, _, _ := strings.Cut(part, `"`); !strings.Contains(page, `<h3 id="`+name+`">`) {
			t.Errorf("the page leads to %s, which it does not have", name)
		}
	}
	if !strings.Contains(page, "/api/v2/security_monitoring/signals/search") {
		t.Errorf("the page lacks the search: %s", page)
	}
}

func FuzzCodec(f *testing.F) {
	f.Add([]byte(plainRule))
	f.Add([]byte(`{"queries":[{"groupByFields":["a"],"index":null}],"options":{"keepAlive":1e3},"x":[{}],"schedulingOptions":null}`))
	f.Add([]byte(`{"filter":{"from":5,"query":"\ud800"},"page":{"limit":-1}}`))
	f.Add([]byte(`{"query":"q","params":{"a":[1,"b",null,{"c":true}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range []proto.Message{&pb.Rule{}, &pb.SearchSignalsRequest{}, &pb.QueryRequest{}, &pb.QueryResponse{}, &pb.GetSignalResponse{}} {
			if _, err := decode(text, m); err != nil {
				continue
			}
			once, err := encode(m)
			if err != nil {
				t.Fatalf("%T: %v", m, err)
			}
			again := m.ProtoReflect().New().Interface()
			d, err := decode(once, again)
			if err != nil || len(d.unknown) > 0 {
				t.Fatalf("%T: %s: %v, unknown %v", m, once, err, d.unknown)
			}
			twice, err := encode(again)
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
		d, err := decode([]byte(c.rule), new(pb.Rule))
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

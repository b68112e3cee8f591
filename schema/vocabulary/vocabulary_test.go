package vocabulary

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// TestEveryNameStandsForOneAttribute holds that the table is one to one, both ways.
func TestEveryNameStandsForOneAttribute(t *testing.T) {
	types := []string{"string", "ip", "integer", "float", "time", "nanoseconds", "as_number", "list"}
	plain := regexp.MustCompile(`^[a-z_0-9.]+$`)
	seen := map[string]string{}
	for _, a := range attributes {
		names := map[string]string{"own": a.Field.String(), "ecs": a.ECS, "ocsf": a.OCSF}
		for in, name := range names {
			if name == "" {
				continue
			}
			if before := seen[in+" "+name]; before != "" {
				t.Errorf("%s of %s stands for %s and %s", name, in, before, a.Field)
			}
			seen[in+" "+name] = a.Field.String()
		}
		if !slices.Contains(types, a.Type) || a.Field.Kind == schema.FieldTag || !plain.MatchString(a.Field.Name) {
			t.Errorf("%s: type %q, kind %d", a.Field, a.Type, a.Field.Kind)
		}
		for v, name := range map[Vocabulary]string{ECS: a.ECS, OCSF: a.OCSF} {
			if name == "" {
				continue
			}
			if f, err := v.Lookup(name); err != nil || f != a.Field {
				t.Errorf("%s of %s is %s, %v; want %s", name, v, f, err, a.Field)
			}
		}
	}
	if len(seen) < 300 {
		t.Errorf("%d names", len(seen))
	}
}

// TestNoNameIsAMemberOfAnother holds that a document can have all of them.
func TestNoNameIsAMemberOfAnother(t *testing.T) {
	for _, name := range []func(*Attribute) string{func(a *Attribute) string { return a.ECS }, func(a *Attribute) string { return a.OCSF }} {
		doc := tree{}
		for i := range attributes {
			if n := name(&attributes[i]); n != "" && !doc.put(n, i) {
				t.Errorf("%s is in the way of another", n)
			}
		}
	}
}

// TestNamesOfClassesAreThoseOfTheTable holds that a query may ask by the names that
// events are shown with, whatever their class.
func TestNamesOfClassesAreThoseOfTheTable(t *testing.T) {
	for _, c := range []*class{&authenticationClass, &networkActivity, &apiActivity, &fileActivity, &baseEvent} {
		for _, a := range attributes {
			if a.OCSF == "" {
				continue
			}
			if f, err := OCSF.Lookup(c.nameIn(a.OCSF)); err != nil || f != a.Field {
				t.Errorf("%s: %s is %s, %v; want %s", c.name, c.nameIn(a.OCSF), f, err, a.Field)
			}
		}
	}
}

func TestWhatIsNoNameIsToldWithWhatIsNear(t *testing.T) {
	_, err := ECS.Lookup("source.ipp")
	if err == nil || err.Error() != `no attribute is known by the name "source.ipp" in ECS; did you mean "source.ip"?` {
		t.Error(err)
	}
	if f := ECS.Rename(schema.ParseField("@source.ip")); f != schema.ParseField("@network.client.ip") {
		t.Error(f)
	}
	if f := ECS.Rename(schema.ParseField("source.ip")); f != schema.ParseField("@network.client.ip") {
		t.Error(f)
	}
	for _, same := range []string{"@my.own", "source", "env"} {
		if f := ECS.Rename(schema.ParseField(same)); f != schema.ParseField(same) {
			t.Errorf("%s became %s", same, f)
		}
	}
	if _, err := Parse("cim"); err == nil {
		t.Error("cim is a vocabulary")
	}
}

func event(t *testing.T, text string) *schema.Event {
	t.Helper()
	a, err := schema.ParseAttributes(text)
	if err != nil {
		t.Fatal(err)
	}
	return &schema.Event{Seq: 7, At: 1_700_000_000_123, Seen: 1_700_000_000_200, Source: "sshd", Service: "sshd", Host: "web-1", Status: "info", Message: "hello", Tags: []string{"env:prod"}, Attributes: a}
}

// TestECSHasTheEventAndNothingIsLost has one of everything.
func TestECSHasTheEventAndNothingIsLost(t *testing.T) {
	e := event(t, `{"network":{"client":{"ip":["192.0.2.1","192.0.2.2"],"port":"4242","geoip":{"as":{"number":"AS64500"}}}},"evt":{"name":"authentication","category":"authentication","outcome":"failure"},"usr":{"id":7},"mine":{"a":1,"b":["x","y"]},"process":{"file":{"path":"/bin/x"}}}`)
	want := `{"@timestamp":"2023-11-14T22:13:20.123Z","destination":null,"ecs":{"version":"8.17.0"},"event":{"action":"authentication","category":["authentication"],"ingested":"2023-11-14T22:13:20.200Z","module":"sshd","outcome":"failure"},` +
		`"host":{"name":"web-1"},"log":{"level":"info"},"message":"hello","nightjar":{"unmapped":{"mine.a":1,"mine.b":["x","y"]}},"process":{"executable":"/bin/x"},"service":{"name":"sshd"},` +
		`"source":{"as":{"number":64500},"ip":["192.0.2.1","192.0.2.2"],"port":4242},"tags":["env:prod"],"user":{"id":"7"}}`
	want = strings.Replace(want, `"destination":null,`, "", 1)
	if got := string(ECS.Document(e)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// required are the attributes that the framework requires of every event, and of each
// class: written down apart from the code that fills them in.
var required = map[int][]string{
	1001: {"actor", "device", "file", "file.name", "file.type_id", "device.type_id"},
	1007: {"actor", "device", "process", "device.type_id"},
	2004: {"finding_info", "finding_info.title", "finding_info.uid"},
	3001: {"user"}, 3002: {"user"}, 4001: {}, 4002: {}, 4003: {"query", "query.hostname"},
	6003: {"actor", "api", "api.operation", "src_endpoint"}, 0: {},
}

var always = []string{"activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata.version", "metadata.product.name"}

func checkOCSF(t *testing.T, text []byte, class, activity int) *fastjson.Value {
	t.Helper()
	v := fastjson.MustParseBytes(text)
	if got := v.GetInt("class_uid"); got != class || v.GetInt("activity_id") != activity {
		t.Errorf("class %d, activity %d; want %d, %d: %s", got, v.GetInt("activity_id"), class, activity, text)
	}
	for _, path := range append(append([]string{}, always...), required[class]...) {
		if v.Get(strings.Split(path, ".")...) == nil {
			t.Errorf("class %d lacks %s: %s", class, path, text)
		}
	}
	if v.GetInt("type_uid") != class*100+activity || v.GetInt("category_uid") != class/1000 {
		t.Errorf("type %d, category %d of class %d", v.GetInt("type_uid"), v.GetInt("category_uid"), class)
	}
	for _, number := range []string{"time", "activity_id", "type_uid", "severity_id"} {
		if v.Get(number).Type() != fastjson.TypeNumber {
			t.Errorf("%s is %s", number, v.Get(number))
		}
	}
	return v
}

// TestOCSFEventsHaveWhatTheirClassRequires has an event of each class, and one that
// lacks what its class requires.
func TestOCSFEventsHaveWhatTheirClassRequires(t *testing.T) {
	ends := `"network":{"client":{"ip":"192.0.2.1"},"destination":{"ip":"192.0.2.9","port":443}}`
	for _, c := range []struct {
		attributes      string
		class, activity int
	}{
		{`{"evt":{"category":"authentication","name":"authentication","outcome":"failure"},"usr":{"name":"bob"},` + ends + `}`, 3002, 1},
		{`{"evt":{"category":"authentication","name":"logoff"},"usr":{"name":"bob"}}`, 3002, 2},
		{`{"evt":{"category":"authentication","name":"authentication"}}`, 0, 0}, // whose?
		{`{"evt":{"category":"process","name":"process_started"},"process":{"pid":4,"executable":{"path":"/bin/x"},"hash":{"sha256":"ab"},"parent":{"name":"sh"}},"usr":{"name":"bob"}}`, 1007, 1},
		{`{"evt":{"category":"process","name":"exit"},"process":{"pid":4,"ppid":1}}`, 1007, 2},
		{`{"evt":{"category":"file","name":"file_created"},"process":{"pid":4},"file":{"path":"C:\\x\\y.exe"}}`, 1001, 1},
		{`{"evt":{"category":"network","name":"connection_opened"},` + ends + `}`, 4001, 1},
		{`{` + ends + `}`, 4001, 6},
		{`{"http":{"method":"POST","status_code":"200","url":"/a"},` + ends + `}`, 4002, 6},
		{`{"evt":{"category":"network","name":"dns_query"},"dns":{"question":{"name":"x.example"},"answer":{"name":["192.0.2.8","192.0.2.7"]}},` + ends + `}`, 4003, 1},
		{`{"eventSource":"iam.amazonaws.com","eventName":"DeleteUser","usr":{"name":"bob"},` + ends + `}`, 6003, 4},
		{`{"rule":{"name":"ET SCAN","id":"2001"},"evt":{"category":"intrusion_detection"},` + ends + `}`, 2004, 1},
		{`{"evt":{"category":"iam","name":"user_created"},"usr":{"name":"admin","target":{"name":"bob"}}}`, 3001, 1},
		{`{"evt":{"category":"iam","name":"user_deleted"},"usr":{"name":"bob"}}`, 3001, 6},
		{`{"evt":{"category":"process","name":"process_accessed"},"process":{"pid":4,"target":{"pid":9}}}`, 1007, 3},
		{`{"evt":{"category":"authentication","name":"authentication"},` + ends + `}`, 4001, 6}, // of whom is not known, of which hosts is
		{`{"evt":{"name":"repo.create"},"usr":{"name":"bob"},"network":{"client":{"ip":"service.example.com"}}}`, 6003, 1},
		{`{"a":1}`, 0, 0},
	} {
		e := event(t, c.attributes)
		checkOCSF(t, OCSF.Document(e), c.class, c.activity)
		stored := *e
		stored.Leaves = nil
		if got, want := string(OCSF.Document(&stored)), string(OCSF.Document(e)); got != want {
			t.Errorf("as it is stored, it is %s, want %s", got, want)
		}
	}
}

func TestOCSFCallsActorsAndUsersAsItsClassesDo(t *testing.T) {
	v := checkOCSF(t, OCSF.Document(event(t, `{"evt":{"category":"process","name":"process_started"},"process":{"pid":4,"ppid":1,"hash":{"sha256":"ab","md5":"cd"},"executable":{"path":"/bin/x"}},"usr":{"name":"bob"},"duration":5000000,"left":1}`)), 1007, 1)
	want := `{"activity_id":1,"activity_name":"Launch","actor":{"process":{"pid":1},"user":{"name":"bob"}},"category_name":"System Activity","category_uid":1,"class_name":"Process Activity","class_uid":1007,` +
		`"device":{"hostname":"web-1","type_id":0},"duration":5,"message":"hello","metadata":{"labels":["env:prod"],"log_name":"sshd","log_provider":"sshd","logged_time":1700000000200,"product":{"name":"nightjar","vendor_name":"nightjar"},"uid":"` + schema.EventID(1_700_000_000_123, 7) + `","version":"1.3.0"},` +
		`"process":{"file":{"hashes":[{"algorithm":"MD5","algorithm_id":1,"value":"cd"},{"algorithm":"SHA-256","algorithm_id":3,"value":"ab"}],"name":"x","path":"/bin/x","type_id":0},"pid":4},` +
		`"severity":"Informational","severity_id":1,"time":1700000000123,"type_name":"Process Activity: Launch","type_uid":100701,"unmapped":{"left":1}}`
	if got := v.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	v = checkOCSF(t, OCSF.Document(event(t, `{"evt":{"category":"process","name":"process_accessed"},"process":{"pid":4,"name":"x.exe","target":{"pid":9,"name":"lsass.exe"}}}`)), 1007, 3)
	if v.GetInt("process", "pid") != 9 || v.GetInt("actor", "process", "pid") != 4 || string(v.GetStringBytes("process", "name")) != "lsass.exe" {
		t.Error(v)
	}
	v = checkOCSF(t, OCSF.Document(event(t, `{"evt":{"category":"authentication","name":"authentication","outcome":"failure"},"usr":{"name":"bob"},"process":{"pid":4}}`)), 3002, 1)
	if string(v.GetStringBytes("user", "name")) != "bob" || v.GetInt("actor", "process", "pid") != 4 || v.GetInt("status_id") != 2 {
		t.Error(v)
	}
}

// FuzzDocument has any attributes: documents are JSON, and every leaf is somewhere.
func FuzzDocument(f *testing.F) {
	f.Add(`{"network":{"client":{"ip":["a",1,true]}},"process":{"hash":{"md5":["x","y"]}},"dns":{"answer":{"name":[{"a":1}]}}}`)
	f.Add(`{"usr":"x","usr.name":{"a":null},"evt":{"outcome":["a","b"],"name":[]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := schema.ParseAttributes(text)
		if err != nil {
			t.Skip()
		}
		e := &schema.Event{Attributes: a}
		for _, v := range []Vocabulary{ECS, OCSF} {
			if doc := v.Document(e); !json.Valid(doc) {
				t.Errorf("%s: %s", v, doc)
			}
		}
	})
}

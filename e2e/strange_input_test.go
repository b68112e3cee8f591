package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// strange are log objects that senders should not send and do. Each is posted
// with a name of its own in the attribute `case`.
func strange() map[string]string {
	out := map[string]string{
		"key twice":                    `"v":1,"v":2`,
		"key twice, of two kinds":      `"v":"a","v":{"b":1}`,
		"key twice, deeper":            `"o":{"k":1,"k":"x"}`,
		"attributes and beside":        `"v":1,"attributes":{"v":2}`,
		"reserved key twice":           `"message":"first","message":"second"`,
		"NaN":                          `"v":NaN`,
		"nan":                          `"v":nan`,
		"Infinity":                     `"v":Infinity`,
		"-Infinity":                    `"v":-Infinity`,
		"inf":                          `"v":inf`,
		"1e400":                        `"v":1e400`,
		"-1e400":                       `"v":-1e400`,
		"1e-400":                       `"v":1e-400`,
		"5e-324":                       `"v":5e-324`,
		"1.7976931348623157e308":       `"v":1.7976931348623157e308`,
		"2^53":                         `"v":9007199254740992`,
		"2^53+1":                       `"v":9007199254740993`,
		"2^63-1":                       `"v":9223372036854775807`,
		"2^63":                         `"v":9223372036854775808`,
		"-2^63":                        `"v":-9223372036854775808`,
		"-2^63-1":                      `"v":-9223372036854775809`,
		"2^64":                         `"v":18446744073709551616`,
		"thirty digits":                `"v":123456789012345678901234567890`,
		"0.1":                          `"v":0.1`,
		"1.0":                          `"v":1.0`,
		"1e2":                          `"v":1e2`,
		"-0":                           `"v":-0`,
		"-0.0":                         `"v":-0.0`,
		"1e21":                         `"v":1e21`,
		"a number as text":             `"v":"2"`,
		"true":                         `"v":true`,
		"true as text":                 `"v":"true"`,
		"null":                         `"v":null`,
		"invalid UTF-8":                "\"v\":\"a\xff\xfeb\"",
		"invalid UTF-8 in a key":       "\"k\xff\":1",
		"two keys made equal":          "\"k\xff\":1,\"k\xfe\":2",
		"overlong UTF-8":               "\"v\":\"\xc0\xaf\"",
		"half a surrogate":             `"v":"a\ud800b"`,
		"a surrogate pair":             `"v":"\ud83d\ude00"`,
		"byte order mark":              `"v":"\ufeffx"`,
		"NUL":                          `"v":"a\u0000b"`,
		"NUL in a key":                 `"k\u0000k":1`,
		"NUL, bare":                    "\"v\":\"a\x00b\"",
		"a line end, bare":             "\"v\":\"a\nb\"",
		"quotes and backslashes":       `"v":"\"\\\"\\n'` + "`" + `"`,
		"empty key":                    `"":1`,
		"empty key, deeper":            `"a":{"":2}`,
		"empty key above":              `"":{"f":"hidden"}`,
		"dots only":                    `"...":1`,
		"dot at the end":               `"a.":1,".a":2`,
		"key with a dot":               `"a.b":1`,
		"object instead of a dot":      `"a":{"b":2}`,
		"dot and object":               `"a.b":1,"a":{"b":2}`,
		"dot and object, two kinds":    `"a.b":"1","a":{"b":2}`,
		"string":                       `"f":"x"`,
		"object where a string was":    `"f":{"g":"y"}`,
		"array where a string was":     `"f":["x","y"]`,
		"array of everything":          `"f":[1,"1",1.5,true,null,{"g":"y"},[2,{"g":3}]]`,
		"number where a string was":    `"f":7`,
		"empty object":                 `"f":{}`,
		"empty array":                  `"f":[]`,
		"empty string":                 `"f":""`,
		"typed path, a number":         `"usr":{"id":42}`,
		"typed path, two kinds":        `"usr":{"id":[42,"x",true]}`,
		"typed path, an object":        `"usr":{"id":{"x":1}}`,
		"typed path, by a dot":         `"usr.id":"42"`,
		"depth 60":                     `"d":` + strings.Repeat(`{"d":`, 60) + `"deep"` + strings.Repeat("}", 60),
		"depth 250":                    `"d":` + strings.Repeat(`{"d":`, 250) + `"deep"` + strings.Repeat("}", 250),
		"depth 250 of arrays":          `"d":` + strings.Repeat(`[`, 250) + `"deep"` + strings.Repeat("]", 250),
		"key of 100 kB":                `"` + strings.Repeat("k", 100_000) + `":"v"`,
		"key of 100 kB over an object": `"` + strings.Repeat("k", 100_000) + `":{"a":1,"b":2}`,
		"key like an escape":           `"%41":1,"A":2`,
		"key like SQL":                 `"a` + "`" + `; DROP TABLE events; --":1`,
		"key like ours":                `"usr.id%many":["x"]`,
		"seconds":                      fmt.Sprintf(`"timestamp":%d`, time.Now().Unix()),
		"milliseconds":                 fmt.Sprintf(`"timestamp":%d`, time.Now().UnixMilli()),
		"microseconds":                 fmt.Sprintf(`"timestamp":%d`, time.Now().UnixMicro()),
		"nanoseconds":                  fmt.Sprintf(`"timestamp":%d`, time.Now().UnixNano()),
		"seconds with a fraction":      fmt.Sprintf(`"timestamp":%d.5`, time.Now().Unix()),
		"RFC 3339":                     `"timestamp":"` + time.Now().Format(time.RFC3339Nano) + `"`,
		"ten years ago":                fmt.Sprintf(`"timestamp":%d`, time.Now().AddDate(-10, 0, 0).UnixMilli()),
		"ten years ahead":              fmt.Sprintf(`"timestamp":%d`, time.Now().AddDate(10, 0, 0).UnixMilli()),
		"the year 1":                   `"timestamp":"0001-01-01T00:00:00Z"`,
		"no time at all":               `"timestamp":"soon"`,
	}
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, `,"many%d":%d`, i, i)
	}
	out["20,000 keys"] = many.String()[1:]
	return out
}

// strangeQueries are asked of all of them, by both readers.
var strangeQueries = []string{
	"*", "@v:1", "@v:2", `@v:"2"`, "@v:>1", "@v:<0", "@v:>=9007199254740993", "@v:9007199254740993", "@v:9223372036854775807",
	"@v:9223372036854775808", "@v:>9223372036854775807", "@v:[0 TO 1]", "@v:0", "@v:-0", "@v:0.1", "@v:100", "@v:NaN", "@v:nan", "@v:1e400",
	"@v:Infinity", "@v:inf", "@v:true", "@v:*", "-@v:*", "@v.b:1", "@v.b:*", "@o.k:x", "@o.k:1", "@v:a*", "@v:*b", `@v:"a b"`, "@v:??",
	"@a.b:1", "@a.b:2", "@a.b:>1", "@a.b:*", "@f:x", "@f:y", "@f:1", "@f:1.5", "@f:true", "@f:7", "@f:>6", "@f:2", "@f.g:y", "@f.g:3", "@f.g:>2", "@f:*", "@f.g:*",
	"@usr.id:42", "@usr.id:>41", "@usr.id:x", "@usr.id:true", "@usr.id.x:1", "@usr.id:*", "@many7:7", "@many19999:>19998", "@A:2", "@k:1", "@d:*",
	"@many0:0 @many1:1", "(@v:2 OR @f:x) -@o.k:x", "deep", "hidden", "second", "first",
}

// TestStrangeInputMeansOneThing posts what is strange and asks the engine, which
// reads what is stored, and the reader in memory, which reads what is shown.
func TestStrangeInputMeansOneThing(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--pace", "50ms")
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", groupRule("by v", "@v"), nil)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", groupRule("by f", "@f"), nil)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", groupRule("by a.b", "@a.b"), nil)
	cases := strange()
	for name, members := range cases {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		body := `[{"ddsource":"strange","case":` + string(quoted) + `,` + members + `}]`
		if status, text, err := p.request(http.MethodPost, "/api/v2/logs", []byte(body)); err != nil || status != http.StatusAccepted {
			t.Errorf("%s: %d %s %v", name, status, text, err)
		}
	}
	p.caughtUp()

	shown := p.shown(t)
	if len(shown) != len(cases) {
		t.Fatalf("%d events are shown, want %d", len(shown), len(cases))
	}
	checkShown(t, shown)
	if len(strangeQueries) < 50 {
		t.Fatal("the queries went missing")
	}
	matched := 0
	for _, text := range strangeQueries {
		query, err := search.Parse("source:strange " + text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var want []string
		for name, e := range shown {
			if query.Match(&e) {
				want = append(want, name)
			}
		}
		sort.Strings(want)
		matched += len(want)
		if diff := cmp.Diff(want, p.search(t, "source:strange "+text)); diff != "" {
			t.Errorf("%s: the readers differ (-memory +engine):\n%s", text, diff)
		}
	}
	if matched < 3*len(cases) {
		t.Errorf("the queries match %d times: too little is asked", matched)
	}
	// A rule's groups are the values that a reader is shown.
	for name, path := range map[string]string{"by v": "v", "by f": "f", "by a.b": "a.b"} {
		values := map[string]bool{}
		for _, e := range shown {
			if e.At < e.Seen.Add(-24*time.Hour) {
				continue // too late for rules
			}
			for _, l := range e.Lookup(path) {
				values[l.Text()] = true
			}
		}
		var want, got []string
		for v := range values {
			want = append(want, v)
		}
		for _, s := range p.signals("") {
			if s.Rule == name {
				got = append(got, s.Group[0])
			}
		}
		sort.Strings(want)
		sort.Strings(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" || len(want) < 2 {
			t.Errorf("groups %s (-shown +rule):\n%s", name, diff)
		}
	}
	for metric, least := range map[string]float64{
		`nightjar_ingest_oddities_total{kind="duplicate_key"}`: 5, `nightjar_ingest_oddities_total{kind="invalid_utf8"}`: 3,
		`nightjar_ingest_oddities_total{kind="huge_number"}`: 7, `nightjar_ingest_oddities_total{kind="flattened"}`: 3,
		"nightjar_ingest_events_future_dated_total": 2, `nightjar_ingest_events_unreadable_time_total{source="strange"}`: 1, "nightjar_ingest_late_events_total": 1,
	} {
		if n := p.metric(metric); n < least {
			t.Errorf("%s is %v, want at least %v", metric, n, least)
		}
	}
}

// checkShown spells out some of the rules.
func checkShown(t *testing.T, shown map[string]schema.Event) {
	t.Helper()
	for name, want := range map[string]string{
		"key twice": `"v":2`, "key twice, of two kinds": `"v":{"b":1}`, "attributes and beside": `"v":2`, "NaN": `"v":"NaN"`, "1e400": `"v":"1e400"`,
		"2^53+1": `"v":9007199254740993`, "2^63-1": `"v":9223372036854775807`, "2^63": `"v":"9223372036854775808"`, "1.0": `"v":1`, "1e2": `"v":100`,
		"invalid UTF-8": "\"v\":\"a\uFFFDb\"", "two keys made equal": "\"k\uFFFD\":2", "NUL": `"v":"a\u0000b"`, "typed path, a number": `"usr":{"id":"42"}`,
		"depth 250 of arrays": `[[\u0022deep\u0022]]`, "no time at all": `"original_timestamp":"soon"`,
	} {
		if e := shown[name]; !strings.Contains(e.JSON, want) {
			t.Errorf("%s: is shown as %.300s, want %s in it", name, e.JSON, want)
		}
	}
	now := schema.MillisOf(time.Now())
	for _, name := range []string{"seconds", "milliseconds", "microseconds", "nanoseconds", "seconds with a fraction", "RFC 3339", "ten years ahead", "the year 1", "no time at all"} {
		if e := shown[name]; e.At < now.Add(-2*time.Minute) || e.At > now {
			t.Errorf("%s: happened at %s", name, e.At)
		}
	}
	if e := shown["ten years ago"]; e.At > now.Add(-9*365*24*time.Hour) {
		t.Errorf("ten years ago: happened at %s", e.At)
	}
}

// shown are the events as a reader is shown them.
func (p *process) shown(t *testing.T) map[string]schema.Event {
	t.Helper()
	body := []byte(`{"query":"SELECT raw, message, toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(seen) FROM events WHERE source = 'strange'"}`)
	var answer struct{ Rows [][]any }
	p.call(http.MethodPost, "/api/nightjar/v1/sql", body, &answer)
	out := map[string]schema.Event{}
	for _, row := range answer.Rows {
		a, err := schema.ParseAttributes(row[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		at, seen := number(t, row[2]), number(t, row[3])
		e := schema.Event{Source: "strange", Status: "info", Message: row[1].(string), Attributes: a, At: at, Seen: seen}
		out[e.Lookup("case")[0].Str] = e
	}
	return out
}

func number(t *testing.T, v any) schema.Millis {
	t.Helper()
	switch v := v.(type) {
	case float64:
		return schema.Millis(v)
	case string:
		n, err := json.Number(v).Int64()
		if err != nil {
			t.Fatal(err)
		}
		return schema.Millis(n)
	}
	t.Fatalf("%v is no number", v)
	return 0
}

// search is the engine's answer, as the names of the cases.
func (p *process) search(t *testing.T, query string) []string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"filter": map[string]string{"query": query, "from": "2000-01-01T00:00:00Z", "to": "2200-01-01T00:00:00Z"}, "page": map[string]int{"limit": 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data []struct {
			Attributes struct{ Attributes struct{ Case string } }
		}
	}
	p.call(http.MethodPost, "/api/v2/logs/events/search", body, &answer)
	var out []string
	for _, d := range answer.Data {
		out = append(out, d.Attributes.Attributes.Case)
	}
	sort.Strings(out)
	return out
}

// groupRule raises a signal for every value of the field.
func groupRule(name, field string) []byte {
	rule := bytes.ReplaceAll(thresholdRule(name, 0, 300), []byte(`source:sshd (\"Failed password\" OR \"Failed publickey\")`), []byte(`source:strange `+field+`:*`))
	return bytes.ReplaceAll(rule, []byte("@network.client.ip"), []byte(field))
}

// TestWhatIsTooMuchIsCutAndNothingElseIsLost posts what no event may be, each
// behind a good one.
func TestWhatIsTooMuchIsCutAndNothingElseIsLost(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--disk-quota", "50GB")
	if got := p.metric("nightjar_retention_disk_quota_bytes"); got != 50e9 {
		t.Errorf("the quota of disk is %v bytes", got)
	}
	var keys strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&keys, `"k%d":1,`, i)
	}
	deep := strings.Repeat(`{"d":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	for _, c := range []struct {
		name, kind, body string
		status           int
		says             string
	}{
		{"depth 10,000", "application/json", `[{"a":1},` + deep + `]`, 202, "event 1: 1 objects or arrays below depth 128 were kept as text"},
		{"100,000 keys", "application/json", `{"a":1} {` + keys.String() + `"z":1}`, 202, "values were left out"},
		{"a line of 100 MB", "text/plain", strings.Repeat("x", 100_000_000), 413, "larger than 33554432 bytes"},
		{"a line of 2 MB", "text/plain", "short\n" + strings.Repeat("x", 2_000_000), 202, "event 1: its 2000000 bytes"},
		{"an event of 2 MB", "application/json", `{"a":1} {"m":"` + strings.Repeat("x", 2_000_000) + `"}`, 202, "1 texts were shortened"},
	} {
		status, text, err := p.request(http.MethodPost, "/api/v2/logs", []byte(c.body), "Content-Type", c.kind)
		if err != nil || status != c.status || !strings.Contains(string(text), c.says) {
			t.Errorf("%s: %d %.300s %v, want %d %s", c.name, status, text, err, c.status, c.says)
		}
	}
	if n := p.metric("nightjar_ingest_events_cut_total"); n != 4 {
		t.Errorf("%v events are counted as cut, want 4", n)
	}
	// Many keys over many events are no more than many events.
	for part := range 10 {
		var b strings.Builder
		for i := range 100 {
			b.WriteString(`{"ddsource":"keys"`)
			for k := range 100 {
				fmt.Fprintf(&b, `,"key%d":%d`, part*10_000+i*100+k, k)
			}
			b.WriteString("}")
		}
		p.call(http.MethodPost, "/api/v2/logs", []byte(b.String()), nil)
	}
	p.caughtUp()
	if n := p.count("SELECT count() FROM events"); n != 1008 {
		t.Errorf("%d events are stored, want the 1,000 with 100,000 keys, four that were cut and four beside them", n)
	}
	for _, key := range []string{"key0", "key777", "key50000", "key99999"} {
		var answer struct{ Data []json.RawMessage }
		body := fmt.Appendf(nil, `{"filter":{"query":"@%s:*","from":"now-1h","to":"now+1h"}}`, key)
		p.call(http.MethodPost, "/api/v2/logs/events/search", body, &answer)
		if len(answer.Data) != 1 {
			t.Errorf("@%s:* finds %d events, want 1", key, len(answer.Data))
		}
	}
}

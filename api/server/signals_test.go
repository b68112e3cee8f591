package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"nightjar/api/services/events"
	"nightjar/api/services/signals"
	"nightjar/schema"
	"nightjar/testenv"
)

func worldOfSignals(n int) *world {
	w := newWorld()
	for i := range n {
		w.signals = append(w.signals, signals.Signal{
			ID: fmt.Sprintf("s%02d", i), At: schema.MillisOf(testNow), Message: "m", Status: "high", Host: "h",
			Service: "sshd", Tags: []string{"source:sshd"}, Attributes: `{"title":"t","nightjar":{"events":9007199254740993}}`,
		})
	}
	return w
}

// What we send has the shape of what the reference sends, in all three forms.
func TestSignalsHaveTheRecordedShape(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "conformance/http/signal_samples.json"))
	if err != nil {
		t.Fatal(err)
	}
	var samples map[string]map[string]any
	if err := json.Unmarshal(text, &samples); err != nil {
		t.Fatal(err)
	}
	s := worldOfSignals(3).start(t)
	const base = "/api/v2/security_monitoring/signals"
	for name, sample := range samples {
		verb, rest, _ := strings.Cut(name, " ")
		path, body := base+"?page[limit]=2", ""
		switch {
		case verb == "POST":
			path, body = base+"/search", `{"filter":{"query":"status:high"},"page":{"limit":2}}`
		case !strings.HasSuffix(rest, "signals"):
			path = base + "/s01"
		}
		status, answer := call(t, s, verb, path, body)
		if status != 200 {
			t.Fatalf("%s: %d %s", name, status, answer)
		}
		want, got := shape(sample), shape(object(t, answer))
		for _, missing := range got {
			if !slices.Contains(want, missing) {
				t.Errorf("%s: surplus %s", name, missing)
			}
		}
		// Of one signal the reference sends its own index's fields too.
		for _, there := range want {
			own := strings.HasPrefix(there, "data.attributes.") && !slices.Contains([]string{
				"timestamp", "message", "tags", "status", "service", "host", "custom"}, strings.TrimPrefix(there, "data.attributes."))
			if !own && !slices.Contains(got, there) {
				t.Errorf("%s: no %s", name, there)
			}
		}
	}
}

// shape lists the paths of an answer down to a signal's attributes.
func shape(v any) []string {
	seen := map[string]bool{}
	var walk func(v any, path string, depth int)
	walk = func(v any, path string, depth int) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				p := strings.TrimPrefix(path+"."+k, ".")
				seen[p] = true
				if depth < 2 {
					walk(e, p, depth+1)
				}
			}
		case []any:
			for _, e := range v {
				walk(e, path, depth)
			}
		}
	}
	walk(v, "", 0)
	out := make([]string, 0, len(seen))
	for p := range seen {
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}

func TestSignalsKeepTheirNumbers(t *testing.T) {
	s := worldOfSignals(1).start(t)
	for path, key := range map[string]string{"": `"attributes":{"title"`, "/s00": `"custom":{"title"`} {
		_, answer := call(t, s, "GET", "/api/v2/security_monitoring/signals"+path, "")
		if !strings.Contains(answer, key) || !strings.Contains(answer, "9007199254740993") || !strings.Contains(answer, `"service":["sshd"]`) {
			t.Errorf("got %s", answer)
		}
	}
}

// The link to the next page leads there, until there is none.
func TestSignalPagesAreLinked(t *testing.T) {
	w := worldOfSignals(5)
	s := w.start(t)
	var got []string
	status, answer := call(t, s, "POST", "/api/v2/security_monitoring/signals/search", `{"filter":{"query":"a b:c","from":"now-15m","to":1772366400000},"page":{"limit":2},"sort":"timestamp"}`)
	for range 4 {
		if status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		m := object(t, answer)
		for _, item := range m["data"].([]any) {
			got = append(got, item.(map[string]any)["id"].(string))
		}
		if w.search.Query != "a b:c" || !w.search.Ascending || *w.search.From != schema.MillisOf(testNow.Add(-15*time.Minute)) || *w.search.To != schema.MillisOf(testNow) {
			t.Errorf("asked for %+v", w.search)
		}
		links, more := m["links"].(map[string]any)
		if !more {
			break
		}
		next := strings.TrimPrefix(links["next"].(string), "http://"+s.HTTPAddr().String())
		if !strings.Contains(next, "page%5Bcursor%5D="+m["meta"].(map[string]any)["page"].(map[string]any)["after"].(string)) {
			t.Errorf("link %s", next)
		}
		status, answer = call(t, s, "GET", next, "")
	}
	if strings.Join(got, " ") != "s00 s01 s02 s03 s04" {
		t.Errorf("got %v", got)
	}
}

// Names of orders are those that the document of the API says; a cursor keeps to its own.
func TestSignalsAreSortedAsAsked(t *testing.T) {
	w := worldOfSignals(5)
	s := w.start(t)
	ask := func(body string) (int, string) {
		return call(t, s, "POST", "/api/v2/security_monitoring/signals/search", body)
	}
	for sort, want := range map[string]signals.Search{
		"": {}, "-timestamp": {}, "-first_seen": {}, "first_seen": {Ascending: true}, "-severity": {By: signals.BySeverity},
		"severity": {By: signals.BySeverity, Ascending: true}, "-last_seen": {By: signals.ByLastSeen}, "events": {By: signals.ByEvents, Ascending: true},
	} {
		if status, answer := ask(`{"sort":"` + sort + `"}`); status != 200 || w.search.By != want.By || w.search.Ascending != want.Ascending {
			t.Errorf("%q: %d %s, asked for %+v", sort, status, answer, w.search)
		}
	}
	after := signals.Cursor{By: signals.BySeverity, Value: 4, At: 17, ID: "s01"}
	cursor := `"page":{"cursor":"` + after.String() + `"}`
	if status, answer := ask(`{"sort":"-severity",` + cursor + `}`); status != 200 || w.search.After != after {
		t.Errorf("%d %s, after %+v", status, answer, w.search.After)
	}
	for _, c := range []struct{ body, says string }{
		{`{"sort":"title"}`, "events, first_seen, last_seen, severity, timestamp"},
		{`{"sort":"--severity"}`, "want events"},
		{`{"sort":"-last_seen",` + cursor + `}`, "page.cursor"},
		{`{` + cursor + `}`, "page.cursor"},
	} {
		if status, answer := ask(c.body); status != 400 || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s", c.body, status, answer)
		}
	}
}

func TestSQLAnswersInBothFormats(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	status, answer := call(t, s, "POST", "/api/nightjar/v1/sql", `{"query":"SELECT n, s FROM t WHERE a IN {l:Array(String)} ;","params":{"l":["x",5],"n":1}}`)
	if status != 200 || answer != `{"columns":[{"name":"n","type":"UInt64"},{"name":"s","type":"Nullable(String)"}],"rows":[[1,"a,b"],[2,null]],"truncated":false,"elapsed_ms":0}` {
		t.Errorf("got %d %s", status, answer)
	}
	if w.query != "SELECT n, s FROM t WHERE a IN {l:Array(String)}" || fmt.Sprint(w.params) != "map[l:[x 5] n:1]" {
		t.Errorf("asked %q with %v", w.query, w.params)
	}
	status, answer = call(t, s, "POST", "/api/nightjar/v1/sql", `{"query":"SELECT 1","format":"csv"}`)
	if status != 200 || answer != "n,s\n1,\"a,b\"\n2,\n" {
		t.Errorf("got %d %q", status, answer)
	}
}

// A query is not run for nobody.
func TestSQLEndsWhenItsCallerHangsUp(t *testing.T) {
	w := newWorld()
	began, ended := make(chan struct{}), make(chan struct{})
	w.sql = func(ctx context.Context) (events.SQLResult, error) {
		close(began)
		<-ctx.Done()
		close(ended)
		return events.SQLResult{}, ctx.Err()
	}
	s := w.start(t)
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.HTTPAddr().String()+"/api/nightjar/v1/sql", strings.NewReader(`{"query":"SELECT 1"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("DD-API-KEY", testKey)
	go func() {
		<-began
		hangUp()
	}()
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("got %d", resp.StatusCode)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the query goes on")
	}
}

func TestStatusSaysHowFarEvaluationIs(t *testing.T) {
	s := newWorld().start(t)
	_, answer := call(t, s, "GET", "/api/nightjar/v1/status", "")
	if !strings.HasPrefix(answer, `{"version":"test","events_received":5,"events_evaluated_through":5,"caught_up":true,"lag_seconds":0,`) {
		t.Errorf("got %s", answer)
	}
}

// TestWhatIsKeptIsTold asks for tables, what goes next, and backups.
func TestWhatIsKeptIsTold(t *testing.T) {
	s := newWorld().start(t)
	status, answer := call(t, s, "GET", "/api/nightjar/v1/storage", "")
	for _, want := range []string{`{"name":"events","rows":5,"bytes":500,"parts":1}`, `"events_seconds":7776000`, `"signals_seconds":0`, `"what":"20260101"`,
		`"at":"2027-01-15T08:00:00Z"`, `"state":"written"`, `"state":"failed","error":"it broke"`} {
		if status != 200 || !strings.Contains(answer, want) {
			t.Errorf("no %s in %d %s", want, status, answer)
		}
	}
}

// TestWhatRulesCostIsTold asks for all costs, and the status for the rules that are
// evaluated by themselves.
func TestWhatRulesCostIsTold(t *testing.T) {
	s := newWorld().start(t)
	_, answer := call(t, s, "GET", "/api/nightjar/v1/rule_costs", "")
	for _, want := range []string{`"microseconds_per_event":1500`, `"alone":"matching`, `"rule_id":"jkl-mno-pqr"`, `"state":"running","reason":""`,
		`"state":"failing","reason":"a timeout"`, `"state":"unsupported","reason":"not yet"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
	_, answer = call(t, s, "GET", "/api/nightjar/v1/status", "")
	if !strings.Contains(answer, `"rules_alone":[{"rule_id":"abc-def-ghi"`) || strings.Contains(answer, "jkl-mno-pqr") {
		t.Errorf("status %s", answer)
	}
}

package content

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/ingest/pipeline"
	"nightjar/schema"
	"nightjar/testenv"
)

// hubTest is a test of CrowdSec's: lines, what its parsers read of them, and the alerts
// that its scenarios have to give.
type hubTest struct {
	Test      string                 `json:"test"`
	LogType   string                 `json:"log_type"`
	Lines     []string               `json:"raw_lines"`
	Scenarios map[string]hubScenario `json:"scenario_defs"`
	Parsed    []hubParsed            `json:"parsed_events"`
	Input     []map[string]any       `json:"input_events"`
	Alerts    []hubAlert             `json:"expected_alerts"`
	Count     *int                   `json:"expected_alert_count"`
}

type hubParsed struct {
	Meta, Parsed map[string]any
}

// hubTests reads ../shared/data/crowdsec.
func hubTests(t testing.TB) []hubTest {
	t.Helper()
	b, err := os.ReadFile(testenv.Shared(t, "data/crowdsec/crowdsec_hub_tests.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []hubTest
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var one hubTest
		if err := json.Unmarshal(s.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	return out
}

// hubSources are the sources of types of logs of which a pipeline ships.
var hubSources = map[string]string{
	"syslog": "syslog", "nginx": "nginx", "apache2": "apache", "modsecurity": "apache", "mysql": "mysql", "mariadb": "mysql",
	"cef": "cef", "palo-alto-threat": "paloalto",
}

// hubFields are the names that CrowdSec's parsers give to what has a standard attribute
// of ours.
var hubFields = map[string][]string{
	"source_ip": {"network.client.ip"}, "http_path": {"http.url", "http.url_details.path", "http.request_line"}, "http_verb": {"http.method"},
	"http_status": {"http.status_code"}, "http_user_agent": {"http.useragent"}, "target_user": {"usr.name"}, "user": {"usr.name"}, "username": {"usr.name"},
}

// hubWeb are types of logs that are those of a web server.
var hubWeb = map[string]string{"litespeed": "apache", "nginx-proxy-manager": "nginx", "aws-alb": "elb", "suricata-evelogs": "suricata", "aws-cloudtrail": "cloudtrail", "k8s-audit": "kubernetes.audit", "wineventlog": "windows.events"}

// readWith are our events of a test's lines with these pipelines.
func (h *hubTest) readWith(t testing.TB, set *pipeline.Set) (events []schema.Event) {
	source := hubSources[h.LogType]
	switch {
	case hubWeb[h.LogType] != "":
		source = hubWeb[h.LogType]
	case strings.HasSuffix(h.Test, "-nginx"):
		source = "nginx"
	case source == "":
		source = strings.ToLower(h.LogType)
	}
	d := decoder(t, source)
	d.Pipelines = set
	d.Now = time.Date(2026, 12, 30, 0, 0, 0, 0, time.UTC)
	for _, line := range h.Lines {
		if strings.TrimSpace(line) != "" {
			posted, err := json.Marshal(map[string]string{"ddsource": source, "message": line})
			if err != nil {
				t.Fatal(err)
			}
			read, err := d.JSON(posted)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, read...)
			events[len(events)-1].Seen = events[len(events)-1].At
		}
	}
	return events
}

// read are our events of a test's lines. Every line is of the year that its test says.
func (h *hubTest) read(t testing.TB) (events []schema.Event) {
	source := hubSources[h.LogType]
	if strings.HasSuffix(h.Test, "-nginx") {
		source = "nginx"
	}
	d := decoder(t, source)
	d.Now = time.Date(2026, 12, 30, 0, 0, 0, 0, time.UTC)
	for _, line := range h.Lines {
		events = append(events, d.Raw(line))
	}
	return events
}

// wanted are the fields that CrowdSec got, an event each.
func (h *hubTest) wanted() (out []map[string]string) {
	add := func(from ...map[string]any) {
		fields := map[string]string{}
		for _, m := range from {
			for k, v := range m {
				text := fmt.Sprint(v)
				if k == "pid" || k == "machine" || k == "timestamp" && len(text) > 19 && text[4] == '-' || k == "timestamp~suffix" || hubFields[k] != nil && text != "" && text != "-" {
					fields[k] = text
				}
			}
		}
		if len(fields) > 0 {
			out = append(out, fields)
		}
	}
	for _, p := range h.Parsed {
		add(p.Parsed, p.Meta)
	}
	if len(h.Parsed) == 0 {
		for _, in := range h.Input {
			add(in)
		}
	}
	return out
}

// ours is what our event has for a field of theirs.
func ours(e *schema.Event, field, want string) (got string, same bool) {
	switch field {
	case "machine":
		return e.Host, e.Host == want
	case "pid":
		got = value(e, "process.pid")
		return got, got == want
	case "timestamp", "timestamp~suffix":
		got = e.At.Time().UTC().Format(time.RFC3339Nano)
		if field == "timestamp~suffix" {
			want = "2024" + want
		}
		at, err := time.Parse(time.RFC3339Nano, want)
		if field == "timestamp~suffix" {
			return got, err == nil && at.UTC().Format("01-02T15:04:05") == e.At.Time().UTC().Format("01-02T15:04:05")
		}
		return got, err == nil && (schema.MillisOf(at) == e.At || at.UTC().Format("01-02T15:04:05") == e.At.Time().UTC().Format("01-02T15:04:05") && at.Year() >= 2024)
	}
	for _, path := range hubFields[field] {
		if g := value(e, path); g != "?" {
			if g == want {
				return g, true
			}
			if got == "" {
				got = g
			}
		}
	}
	return got, false
}

// TestCrowdSecsParsersReadTheSame compares field by field.
func TestCrowdSecsParsersReadTheSame(t *testing.T) {
	fields, same := map[string]int{}, map[string]int{}
	events, tests, others := 0, 0, 0
	differs := map[string]int{}
	for _, h := range hubTests(t) {
		if hubSources[h.LogType] == "" {
			continue
		}
		want := h.wanted()
		if len(want) == 0 {
			continue
		}
		tests++
		got := h.read(t)
		used := make([]bool, len(got))
		for _, w := range want {
			events++
			best, most := -1, -1
			for i := range got {
				n := 0
				for f, text := range w {
					if _, ok := ours(&got[i], f, text); ok {
						n++
					}
				}
				if !used[i] && n > most {
					best, most = i, n
				}
			}
			if best >= 0 {
				used[best] = true
			}
			// Of a program that no pipeline of ours is for, the head is what is read.
			bare := h.LogType == "syslog" && best >= 0 && !got[best].Has("evt.name") && !got[best].Has("http.method")
			for f, text := range w {
				if bare && hubFields[f] != nil {
					others++
					continue
				}
				fields[f]++
				g, ok := "", false
				if best >= 0 {
					g, ok = ours(&got[best], f, text)
				}
				if ok {
					same[f]++
				} else {
					differs[fmt.Sprintf("%s: %s: theirs %q, ours %q", h.Test, f, text, g)]++
				}
			}
		}
	}
	all, equal := 0, 0
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		all, equal = all+fields[f], equal+same[f]
		t.Logf("%-18s %4d of %4d", f, same[f], fields[f])
	}
	t.Logf("%d tests, %d events: %d of %d fields are the same; %d more are of programs that no pipeline is for", tests, events, equal, all, others)
	if equal < 1870 || all-equal > 25 {
		t.Errorf("%d of %d fields are the same; want 1870, and no more than 25 others", equal, all)
	}
	for _, d := range slices.Sorted(maps.Keys(differs)) {
		t.Logf("%dx %s", differs[d], d)
	}
}

type hubScenario struct {
	Type, Filter, GroupBy, Distinct, Blackhole, LeakSpeed, Duration string
	Capacity                                                        int
	Scope                                                           struct{ Type, Expression string }
	Condition                                                       string
}

type hubAlert struct {
	Scenario string
	Sources  map[string]struct{ IP, Scope, Value string }
	Events   []map[string]any
	Count    int `json:"events_count"`
}

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"nightjar/testenv"
)

// recordedExchange is one exchange of the reference service.
type recordedExchange struct {
	Scenario, Method, Path, Req, Resp string
	I, Status                         int
}

// unlike lists the recorded exchanges that are answered otherwise, by scenario
// and number, with the reason. One that is answered as recorded fails the test.
var unlike = map[string]string{
	"List scanned assets metadata returns Bad request Invalid Pagination Token response 0": "vulnerability scanning is no part of nightjar",
}

// family says what an exchange is about.
func family(path string) string {
	for _, f := range []struct{ part, name string }{
		{"/siem-historical-detections/", "historical jobs"},
		{"/configuration/suppressions", "suppressions"},
		{"/configuration/security_filters", "security filters"},
		{"/configuration/critical_assets", "critical assets"},
		{"/notification_rules", "notification rules"},
		{"/cws/policy", "agent policies"},
		{"/cws/agent_rules", "agent rules"},
		{"/cloud_workload_security/", "agent rules, legacy"},
		{"/reference-tables/", "reference tables"},
		{"/security_monitoring/signals", "signals"},
		{"/api/v2/logs", "logs"},
		{"/security_monitoring/rules", "rules"},
	} {
		if strings.Contains(path, f.part) {
			return f.name
		}
	}
	return "other"
}

// Every recorded exchange of the reference service gets the recorded answer from
// a running engine: the same status, and a body that is equal field by field
// with ids, users and moments mapped. Where the recorded body shows what the
// vendor's own organisation had stored, its shape is compared.
func TestRecordedExchangesGetTheRecordedAnswers(t *testing.T) {
	t.Parallel()
	recorded := readRecordings(t)
	p := startEngine(t)
	r := newReplay(t, p)
	r.seed(recorded)
	type tally struct{ passed, total int }
	all, families := tally{}, map[string]*tally{}
	for _, x := range recorded {
		name := fmt.Sprintf("%s %d", strings.ReplaceAll(strings.TrimPrefix(x.Scenario, "Scenario_"), "_", " "), x.I)
		f := families[family(x.Path)]
		if f == nil {
			f = &tally{}
			families[family(x.Path)] = f
		}
		f.total++
		all.total++
		differences := r.replay(x)
		reason, excused := unlike[name]
		switch {
		case len(differences) == 0:
			f.passed++
			all.passed++
			if excused {
				t.Errorf("%s: is answered as recorded; take it off the list of exceptions (%s)", name, reason)
			}
		case excused:
			t.Logf("exception: %s: %s", name, reason)
		default:
			t.Errorf("%s: %s %s\n  %s", name, x.Method, x.Path, strings.Join(differences, "\n  "))
		}
	}
	names := make([]string, 0, len(families))
	for name := range families {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		t.Logf("%-20s %3d of %3d as recorded", name, families[name].passed, families[name].total)
	}
	t.Logf("%-20s %3d of %3d as recorded (%.1f %%)", "all", all.passed, all.total, 100*float64(all.passed)/float64(all.total))
}

func readRecordings(t *testing.T) (out []recordedExchange) {
	for _, line := range readLongLines(t, testenv.Shared(t, "conformance/http/recorded_http.jsonl")) {
		var x recordedExchange
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		t.Fatal("no recordings")
	}
	return out
}

func readLongLines(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}

// replay plays recorded exchanges against an engine.
type replay struct {
	t        *testing.T
	p        *process
	contract *contract
	// ours are our ids and cursors, by the recorded ones.
	ours map[string]string
}

func newReplay(t *testing.T, p *process) *replay {
	return &replay{t, p, loadContract(t, "openapi.json"), map[string]string{}}
}

// seed stores five events that give five signals, one more than the recorded
// lists show, and lets the recorded ids of signals mean one of ours.
func (r *replay) seed(recorded []recordedExchange) {
	r.t.Helper()
	rule := `{"name":"seed","message":"seed","isEnabled":true,"type":"log_detection","tags":[],
		"queries":[{"name":"a","query":"source:seed","groupByFields":["@user"]}],
		"cases":[{"name":"any","status":"high","condition":"a > 0"}],
		"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":600}}`
	r.p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule), nil)
	for i := range 5 {
		event := fmt.Sprintf(`[{"ddsource":"seed","ddtags":"env:test","hostname":"h","service":"s","status":"info","message":"m","user":"u%d"}]`, i)
		r.p.call(http.MethodPost, "/api/v2/logs", []byte(event), nil)
	}
	var found struct{ Data []struct{ ID string } }
	r.p.await("found", func() bool {
		r.p.call(http.MethodGet, "/api/v2/security_monitoring/signals", nil, &found)
		return len(found.Data) == 5
	})
	for _, x := range recorded {
		if _, rest, ok := strings.Cut(x.Path, "/security_monitoring/signals/"); ok {
			id, _, _ := strings.Cut(rest, "/")
			r.ours[id] = found.Data[0].ID
		}
	}
}

// replay plays one exchange and says how the answer differs.
func (r *replay) replay(x recordedExchange) (differences []string) {
	path, body := r.translate(x.Path), r.translate(x.Req)
	status, answer, err := r.p.request(x.Method, path, []byte(body))
	if err != nil {
		return []string{err.Error()}
	}
	if status != x.Status {
		differences = append(differences, fmt.Sprintf("status %d, want %d: %s", status, x.Status, answer))
	}
	// Where the recording itself is not as the contract has it, the recording wins.
	err = r.contract.check(x.Method, r.p.base+path, status, answer)
	if err != nil && len(differences) == 0 && r.contract.check(x.Method, r.p.base+path, x.Status, []byte(x.Resp)) == nil {
		differences = append(differences, "against the formal contract: "+err.Error())
	}
	if x.Resp == "" || len(differences) > 0 {
		if x.Resp == "" && len(answer) > 0 {
			differences = append(differences, fmt.Sprintf("want no body, got %s", answer))
		}
		return differences
	}
	var want, got any
	if err := json.Unmarshal([]byte(x.Resp), &want); err != nil {
		return []string{"the recording is no JSON: " + err.Error()}
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return []string{"no JSON: " + err.Error()}
	}
	r.learn(want, got)
	text := string(answer)
	for theirs, mine := range r.ours {
		text = strings.ReplaceAll(text, mine, theirs)
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return []string{"no JSON: " + err.Error()}
	}
	return compareRecorded(x, want, got)
}

// translate puts our ids and cursors in the place of the recorded ones.
func (r *replay) translate(text string) string {
	for theirs, mine := range r.ours {
		text = strings.ReplaceAll(text, theirs, mine)
	}
	return text
}

// learn remembers what our id of an object is, and where our page ends.
func (r *replay) learn(want, got any) {
	for _, path := range [][]string{{"id"}, {"data", "id"}, {"meta", "page", "after"}} {
		theirs, mine := textAt(want, path), textAt(got, path)
		if theirs != "" && mine != "" {
			r.ours[theirs] = mine
			r.ours[url.QueryEscape(theirs)] = url.QueryEscape(mine)
		}
	}
}

func textAt(v any, path []string) string {
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	text, _ := v.(string)
	return text
}

// ownValues are keys whose values are each service's own: ids, users, moments,
// measurements. Their kind is compared.
var ownValues = []string{
	"id", "after", "createdAt", "updatedAt", "creationAuthorId", "updateAuthorId", "creator", "updater",
	"creation_date", "update_date", "creation_author_id", "update_author_id", "created_at", "created_by", "modified_at", "modified_by",
	"creationDate", "updateDate", "creationAuthorUuId", "updateAuthorUuId", "elapsed", "request_id",
	"state_update_timestamp", "state_update_user",
	// of policies: the vendor's own agent rules are in each
	"disabledRulesCount", "monitoringRulesCount", "ruleCount",
}

// sinceThen are fields that newer recordings have and older ones lack; ours are
// as in the newer ones.
var sinceThen = []string{"isBeta", "isPartner", "isDeprecated", "blocking", "metadata", "creator", "updater", "dataSource", "detectIpTransition"}

// sometimes are fields that recorded answers have or lack for no reason that
// could be seen; ours have them.
var sometimes = []string{"isPartner", "creator", "updater"}

// ownContent tells the exchanges whose recorded body shows what the vendor's
// organisation had stored.
func ownContent(x recordedExchange) bool {
	f := family(x.Path)
	isList := x.Method == http.MethodGet && strings.HasPrefix(x.Resp, `{"data":[{`) && !strings.Contains(x.Path, "query=")
	return f == "signals" || f == "logs" || isList
}

// vendorDetails are what the vendor knows besides: not compared.
var vendorDetails = []string{
	"dependencies", // of Application Security rules
	// how it keeps and finds its signals
	"discovery_timestamp", "discovery_hour", "searchable", "triggering_log_timestamp", "groupByValuesHash", "reducer_signal_id", "tag", "gated",
	"event_tracker_id", "event_id", "severity", "size_in_bytes", "datadog.index", "random_draw", "tiebreaker",
}

type comparison struct {
	shape bool
	newer bool // the recording has the fields of sinceThen
	out   []string
}

func compareRecorded(x recordedExchange, want, got any) []string {
	c := comparison{shape: ownContent(x)}
	if object, ok := want.(map[string]any); ok {
		_, c.newer = object["metadata"]
	}
	c.value("", want, got)
	return c.out
}

func (c *comparison) differ(path, format string, args ...any) {
	c.out = append(c.out, path+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) value(path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			c.object(path, want, got)
			return
		}
		c.differ(path, "want an object, got %s", compact(got))
	case []any:
		list, ok := got.([]any)
		switch {
		case !ok:
			c.differ(path, "want a list, got %s", compact(got))
		case c.shape:
			if len(want) > 0 {
				for i, e := range list { // the vendor's first stands for all
					c.value(fmt.Sprintf("%s[%d]", path, i), want[0], e)
				}
			}
		case len(list) != len(want):
			c.differ(path, "want %s, got %s", compact(want), compact(got))
		default:
			for i := range want {
				c.value(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])
			}
		}
	default:
		if !reflect.DeepEqual(want, got) && (!c.shape || want != nil && got != nil && reflect.TypeOf(want) != reflect.TypeOf(got)) {
			c.differ(path, "want %s, got %s", compact(want), compact(got))
		}
	}
}

func (c *comparison) object(path string, want, got map[string]any) {
	for key, w := range want {
		at := strings.TrimPrefix(path+"."+key, ".")
		g, has := got[key]
		switch {
		case slices.Contains(vendorDetails, key):
		case c.shape && (key == "attributes" || key == "custom") && strings.HasSuffix(path, "attributes"):
			// what the vendor's events and signals say
		case !has && key == "condition" && w == "":
			// an empty condition says nothing
		case !has && c.shape && anAction.MatchString(path) && slices.Contains(actionKinds, key) && doesOther(got):
			// an action does one of several things: the vendor's first one another than ours
		case !has:
			c.differ(at, "missing, want %s", compact(w))
		case slices.Contains(ownValues, key):
			if reflect.TypeOf(w) != reflect.TypeOf(g) && w != nil {
				c.differ(at, "want something like %s, got %s", compact(w), compact(g))
			}
		default:
			c.value(at, w, g)
		}
	}
	for key, g := range got {
		if _, has := want[key]; has || c.shape {
			continue
		}
		beside := path == "" && slices.Contains([]string{"error", "errors", "warnings"}, key)
		if !beside && (c.newer || !slices.Contains(sinceThen, key)) && !slices.Contains(sometimes, key) {
			c.differ(strings.TrimPrefix(path+"."+key, "."), "surplus: %s", compact(g))
		}
	}
}

// anAction is the place of an action of an agent rule.
var anAction = regexp.MustCompile(`\.attributes\.actions\[\d+\]$`)

// actionKinds are the members of an action that say what it does.
var actionKinds = []string{"kill", "hash", "set", "metadata", "log", "coredump", "network_filter"}

// doesOther reports whether an action says what it does.
func doesOther(action map[string]any) bool {
	return slices.ContainsFunc(actionKinds, func(kind string) bool { _, does := action[kind].(map[string]any); return does })
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(text) > 300 {
		return string(text[:300]) + "…"
	}
	return string(text)
}

// contract is the reference's formal contract.
type contract struct{ router routers.Router }

func loadContract(t *testing.T, file string) *contract {
	t.Helper()
	return readContract(t, testenv.Shared(t, filepath.Join("conformance", "http", file)))
}

func readContract(t *testing.T, path string) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // ours is the server
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{router}
}

// check says what of an answer the contract does not allow; nil when it does not
// know the path or the status.
func (c *contract) check(method, address string, status int, body []byte) error {
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		return err
	}
	route, params, err := c.router.FindRoute(req)
	if err != nil || route.Operation.Responses.Status(status) == nil || len(body) == 0 {
		return nil //nolint:nilerr // a path that it does not know
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 status,
		Header:                 http.Header{"Content-Type": {"application/json"}},
	}
	input.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(req.Context(), input)
}

package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// call sends one request with the key and reads the answer.
func call(t *testing.T, s *Server, method, path, body string, header ...string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+s.HTTPAddr().String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("DD-API-KEY", testKey)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const plainRule = `{"name":"brute force","message":"m","isEnabled":true,"tags":["source:sshd"],
	"queries":[{"query":"source:sshd","groupByFields":["@network.client.ip"]}],
	"cases":[{"status":"high","condition":"a > 5"}],
	"options":{"evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`

func createRule(t *testing.T, s *Server, body string) map[string]any {
	t.Helper()
	status, answer := call(t, s, "POST", "/api/v2/security_monitoring/rules", body)
	if status != 200 {
		t.Fatalf("create: %d %s", status, answer)
	}
	return object(t, answer)
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

// Every door answers bad input with what is wrong and where, and stays open.
func TestBadInputIsToldByPlace(t *testing.T) {
	s := newWorld().start(t)
	const rules, search, sql = "/api/v2/security_monitoring/rules", "/api/v2/security_monitoring/signals/search", "/api/nightjar/v1/sql"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"wrong kind", "POST", rules, `{"queries":[{"groupByFields":7}]}`, 400, "queries[0].groupByFields: want a list of strings, got a number"},
		{"wrong element", "POST", rules, `{"tags":["a",1]}`, 400, "tags[1]: want a string, got a number"},
		{"wrong option", "POST", rules, `{"options":{"keepAlive":"3600"}}`, 400, "options.keepAlive: want a number, got a string"},
		{"fraction", "POST", rules, `{"options":{"keepAlive":1.5}}`, 400, "options.keepAlive: want a whole number, got 1.5"},
		{"huge number", "POST", rules, `{"options":{"keepAlive":99999999999999999999}}`, 400, "options.keepAlive: 99999999999999999999 does not fit in 64 bits"},
		{"list for object", "POST", rules, `[]`, 400, "body: want an object, got a list"},
		{"null body", "POST", rules, `null`, 400, "body: want an object, got null"},
		{"empty body", "POST", rules, ``, 400, "the body is empty"},
		{"broken JSON", "POST", rules, "{\n  \"name\": \"x\",\n  oops\n}", 400, "3:3: broken JSON"},
		{"cut JSON", "POST", rules, `{"name":`, 400, "broken JSON: unexpected end"},
		{"trailing text", "POST", rules, `{} {}`, 400, "1:4: broken JSON"},
		{"page size kind", "GET", rules + "?page%5Bsize%5D=x", "", 400, `page[size]: want a number, got \"x\"`},
		{"sort", "GET", rules + "?sort=colour", "", 400, "sort: want name"},
		{"unknown rule", "GET", rules + "/abc-def-ghi", "", 404, "Threat detection rule not found: abc-def-ghi"},
		{"malformed id", "GET", rules + "/abcde-12345", "", 404, `{"errors":["Not found"]`},
		{"delete unknown", "DELETE", rules + "/abc-def-ghi", "", 404, "Threat detection rule not found"},
		{"from", "POST", search, `{"filter":{"from":"yesterday"}}`, 400, "is no time; write -7d, now-1h, 2026-11-28T20:00 (UTC)"},
		{"far from", "POST", search, `{"filter":{"from":"now+999999999y"}}`, 400, "is no time; write -7d, now-1h, 2026-11-28T20:00 (UTC)"},
		{"limit", "POST", search, `{"page":{"limit":1001}}`, 400, "page.limit: want 1 to 1000, got 1001"},
		{"cursor", "POST", search, `{"page":{"cursor":"!"}}`, 400, "page.cursor: not a cursor"},
		{"unknown signal", "GET", "/api/v2/security_monitoring/signals/x", "", 404, "no signal with id x"},
		{"no query", "POST", sql, `{}`, 400, "query: empty"},
		{"two statements", "POST", sql, `{"query":"SELECT 1; DROP TABLE events"}`, 400, "1:9: a second statement is refused"},
		{"format", "POST", sql, `{"query":"SELECT 1","format":"xml"}`, 400, `format: want json or csv, got \"xml\"`},
		{"param", "POST", sql, `{"query":"SELECT 1","params":{"a":{}}}`, 400, "params.a: want a string"},
		{"unknown path", "GET", "/api/v2/nothing", "", 404, "Not found"},
		{"wrong method", "PATCH", rules, `{}`, 405, "PATCH is not what"},
		{"wrong raw method", "GET", "/api/v2/logs", "", 405, "GET is not what"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := call(t, s, c.method, c.path, c.body)
			if status != c.status || !strings.Contains(answer, c.want) {
				t.Errorf("got %d %s\nwant %d … %s", status, answer, c.status, c.want)
			}
			if m := object(t, answer); m["errors"] == nil || m["error"] == nil {
				t.Errorf("want errors and error in %s", answer)
			}
		})
	}
}

func TestGarbageOfTenMebibytesIsRefused(t *testing.T) {
	s := newWorld().start(t)
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{strings.Repeat("\x00\xff{", 10<<20/3), 400, "1:1: broken JSON"},
		{`{"name":"` + strings.Repeat("x", 10<<20) + `"}`, 413, "the body is larger than 10 MiB"},
		{strings.Repeat("[", 5<<20), 400, "exceeded max depth"},
		{`{"queries":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}", 400, "queries[0]: want an object, got a list"},
	} {
		if status, answer := call(t, s, "POST", "/api/v2/security_monitoring/rules", c.body); status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("got %d %.200s, want %d %s", status, answer, c.status, c.want)
		}
	}
	createRule(t, s, plainRule) // and it still serves
}

// What would be passed over would make another document of a request.
func TestUnknownKeysOfARequestAreRefused(t *testing.T) {
	s := newWorld().start(t)
	status, answer := call(t, s, "POST", "/api/v2/security_monitoring/rules", strings.Replace(plainRule, `"name"`, `"colour":{"a":[1]},"mesage":"m","name"`, 1))
	const want = `{"errors":["Unknown keys","colour: unknown key \"colour\"","mesage: unknown key \"mesage\"; did you mean \"message\"?"]`
	if status != 400 || !strings.HasPrefix(answer, want) {
		t.Errorf("got %d %s", status, answer)
	}
	if status, answer := call(t, s, "GET", "/api/v2/security_monitoring/rules", ""); status != 200 || !strings.Contains(answer, `"total_count":0`) {
		t.Errorf("it is stored all the same: %d %s", status, answer)
	}
}

func TestHandlerPanicIsAnswered(t *testing.T) {
	s := newWorld().start(t)
	status, answer := call(t, s, "POST", "/api/v2/security_monitoring/rules", strings.Replace(plainRule, "brute force", "panic", 1))
	if status != 500 || !strings.Contains(answer, "internal error ") || strings.Contains(answer, "planted") {
		t.Errorf("got %d %s", status, answer)
	}
}

// Large answers are compressed for those who ask; archives are not.
func TestLargeAnswersAreCompressed(t *testing.T) {
	s := newWorld().start(t)
	for range 20 {
		createRule(t, s, plainRule)
	}
	for path, want := range map[string]string{
		"/api/v2/security_monitoring/rules?page[size]=20": "gzip",
		"/openapi.json": "gzip",
		"/api/v2/security_monitoring/rules/abc-def-ghi":      "",
		"/api/v2/remote_config/products/cws/policy/download": "",
	} {
		req, err := http.NewRequest(http.MethodGet, "http://"+s.HTTPAddr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("DD-API-KEY", testKey)
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%s: Content-Encoding %q, want %q", path, got, want)
		}
	}
}

func TestARequestForAnotherHostGetsASentenceAndNothingElse(t *testing.T) {
	s := newWorld().start(t)
	for _, path := range []string{"/", "/readyz", "/metrics", "/api/v2/logs", "/openapi.json", "//api/v1/validate"} {
		req, err := http.NewRequest("GET", "http://"+s.HTTPAddr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "evil.example"
		req.Header.Set("DD-API-KEY", testKey)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 1000)
		n, _ := resp.Body.Read(text)
		resp.Body.Close()
		if resp.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(string(text[:n]), "--allowed-host evil.example") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text[:n])
		}
	}
}

package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestQuestionsAreAskedAndAnsweredInOtherNames has one event, asked for by the names
// of both schemas, of the engine, of a file, and by SQL; and what is not asked for in
// other names means what it meant.
func TestQuestionsAreAskedAndAnsweredInOtherNames(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	line := `{"timestamp":1772366400000,"ddsource":"app","host":"web-1","status":"warn","message":"m","tags":["source.ip:tag"],"attributes":{"network":{"client":{"ip":"192.0.2.1","port":4242}},"evt":{"category":"authentication","name":"authentication","outcome":"failure"},"usr":{"name":"bob"},"own":1}}`
	file := writeFile(t, line+"\n")
	if _, stderr, code := p.run("ingest", file); code != exitOK {
		t.Fatal(stderr)
	}
	p.await("stored", func() bool { return p.count("SELECT count() FROM events WHERE source = 'app'") == 1 })
	for _, c := range []struct{ schema, query, has string }{
		{"ecs", "source.ip:192.0.2.1", `"source":{"ip":"192.0.2.1","port":4242}`},
		{"ecs", "@source.ip:192.0.2.1 host.name:web-1 @own:1 -@user.name:alice", `"user":{"name":"bob"}`},
		{"ocsf", "src_endpoint.port:>4000 user.name:bob", `"class_uid":3002`},
		{"ocsf", "CIDR(@src_endpoint.ip, 192.0.2.0/24)", `"unmapped":{"own":1}`},
		{"", "source.ip:tag", `"network":{"client"`},
	} {
		args := []string{"search", c.query}
		if c.schema != "" {
			args = append(args, "--schema", c.schema)
		}
		stdout, stderr, code := p.run(args...)
		if code != exitOK || strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, c.has) || !json.Valid([]byte(stdout)) {
			t.Errorf("%q: exit %d, %s%s", args, code, stdout, stderr)
		}
		offline, stderr, code := p.run(append(args, "--events", file)...)
		if code != exitOK || strings.Count(offline, "\n") != 1 || c.schema == "" && offline != line+"\n" || !strings.Contains(offline, c.has) {
			t.Errorf("%q of the file: exit %d, %s%s", args, code, offline, stderr)
		}
	}
	if stdout, _, _ := p.run("search", "@source.ip:192.0.2.1"); stdout != "" {
		t.Errorf("without --schema it found %s", stdout)
	}
	for _, c := range []struct{ schema, query, want string }{
		{"ecs", "SELECT toString(@source.ip) AS ip, count() AS n FROM events WHERE @host.name = 'web-1' GROUP BY ip", `[["192.0.2.1",1]]`},
		{"ocsf", "SELECT toString(@actor.user.name), toString(@user.name) FROM events WHERE @src_endpoint.port = 4242", `[["bob","bob"]]`},
	} {
		stdout, stderr, code := p.run("sql", c.query, "--schema", c.schema, "--output", "json")
		if code != exitOK || !strings.Contains(stdout, `"rows":`+c.want) {
			t.Errorf("%s: exit %d, %s%s", c.query, code, stdout, stderr)
		}
	}
	var counted struct {
		Data struct {
			Buckets []struct{ By, Computes map[string]any }
		}
	}
	p.call(http.MethodPost, "/api/v2/logs/analytics/aggregate", []byte(`{"filter":{"query":"@user.name:bob","from":"1772366300000","schema":"ecs"},"group_by":[{"facet":"@source.ip"}],"compute":[{"aggregation":"max","metric":"@source.port"}]}`), &counted)
	if b := counted.Data.Buckets; len(b) != 1 || b[0].By["@source.ip"] != "192.0.2.1" || b[0].Computes["c0"] != 4242.0 {
		t.Errorf("counted %+v", counted)
	}
	for _, args := range [][]string{{"search", "a", "--schema", "cim"}, {"sql", "SELECT 1", "--schema", "cim"}} {
		if _, stderr, code := p.run(args...); code != exitUsage || !strings.Contains(stderr, "want ecs or ocsf") {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
	if _, stderr, code := p.run("sql", "SELECT @sorce.ip FROM events", "--schema", "ecs"); code != exitFailure || !strings.Contains(stderr, "did you mean") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

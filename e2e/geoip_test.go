package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/schema"
	"nightjar/testenv"
)

// travelRule finds users who log in from two places that are too far apart.
// Without keep alive, every pair of logins is a signal of its own.
const travelRule = `{
	"name": "impossible travel", "type": "log_detection", "isEnabled": true, "message": "", "tags": [], "filters": [],
	"queries": [{"name": "logins", "query": "source:sshd @evt.outcome:success @usr.id:*", "aggregation": "geo_data",
		"metrics": ["@network.client.geoip"], "groupByFields": ["@usr.id"], "distinctFields": []}],
	"cases": [{"name": "", "status": "high", "condition": "", "notifications": []}],
	"options": {"detectionMethod": "impossible_travel", "evaluationWindow": 0, "keepAlive": 0, "maxSignalDuration": 0,
		"impossibleTravelOptions": {"baselineUserLocations": false}}}`

// pair is two logins in a row, by user and the time of the second.
type pair struct {
	User string
	At   schema.Millis
}

// expectedTravel reads the pairs that are too far and too fast.
func expectedTravel(t *testing.T) []pair {
	t.Helper()
	var out []pair
	all := readLines(t, testenv.Shared(t, "data/auth/elastic_examples_auth.travel_pairs.jsonl"))
	for _, line := range all {
		var p struct {
			User  string
			To    time.Time `json:"to_time"`
			Km    float64   `json:"distance_km"`
			Speed float64   `json:"speed_kmh"`
		}
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		if p.Km > compiler.TravelKm && p.Speed > compiler.TravelKmh {
			out = append(out, pair{p.User, schema.MillisOf(p.To)})
		}
	}
	if len(all) != 56 || len(out) != 47 {
		t.Fatalf("%d of %d pairs are too fast, want 47 of 56", len(out), len(all))
	}
	return byTime(out)
}

func byTime(pairs []pair) []pair {
	sort.Slice(pairs, func(i, j int) bool {
		if pairs[i].At != pairs[j].At {
			return pairs[i].At < pairs[j].At
		}
		return pairs[i].User < pairs[j].User
	})
	return pairs
}

// TestRawLoginsBecomeImpossibleTravel goes the whole way, from lines of a log
// without a year to signals: live, in a backtest of what was stored, and in a
// backtest of the lines themselves.
func TestRawLoginsBecomeImpossibleTravel(t *testing.T) {
	t.Parallel()
	want := expectedTravel(t)
	database := testenv.Shared(t, "data/geoip/dbip-city-lite-subset.mmdb")
	p := startEngine(t, append([]string{"--geoip", database}, longAgo...)...)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(travelRule), nil)
	if _, stderr, code := p.run("ingest", "--source", "sshd", "--year", "2017", testenv.Shared(t, "data/auth/elastic_examples_auth.log")); code != exitOK {
		t.Fatalf("ingest: exit %d: %s", code, stderr)
	}
	p.caughtUp()
	var live []pair
	for _, s := range p.signals("") {
		live = append(live, pair{s.Group[0], schema.Millis(s.FirstSeen)})
	}
	if diff := cmp.Diff(want, byTime(live)); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
	rule := writeFile(t, travelRule)
	stored, stderr, code := p.run("search", "@network.client.geoip.country.iso_code:*", "--limit", "0")
	if code != exitOK || !strings.Contains(stderr, "IP Geolocation by DB-IP (https://db-ip.com)") {
		t.Errorf("search: exit %d, and on stderr %q: want the credit of DB-IP", code, stderr)
	}
	if got := backtested(t, rule, writeFile(t, stored)); !cmp.Equal(want, got) {
		t.Errorf("backtest of what was stored (-want +got):\n%s", cmp.Diff(want, got))
	}
	if got := backtested(t, rule, writeFile(t, rawEvents(t)), "--geoip", database); !cmp.Equal(want, got) {
		t.Errorf("backtest of raw lines (-want +got):\n%s", cmp.Diff(want, got))
	}
	if got := backtested(t, rule, writeFile(t, rawEvents(t))); len(got) != 0 {
		t.Errorf("%d signals without a database", len(got))
	}
	raw := writeFile(t, rawEvents(t))
	for _, reader := range []string{"memory", "sql"} {
		found, stderr, code := nightjar(t, ".", "search", "@network.client.geoip.city:Lisbon @usr.id:elastic_user_0", "--events", raw, "--geoip", database, "--reader", reader)
		if code != exitOK || strings.Count(found, "\n") < 5 {
			t.Errorf("search of raw lines by %s: exit %d, found %q, %s", reader, code, found, stderr)
		}
	}
	if _, stderr, _ := p.run("signals", "list", "--limit", "3"); !strings.Contains(stderr, "https://db-ip.com") {
		t.Errorf("signals list says %q: want the credit of DB-IP", stderr)
	}
}

// rawEvents are the log's lines as events of a file: raw, with their time, which
// a file has to say because the lines lack the year.
func rawEvents(t *testing.T) string {
	t.Helper()
	lines := readLines(t, testenv.Shared(t, "data/auth/elastic_examples_auth.log"))
	var out bytes.Buffer
	for i, parsed := range readLines(t, testenv.Shared(t, "data/auth/elastic_examples_auth.jsonl")) {
		var e struct{ Timestamp time.Time }
		if err := json.Unmarshal([]byte(parsed), &e); err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(map[string]any{"timestamp": e.Timestamp.UnixMilli(), "source": "sshd", "message": lines[i]})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	return out.String()
}

// backtested are the pairs that the command finds.
func backtested(t *testing.T, rule, events string, args ...string) []pair {
	t.Helper()
	stdout, stderr, code := nightjar(t, ".", append([]string{"backtest", "--rule", rule, "--events", events, "--output", "json"}, args...)...)
	var list []signalFound
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || code != exitOK {
		t.Fatalf("backtest: exit %d, %v: %s", code, err, stderr)
	}
	var out []pair
	for _, s := range list {
		out = append(out, pair{s.Group[0], s.FirstSeen})
	}
	return byTime(out)
}

// TestGeoIPDatabasesAreReplacedWhileTheEngineRuns replaces a database, tells the
// engine, and sees where the next event is.
func TestGeoIPDatabasesAreReplacedWhileTheEngineRuns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "city.mmdb")
	install := func(name string) {
		content, err := os.ReadFile(testenv.Shared(t, "data/geoip/"+name))
		if err == nil {
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install("dbip-city-lite-subset.mmdb")
	config := filepath.Join(t.TempDir(), "nightjar.yaml")
	if err := os.WriteFile(config, []byte("geoip:\n  - "+path+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startEngine(t, "--config", config)
	places := func() []string {
		var answer struct{ Rows [][]string }
		p.call(http.MethodPost, "/api/nightjar/v1/sql", []byte(`{"query":"SELECT toString(attributes.network.client.geoip.city) FROM events ORDER BY seq"}`), &answer)
		var out []string
		for _, r := range answer.Rows {
			out = append(out, r[0])
		}
		return out
	}
	send := func(ip string) {
		p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"network":{"client":{"ip":"`+ip+`"}}}]`), nil)
		p.caughtUp()
	}
	send("85.245.107.41")
	send("10.0.0.1")
	install("GeoIP2-City-Test.mmdb")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.await("told of the reload", func() bool { return strings.Contains(p.output.String(), "read anew") })
	send("81.2.69.142")
	send("85.245.107.41")
	if diff := cmp.Diff([]string{"Lisbon", "", "London", ""}, places()); diff != "" {
		t.Errorf("cities (-want +got):\n%s", diff)
	}
	var status struct {
		GeoIP []struct{ File, Type, Built string }
	}
	p.call(http.MethodGet, "/api/nightjar/v1/status", nil, &status)
	if len(status.GeoIP) != 1 || status.GeoIP[0].File != path || status.GeoIP[0].Type != "GeoIP2-City" || status.GeoIP[0].Built == "" {
		t.Errorf("the status says %+v", status.GeoIP)
	}
}

func TestAMissingGeoIPDatabaseStopsTheStart(t *testing.T) {
	t.Parallel()
	testenv.RequireLibrary(t)
	_, stderr, code := nightjar(t, ".", "up", "--data-dir", filepath.Join(t.TempDir(), "d"), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--geoip", "/nowhere/city.mmdb")
	if code != exitFailure || !strings.Contains(stderr, "GeoIP database /nowhere/city.mmdb: ") {
		t.Errorf("exit %d, and it says %q", code, stderr)
	}
}

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestThreatListsMarkEvents keeps lists from a file, from a server and from a TAXII
// collection, and sends events that have what is in them, before and after a crash and
// while the server fails.
func TestThreatListsMarkEvents(t *testing.T) {
	t.Parallel() // it waits more than it works
	var broken atomic.Bool
	var asked, unchanged atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch {
		case broken.Load():
			http.Error(w, "no", http.StatusInternalServerError)
		case r.URL.Path == "/tor.txt" && r.Header.Get("If-None-Match") == `"1"`:
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
		case r.URL.Path == "/tor.txt":
			w.Header().Set("ETag", `"1"`)
			fmt.Fprint(w, "# exits\n203.0.113.7\n198.51.100.0/24\nnot an address\n")
		case r.URL.Path == "/api/collections/x/objects/" && r.Header.Get("Authorization") == "Bearer sesame" && strings.Contains(r.Header.Get("Accept"), "taxii+json"):
			if r.URL.Query().Get("next") == "" {
				fmt.Fprint(w, `{"more":true,"next":"2","objects":[{"type":"indicator","pattern_type":"stix","pattern":"[domain-name:value = 'evil.example']","indicator_types":["malicious-activity"]}]}`)
				return
			}
			fmt.Fprint(w, `{"objects":[{"type":"indicator","pattern":"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"}]}`)
		default:
			http.Error(w, "what?", http.StatusUnauthorized)
		}
	}))
	defer s.Close()
	p := startEngineWith(t, []string{"NIGHTJAR_SECRET_PARTNER=Bearer sesame"}, "--outbound-private", "127.0.0.0/8")
	run := func(want string, args ...string) {
		t.Helper()
		out, said, code := p.run(args...)
		if code != 0 || !strings.Contains(out+said, want) {
			t.Fatalf("nightjar %s ends with %d: %s%s; want %q", strings.Join(args, " "), code, out, said, want)
		}
	}
	if err := os.WriteFile(filepath.Join(p.dir, "intel", "ours.csv"), []byte("ip,category,intention\n192.0.2.200,scanner,suspicious\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("2 indicators", "intel", "add", "tor", "--url", s.URL+"/tor.txt?key=hush", "--category", "tor", "--refresh", "1m")
	run("2 indicators", "intel", "add", "partner", "--kind", "taxii", "--url", s.URL+"/api/collections/x", "--header", "Authorization: secret:partner")
	run("1 indicators", "intel", "add", "ours", "--file", "ours.csv")
	for _, refused := range [][]string{
		{"--file", "../api-key"}, {"--file", "ours.csv", "--header", "Authorization: Bearer plain"}, {"--url", "http://user:pass@feeds.example/"}, {"--url", "ftp://feeds.example/"}, {"--file", "a", "--refresh", "1s"},
	} {
		if out, said, code := p.run(append([]string{"intel", "add", "bad"}, refused...)...); code == 0 {
			t.Errorf("%q was taken: %s%s", refused, out, said)
		}
	}
	run("tor", "intel", "lookup", "198.51.100.9")
	run("evil.example", "intel", "lookup", "https://www.evil.example/x")

	mark := func(when string) {
		t.Helper()
		events := `[{"ddsource":"fw","message":"` + when + ` tor","network":{"client":{"ip":"198.51.100.9"}}},
			{"ddsource":"fw","message":"` + when + ` dns","dns":{"question":{"name":"a.evil.example"}}},
			{"ddsource":"fw","message":"` + when + ` hash","file":{"hash":{"md5":"D41D8CD98F00B204E9800998ECF8427E"}}},
			{"ddsource":"fw","message":"` + when + ` scanner","network":{"client":{"ip":"192.0.2.200"}}},
			{"ddsource":"fw","message":"` + when + ` nothing","network":{"client":{"ip":"192.0.2.1"}}}]`
		if status, answer, err := p.request(http.MethodPost, "/api/v2/logs", []byte(events)); err != nil || status != http.StatusAccepted {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		p.caughtUp()
		for query, want := range map[string]string{
			"@threat_intel.results.category:tor":                when + " tor",
			"@threat_intel.indicators_matched:DOMAIN":           when + " dns",
			"@threat_intel.indicators_matched:HASH":             when + " hash",
			"@threat_intel.results.intention:suspicious":        when + " scanner",
			"-@threat_intel.results.indicator:*":                when + " nothing",
			"@threat_intel.results.source.name:partner " + when: when + " dns",
		} {
			p.await(query, func() bool {
				out, _, code := p.run("search", query+` "`+when+`"`)
				return code == 0 && strings.Contains(out, want) && strings.Count(out, when+" nothing") == strings.Count(want, when+" nothing")
			})
		}
	}
	mark("first")

	broken.Store(true)
	if _, said, code := p.run("intel", "refresh", "tor"); code == 0 || !strings.Contains(said, "500") || strings.Contains(said, "hush") {
		t.Errorf("a server that fails: %d %s", code, said)
	}
	run("500", "intel", "list")
	p.kill()
	p.start()
	p.await("the lists of before", func() bool {
		for indicator, list := range map[string]string{"evil.example": "partner", "198.51.100.9": "tor", "192.0.2.200": "ours"} {
			if out, _, _ := p.run("intel", "lookup", indicator); !strings.Contains(out, list) {
				return false
			}
		}
		return true
	})
	mark("second")
	broken.Store(false)
	run("2 indicators", "intel", "refresh", "tor")
	run("2 indicators", "intel", "refresh", "tor")
	if unchanged.Load() == 0 {
		t.Error("what did not change was read again")
	}
	run("", "intel", "remove", "tor")
	p.await("that the list is gone", func() bool {
		_, said, _ := p.run("intel", "lookup", "198.51.100.9")
		tables, _, _ := p.run("tables", "list")
		return strings.Contains(said, "no list has it") && !strings.Contains(tables, "threat_tor") && strings.Contains(tables, "threat_partner")
	})
	if text := p.output.String(); strings.Contains(text, "sesame") || strings.Contains(text, "hush") {
		t.Errorf("the log has a secret: %s", text)
	}
}

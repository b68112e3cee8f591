package ruletest

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"nightjar/ingest/ingesttest"
)

// TestEventsOfAFileHaveTheDefaults: what stands under defaults counts for events of
// a file as for those that are written out, in whatever form the file is.
func TestEventsOfAFileHaveTheDefaults(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if filepath.Ext(name) == ".gz" {
			z := gzip.NewWriter(f)
			defer z.Close()
			if _, err := z.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			return
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	put("a.ndjson", `{"timestamp":1772366400000,"network":{"client":{"port":1}}}`+"\n")
	put("b.json", `[{"timestamp":1772366401000,"source":"other"},{"timestamp":1772366402000,"usr":{"id":"bob"}}]`)
	put("c.log.gz", "Mar  1 12:00:03 h sshd[1]: Failed password for root from 192.0.2.9 port 1 ssh2\n")
	suite := func(name, defaults, events, signals string) {
		put(name, `rule:
  name: r
  queries: [{name: a, query: "source:sshd", groupByFields: ["@usr.id", "@network.client.ip"]}]
  cases: [{name: "", status: low, condition: a > 0}]
  options: {evaluationWindow: 0, keepAlive: 0, maxSignalDuration: 0}
start: 2026-03-01T12:00:00Z
defaults: `+defaults+`
tests:
  - name: defaults
    events: `+events+`
    signals: `+signals)
	}
	suite("objects_test.yaml", "{source: sshd, usr: {id: ann}, network: {client: {ip: 192.0.2.1}}}", "[{file: a.ndjson}, {file: b.json}]",
		"[{group: [ann, 192.0.2.1], first_seen: +0s}, {group: [bob, 192.0.2.1], first_seen: +2s}]")
	suite("lines_test.yaml", "{source: sshd}", "[{file: c.log.gz}]", "[{group: [root, 192.0.2.9], first_seen: +3s}]")
	for _, name := range []string{"objects_test.yaml", "lines_test.yaml"} {
		if report := Run(filepath.Join(dir, name), Options{Pipelines: ingesttest.Shipped(t)}); report.Failed() {
			t.Errorf("%s: %s %v", name, report.Error, report.Tests)
		}
	}
}

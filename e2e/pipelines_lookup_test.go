package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPipelinesLookUpReferenceTablesAndRedact sends events through a pipeline that looks
// up a table, which changes meanwhile, and redacts; before and after a crash.
func TestPipelinesLookUpReferenceTablesAndRedact(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startEngine(t)
	ask := func(method, path, body string, want int) string {
		t.Helper()
		status, answer, err := p.request(method, path, []byte(body))
		if err != nil || status != want {
			t.Fatalf("%s %s: %d %s %v", method, path, status, answer, err)
		}
		return string(answer)
	}
	p.writeTable(t, "owners", "host,team,level\nweb,blue,3\n")
	ask(http.MethodPost, "/api/v1/logs/config/pipelines", `{"name":"owners","is_enabled":true,"filter":{"query":"source:own"},"processors":[
		{"type":"lookup-processor","is_enabled":true,"source":"box","target":"owner","lookup_enrichment_table":"owners"},
		{"type":"scrub","is_enabled":true,"patterns":["email"],"hash":true}]}`, http.StatusOK)
	send := func(message string) {
		t.Helper()
		ask(http.MethodPost, "/api/v2/logs", `[{"ddsource":"own","box":"web","message":"`+message+` by ann@example.org"}]`, http.StatusAccepted)
	}
	find := func(query string) string {
		t.Helper()
		out := ""
		p.await(query, func() bool {
			out, _, _ = p.run("search", query, "--output", "json")
			return strings.Contains(out, `"own"`)
		})
		return out
	}
	team := func(want string) {
		t.Helper()
		p.await("the row of team "+want, func() bool {
			send("look")
			p.caughtUp()
			out, _, _ := p.run("search", "@owner.team:"+want, "--output", "json")
			return strings.Contains(out, `"own"`)
		})
	}
	team("blue")
	p.writeTable(t, "owners", "host,team,level\nweb,red,3\n")
	team("red")

	hash := func() string {
		t.Helper()
		out := find("source:own @owner.team:red @owner.level:3")
		if strings.Contains(out, "ann@") {
			t.Fatalf("an address was stored: %s", out)
		}
		if raw, said, code := p.run("search", "source:own", "--raw"); code != 0 || strings.Contains(raw, "ann@") || !strings.Contains(raw, "email:") {
			t.Fatalf("what came is kept with the address: %s%s", raw, said)
		}
		_, rest, ok := strings.Cut(out, "by email:")
		if !ok {
			t.Fatalf("nothing stands for the address: %s", out)
		}
		return rest[:16]
	}
	before := hash()
	p.kill()
	p.start()
	p.writeTable(t, "owners", "host,team,level\nweb,green,3\n")
	team("green")
	if after := find("source:own @owner.team:green"); !strings.Contains(after, "by email:"+before) {
		t.Errorf("after a restart another hash stands for the same address: %s, not %s", after, before)
	}
}

// writeTable makes a reference table what a CSV file says.
func (p *process) writeTable(t *testing.T, name, csv string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".csv")
	if err := os.WriteFile(path, []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, said, code := p.run("tables", "import", name, path); code != 0 {
		t.Fatalf("import %s: %d %s%s", name, code, out, said)
	}
}

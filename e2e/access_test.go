package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/clickhouse"
)

// made is what is shown once.
type made struct{ ID, Key, Password string }

func (p *process) make(what string, body map[string]string) (m made) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.call(http.MethodPost, "/api/nightjar/v1/"+what, text, &m)
	return m
}

// as is a request with another key.
func (p *process) as(key, method, path, body string) (int, string) {
	p.t.Helper()
	status, text, err := p.request(method, path, []byte(body), "DD-API-KEY", key)
	if err != nil {
		p.t.Fatal(err)
	}
	return status, string(text)
}

// TestEachKeyDoesItsWorkAndNoOther makes keys, uses them, and finds what they did in the
// audit log: after a kill, as events, and as a signal of a bundled rule.
func TestEachKeyDoesItsWorkAndNoOther(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	rule, err := os.ReadFile("../content/rules/calls-refused.json")
	if err != nil {
		t.Fatal(err)
	}
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", rule, nil)
	shipper, reader := p.make("keys", map[string]string{"name": "shipper", "role": "intake"}), p.make("keys", map[string]string{"name": "reader", "role": "reader"})
	const event = `[{"ddsource":"app","message":"hello","usr":{"email":"jane@example.org"}},{"ddsource":"app","message":"ho","usr":{"email":"joe@example.org"}}]`
	for _, c := range []struct {
		key, method, path, body string
		want                    int
	}{
		{shipper.Key, "POST", "/api/v2/logs", event, 202},
		{shipper.Key, "GET", "/api/nightjar/v1/status", "", 403},
		{shipper.Key, "POST", "/api/v2/logs/events/search", "{}", 403},
		{reader.Key, "POST", "/api/v2/logs", event, 403},
		{reader.Key, "POST", "/_bulk", "{}", 403},
		{reader.Key, "POST", "/v1/logs", "{}", 403},
		{reader.Key, "POST", "/services/collector", "{}", 403},
		{reader.Key, "POST", "/loki/api/v1/push", "{}", 403},
		{reader.Key, "POST", "/upload", "", 403},
		{reader.Key, "POST", "/k8s/audit", "{}", 403},
		{reader.Key, "POST", "/api/nightjar/v1/backup", "", 403},
		{reader.Key, "GET", "/debug/pprof/heap", "", 403},
		{reader.Key, "GET", "/metrics", "", 200},
		{reader.Key, "POST", "/api/nightjar/v1/sql", `{"query":"SELECT count() FROM events"}`, 200},
		{"", "POST", "/api/v2/logs", event, 401},
		{"wrong", "POST", "/api/v2/logs", event, 403},
	} {
		if status, answer := p.as(c.key, c.method, c.path, c.body); status != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, status, c.want, answer)
		}
	}
	for range 5 {
		_, _ = p.as(reader.Key, "DELETE", "/api/v2/security_monitoring/rules/x", "")
	}
	p.await("the signal of refused calls", func() bool { return len(p.signals("")) > 0 })
	p.kill()
	p.start()
	if status, _ := p.as(shipper.Key, "POST", "/api/v2/logs", "[]"); status != 202 {
		t.Errorf("a key after a kill: %d", status)
	}
	out, errs, code := p.run("audit", "verify")
	if code != exitOK || !strings.HasPrefix(out, "whole: ") {
		t.Errorf("audit verify: %d %s%s", code, out, errs)
	}
	out, _, _ = p.run("audit", "list", "--output", "jsonl", "--caller", "reader")
	for _, want := range []string{`"detail":"not allowed: events:write"`, `"kind":"sql"`, `SELECT count() FROM events`, `"address":"127.0.0.1"`} {
		if !strings.Contains(out, want) {
			t.Errorf("the audit log lacks %s:\n%s", want, out)
		}
	}
	if strings.Contains(out, reader.Key) {
		t.Error("the key is in the audit log")
	}
	deletesAPerson(t, p)
	resetsTheFirstKey(t, p)
}

func deletesAPerson(t *testing.T, p *process) {
	t.Helper()
	if out, errs, code := p.run("delete", "@usr.email:jane@example.org"); code != exitFailure || !strings.Contains(errs, "1 events would be deleted") {
		t.Errorf("without a word: %d %s%s", code, out, errs)
	}
	out, errs, code := p.run("delete", "@usr.email:jane@example.org", "--yes", "--output", "json")
	if code != exitOK || !strings.Contains(out, `"events": 1`) || !strings.Contains(out, "backups that were made before") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if out, _, _ := p.run("search", "source:app", "--from", "-1d"); strings.Contains(out, "jane") || !strings.Contains(out, "joe@example.org") {
		t.Errorf("what is left: %s", out)
	}
	if out, _, _ := p.run("audit", "list", "--kind", "deletion", "--output", "json"); strings.Contains(out, "jane") || !strings.Contains(out, `"object": "1 events"`) {
		t.Errorf("the audit log: %s", out)
	}

	// Who looks for what is lost does not take it for that.
	mark := p.dir + "/intake/verified"
	compared := func() time.Time {
		info, err := os.Stat(mark)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	p.await("a look at the numbers", func() bool { return !compared().IsZero() })
	p.kill()
	before := compared()
	p.start()
	p.await("another one", func() bool { return compared().After(before) })
	time.Sleep(time.Second) // the file is written when it begins to look, too
	if strings.Contains(p.output.String(), "are lost") {
		t.Errorf("what was deleted is said to be lost: %s", p.output)
	}
}

func resetsTheFirstKey(t *testing.T, p *process) {
	t.Helper()
	before := p.key
	if _, errs, code := offline(t, "keys", "reset", "--data-dir", p.dir); code != exitFailure || !strings.Contains(errs, "in use") {
		t.Errorf("while the engine runs: %d %s", code, errs)
	}
	p.terminate()
	if _, errs, code := offline(t, "keys", "reset", "--data-dir", p.dir); code != exitOK {
		t.Fatalf("%d %s", code, errs)
	}
	password, errs, code := offline(t, "keys", "reset", "--admin", "jane", "--data-dir", p.dir)
	if code != exitOK {
		t.Fatalf("%d %s", code, errs)
	}
	p.start()
	if status, _ := p.as(before, "GET", "/api/nightjar/v1/status", ""); status != 403 || p.key == before {
		t.Errorf("the former first key: %d", status)
	}
	body := fmt.Sprintf(`{"name":"jane","password":%q}`, strings.TrimSpace(password))
	if status, answer := p.as("", "POST", "/api/nightjar/v1/sign-in", body); status != 200 || !strings.Contains(answer, `"role":"admin"`) {
		t.Errorf("the first administrator: %d %s", status, answer)
	}
	p.await("written down", func() bool {
		out, _, _ := p.run("audit", "list", "--output", "json")
		return strings.Contains(out, "the first key was replaced") && strings.Contains(out, "keys reset --admin") && strings.Contains(out, `"sign in"`)
	})
}

// secretTexts are planted where people configure secrets. They are found again in no log,
// error, answer, process list, backup, table or row of the audit log.
var secretTexts = map[string]string{
	"webhook": "Zq7Kf-webhook-5Lp1Gs8Jw3Qe7Vu2", "feed": "Zq7Kf-feed-4Nx6Bz9Mr1Ta5Ck8",
	"client": "Zq7Kf-client-2Df7Hj4Ly9Po3Ws6", "password": "Zq7Kf-password-8Iu3Ev1Gx5Rk", "proxy": "Zq7Kf-proxy-6Oa2Sd8Fg",
}

func TestSecretsAreFoundNowhere(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "nightjar.yaml")
	if err := os.WriteFile(config, []byte("outbound-proxy: http://user:"+secretTexts["proxy"]+"@127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startEngineWith(t, []string{"NIGHTJAR_SECRET_FEED=" + secretTexts["feed"], "NIGHTJAR_SECRET_CLIENT=" + secretTexts["client"]},
		"--log-level", "debug", "--config", config, "--oidc-issuer", "https://127.0.0.1:1", "--oidc-client-id", "nightjar", "--oidc-client-secret", "secret:client", "--oidc-role", "soc=analyst")
	var answers strings.Builder
	ask := func(method, path, body string) {
		_, text, err := p.request(method, path, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		answers.Write(text)
	}
	ask("POST", "/api/nightjar/v1/notification-targets", `{"name":"soc","type":"webhook","url":"https://hooks.example/x","secret":"`+secretTexts["webhook"]+`"}`)
	ask("POST", "/api/nightjar/v1/notification-targets:test", `{"target":{"name":"soc","type":"webhook","url":"https://hooks.example/x","secret":"secret:soc"}}`)
	ask("POST", "/api/nightjar/v1/notification-targets:preview", `{"target":{"name":"soc","type":"webhook","url":"https://hooks.example/x","secret":"secret:soc"}}`)
	ask("POST", "/api/nightjar/v1/threat-lists", `{"name":"feed","url":"https://feeds.example/x","headers":{"Authorization":"secret:FEED"}}`)
	ask("POST", "/api/nightjar/v1/users", `{"name":"jane","role":"admin","password":"`+secretTexts["password"]+`"}`)
	ask("POST", "/api/nightjar/v1/sign-in", `{"name":"jane","password":"`+secretTexts["password"]+`"}`)
	ask("POST", "/api/nightjar/v1/sign-in", `{"name":"`+secretTexts["password"]+`","password":"wrong wrong wrong"}`)
	ask("GET", "/api/nightjar/v1/oidc/start", "")
	ask("GET", "/v1/input/"+p.key, "")
	shipper := p.makeAs(p.key)
	secrets := map[string]string{"made key": shipper, "first key": p.key}
	for name, s := range secretTexts {
		secrets[name] = s
	}
	for _, path := range []string{
		"/api/nightjar/v1/notification-targets", "/api/nightjar/v1/threat-lists", "/api/nightjar/v1/users", "/api/nightjar/v1/keys", "/api/nightjar/v1/notifications",
		"/api/nightjar/v1/status", "/api/nightjar/v1/audit?limit=1000", "/metrics", "/openapi.json", "/debug/pprof/nothing", "/api/v2/security_monitoring/rules/x",
	} {
		ask("GET", path, "")
	}
	for name, s := range secrets {
		for where, text := range map[string]string{"the log": p.output.String(), "an answer": answers.String(), "the process list": commandLines(t)} {
			if strings.Contains(text, s) {
				t.Errorf("%s: found in %s", name, where)
			}
		}
	}
	backup := filepath.Join(t.TempDir(), "backup.tar")
	cmd := p.command("backup", backup)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.terminate()
	restored := filepath.Join(t.TempDir(), "restored")
	if out, err := exec.Command(p.path, "restore", backup, "--data-dir", restored).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	notInFiles(t, p.dir, secrets)
	notInFiles(t, restored, secrets)
	notInTables(t, p.dir, secrets)
}

// makeAs makes a key with another, and is what it is.
func (p *process) makeAs(key string) string {
	p.t.Helper()
	status, text := p.as(key, http.MethodPost, "/api/nightjar/v1/keys", `{"name":"shipper","role":"intake"}`)
	var m made
	if err := json.Unmarshal([]byte(text), &m); err != nil || status != 200 {
		p.t.Fatalf("%d %s", status, text)
	}
	return m.Key
}

// commandLines are those of all processes.
func commandLines(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no processes: %v", err)
	}
	var out strings.Builder
	for _, f := range files {
		text, _ := os.ReadFile(f) // one that has just ended
		out.Write(text)
	}
	return out.String()
}

// notInFiles looks into every file but those that are for secrets.
func notInFiles(t *testing.T, dir string, secrets map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		inside, _ := filepath.Rel(dir, path)
		text, err := os.ReadFile(path)
		if err != nil || strings.HasPrefix(inside, "secrets/") || inside == "api-key" {
			return nil // a socket, or where secrets are
		}
		for name, s := range secrets {
			if strings.Contains(string(text), s) {
				t.Errorf("%s: found in %s", name, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// notInTables looks into every column of every table, since the files of those are
// compressed.
func notInTables(t *testing.T, dir string, secrets map[string]string) {
	t.Helper()
	server, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(context.Background())
	options := server.Options(clickhouse.Admin)
	options.Auth.Database = "nightjar"
	conn, err := clickhouse.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var tables []string
	if err := conn.QueryRow(t.Context(), "SELECT groupArray(name) FROM system.tables WHERE database = 'nightjar' AND total_rows > 0").Scan(&tables); err != nil || len(tables) < 3 {
		t.Fatalf("tables %v: %v", tables, err)
	}
	for _, table := range tables {
		for name, s := range secrets {
			var n uint64
			ctx := ch.Context(context.Background(), ch.WithParameters(ch.Parameters{"s": s}))
			if err := conn.QueryRow(ctx, "SELECT count() FROM "+table+" WHERE position(toString(tuple(*)), {s:String}) > 0").Scan(&n); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
			if n > 0 {
				t.Errorf("%s: found in %d rows of table %s", name, n, table)
			}
		}
	}
}

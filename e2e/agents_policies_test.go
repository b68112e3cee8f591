package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nightjar/testenv"
)

// fleetAgent is what the engine lists of an agent.
type fleetAgent struct {
	ID, Host, State string
	Tags, Refused   []string
	InForce         uint64 `json:"policies_in_force"`
	Wanted          uint64 `json:"policies_wanted"`
}

func (p *process) fleet() []fleetAgent {
	p.t.Helper()
	var answer struct{ Agents []fleetAgent }
	p.call(http.MethodGet, "/api/nightjar/v1/agents", nil, &answer)
	return answer.Agents
}

// follow reports whether so many agents follow what they are to follow, of a version above
// the one given.
func (p *process) follow(n int, above uint64) bool {
	p.t.Helper()
	for _, a := range p.fleet() {
		if a.InForce == a.Wanted && a.InForce > above && a.State == "reporting" {
			n--
		}
	}
	return n <= 0
}

// enrolled runs an agent that enrols with a token. The words before are what runs it in
// another network.
func (p *process) enrolled(token string, before []string, args ...string) *lockedBuffer {
	p.t.Helper()
	said := &lockedBuffer{}
	words := append(before, p.path, "agent", "--state-dir", p.t.TempDir(), "--enroll", token)
	words = append(words, args...)
	c := exec.Command(words[0], words[1:]...)
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := c.Wait(); err != nil {
			p.t.Errorf("the agent: %v\n%s", err, said)
		}
	})
	return said
}

func (p *process) token(uses int) string {
	p.t.Helper()
	var made struct{ Key string }
	p.call(http.MethodPost, "/api/nightjar/v1/keys", fmt.Appendf(nil, `{"name":"token","role":"enroll","uses":%d}`, uses), &made)
	return made.Key
}

// agentRule makes an agent rule, and returns its id.
func (p *process) agentRule(name, expression string) string {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"data": map[string]any{"type": "agent_rule", "attributes": map[string]any{"name": name, "expression": expression}}})
	if err != nil {
		p.t.Fatal(err)
	}
	var made struct{ Data struct{ ID string } }
	p.call(http.MethodPost, "/api/v2/remote_config/products/cws/agent_rules", body, &made)
	return made.Data.ID
}

// network makes a network of its own, joined to this one; the words run a program in it,
// and address is this end.
func network(t *testing.T, i int) (words []string, address string) {
	t.Helper()
	name := fmt.Sprintf("njo%d-%d", os.Getpid()%10000, i)
	subnet := fmt.Sprintf("10.213.%d", 10*(os.Getpid()%20)+i)
	run := func(words ...string) {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Skipf("needs root or another kernel: no network namespaces: %s: %v: %s", strings.Join(words, " "), err, out)
		}
	}
	run("ip", "netns", "add", name)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", name).Run() })
	run("ip", "link", "add", name+"a", "type", "veth", "peer", "name", name+"b", "netns", name)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", name+"a").Run() })
	run("ip", "address", "add", subnet+".1/24", "dev", name+"a")
	run("ip", "link", "set", name+"a", "up")
	run("ip", "-n", name, "address", "add", subnet+".2/24", "dev", name+"b")
	run("ip", "-n", name, "link", "set", name+"b", "up")
	run("ip", "-n", name, "route", "add", "default", "via", subnet+".1")
	return []string{"ip", "netns", "exec", name}, subnet + ".1"
}

// TestAPolicyThatIsEditedIsInForceOnThreeAgents in networks of their own, over TLS, without
// a restart, and by what each sees of a program then. A change that does not check reaches
// none of them.
func TestAPolicyThatIsEditedIsInForceOnThreeAgents(t *testing.T) {
	requireEBPF(t)
	testenv.RequireLibrary(t)
	dir := t.TempDir()
	authority := testenv.NewAuthority(t, dir)
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	authority.Issue(t, "nightjar.test", certificate, key)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var inNetwork [3][]string
	var address [3]string
	for i := range 3 {
		inNetwork[i], address[i] = network(t, i)
	}
	trusted := trust(t, authority.CA)
	trusted.ServerName = "nightjar.test"
	p := &process{
		t: t, path: path, dir: filepath.Join(dir, "data"), client: &http.Client{Transport: &http.Transport{TLSClientConfig: trusted}},
		args: []string{"--tls-cert", certificate, "--tls-key", key, "--allowed-host", "nightjar.test", "--http", address[0] + ":0"},
	}
	p.start()
	t.Cleanup(p.end)
	token := p.token(3)
	for i := range 3 {
		p.enrolled(token, inNetwork[i], "--server", p.base, "--ca", filepath.Join(dir, "ca.pem"), "--server-name", "nightjar.test",
			"--hostname", fmt.Sprintf("host-%d", i), "--tag", fmt.Sprintf("host:%d", i))
	}
	p.await("three agents that follow the policies", func() bool { return p.follow(3, 0) })
	before := p.fleet()[0].InForce

	probe := fmt.Sprintf("nj-probe-%d", os.Getpid())
	began := time.Now()
	rule := p.agentRule("probe", fmt.Sprintf(`exec.file.name == %q`, probe))
	p.await("the edited policies in force", func() bool { return p.follow(3, before) })
	t.Logf("in force on three agents %s after the edit", time.Since(began).Round(10*time.Millisecond))
	startAs(t, "/bin/true", probe)
	p.await("what each of them saw", func() bool {
		for i := range 3 {
			if p.eventsOf(fmt.Sprintf("source:runtime-security-agent host:host-%d @agent.rule_id:probe", i)) == 0 {
				return false
			}
		}
		return true
	})

	before = p.fleet()[0].InForce
	p.call(http.MethodPatch, "/api/v2/remote_config/products/cws/agent_rules/"+rule, fmt.Appendf(nil, `{"data":{"id":%q,"type":"agent_rule","attributes":{"expression":"exec.file.name == \"x\" && ${process.never_set} == 1"}}}`, rule), nil)
	var rollout struct{ Errors []string }
	p.await("the refusal", func() bool {
		p.call(http.MethodGet, "/api/nightjar/v1/agents/rollout", nil, &rollout)
		return len(rollout.Errors) > 0
	})
	if !strings.Contains(rollout.Errors[0], "rule `probe` error") || !p.follow(3, before-1) || p.follow(1, before) {
		t.Errorf("refused with %v; %+v", rollout.Errors, p.fleet())
	}
}

// eventsOf is how many events a search finds.
func (p *process) eventsOf(query string) int {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"filter": map[string]any{"query": query, "from": "now-1h", "to": "now+1h"}})
	if err != nil {
		p.t.Fatal(err)
	}
	var answer struct{ Data []json.RawMessage }
	p.call(http.MethodPost, "/api/v2/logs/events/search", body, &answer)
	return len(answer.Data)
}

// meddler stands between an agent and its engine, and changes orders on their way.
type meddler struct {
	*httptest.Server
	meddle atomic.Pointer[func(payload, signature []byte) ([]byte, []byte)]
	mu     sync.Mutex
	first  map[string]string // the first orders that passed
	seen   atomic.Int64      // orders that were changed
}

func newMeddler(t *testing.T, base string) *meddler {
	t.Helper()
	to, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	m := &meddler{}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Header.Del("Accept-Encoding") },
		ModifyResponse: m.change,
	}
	m.Server = httptest.NewServer(proxy)
	t.Cleanup(m.CloseClientConnections) // the agent polls until it ends
	t.Cleanup(m.Close)
	return m
}

func (m *meddler) change(r *http.Response) error {
	if !strings.HasSuffix(r.Request.URL.Path, "/agents/sync") || r.StatusCode != http.StatusOK {
		return nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var sent map[string]string
	if err := json.Unmarshal(text, &sent); err != nil {
		return err
	}
	m.mu.Lock()
	if m.first == nil {
		m.first = sent
	}
	m.mu.Unlock()
	if f := m.meddle.Load(); f != nil {
		payload, _ := base64.StdEncoding.DecodeString(sent["payload"])
		signature, _ := base64.StdEncoding.DecodeString(sent["signature"])
		payload, signature = (*f)(payload, signature)
		sent["payload"], sent["signature"] = base64.StdEncoding.EncodeToString(payload), base64.StdEncoding.EncodeToString(signature)
		if text, err = json.Marshal(sent); err != nil {
			return err
		}
		m.seen.Add(1)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	r.Header.Set("Content-Length", fmt.Sprint(len(text)))
	return nil
}

// TestOrdersThatWereMeddledWithAreNotFollowed by an agent, which says why, and follows the
// true ones when they come.
func TestOrdersThatWereMeddledWithAreNotFollowed(t *testing.T) {
	requireEBPF(t)
	p := startEngine(t)
	m := newMeddler(t, p.base)
	p.enrolled(p.token(1), nil, "--server", m.URL, "--hostname", "here")
	p.await("an agent that follows the policies", func() bool { return p.follow(1, 0) })
	for i, c := range []struct {
		name string
		does func(payload, signature []byte) ([]byte, []byte)
		want string
	}{
		{"tampered", func(p, s []byte) ([]byte, []byte) {
			return bytes.Replace(p, []byte("monitoring"), []byte("blocking"), 1), s
		}, "bad_signature"},
		{"replayed", func([]byte, []byte) ([]byte, []byte) {
			m.mu.Lock()
			defer m.mu.Unlock()
			payload, _ := base64.StdEncoding.DecodeString(m.first["payload"])
			signature, _ := base64.StdEncoding.DecodeString(m.first["signature"])
			return payload, signature
		}, "older"},
		{"broken", func(p, s []byte) ([]byte, []byte) { return p[:len(p)/2], s }, "bad_signature"},
	} {
		before := p.fleet()[0].InForce
		changed := m.seen.Load()
		m.meddle.Store(&c.does)
		p.agentRule(fmt.Sprintf("r%d", i), fmt.Sprintf(`exec.file.name == "no-such-%d"`, i))
		p.await("orders that were "+c.name, func() bool {
			refused := strings.Join(p.fleet()[0].Refused, " ")
			return m.seen.Load() > changed && strings.Contains(refused, c.want)
		})
		if a := p.fleet()[0]; a.InForce != before || a.Wanted == before {
			t.Errorf("%s: %+v, followed %d before", c.name, a, before)
		}
		m.meddle.Store(nil)
		p.agentRule(fmt.Sprintf("s%d", i), fmt.Sprintf(`exec.file.name == "none-such-%d"`, i)) // other orders: those that it did not want are not sent again at once
		p.await("the true orders", func() bool { return p.follow(1, before) && len(p.fleet()[0].Refused) == 0 })
	}
}

// TestAnAgentThatFallsSilentMakesASignal, also where nobody made rules: the engine makes
// the two that watch agents when the first one enrols. An agent that says goodbye makes
// none.
func TestAnAgentThatFallsSilentMakesASignal(t *testing.T) {
	t.Parallel() // it waits more than it works
	clock := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(clock, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startEngineWith(t, []string{clockVariable + "=" + clock})
	token := p.token(0)
	sync := func(host string, leaving bool) {
		var made struct{ Agent, Key string }
		if status, text := p.as(token, http.MethodPost, "/api/nightjar/v1/agents/enroll", fmt.Sprintf(`{"host":%q,"tags":[]}`, host)); status != http.StatusOK || json.Unmarshal([]byte(text), &made) != nil {
			t.Fatalf("enrol: %d %s", status, text)
		}
		if status, text := p.as(made.Key, http.MethodPost, "/api/nightjar/v1/agents/sync", fmt.Sprintf(`{"agent":%q,"host":%q,"instance":"1","leaving":%v}`, made.Agent, host, leaving)); status != http.StatusOK {
			t.Fatalf("sync: %d %s", status, text)
		}
	}
	sync("goes", false)
	sync("says-goodbye", true)
	p.await("rules that watch agents", func() bool {
		var answer struct{ Data []struct{ Name string } }
		p.call(http.MethodGet, "/api/v2/security_monitoring/rules", nil, &answer)
		return len(answer.Data) == len(fleetRuleNames)
	})
	if err := os.WriteFile(clock, []byte("5m"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got string
	p.await("the signal", func() bool {
		got = ""
		for _, s := range p.signals("") {
			got += fmt.Sprint(s.Rule, " ", s.Group)
		}
		return got != ""
	})
	if want := fleetRuleNames[0] + " [goes]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

var fleetRuleNames = []string{"An agent fell silent, or was ended", "Policies of agents were refused, or their rollout stopped"}

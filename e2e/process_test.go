package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nightjar/testenv"
)

// binary builds the program once, as a user has it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nightjar-bin-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // for tests that run it as somebody else
		return "", err
	}
	path := filepath.Join(dir, "nightjar")
	out, err := exec.Command("go", "build", "-o", path, "nightjar/cmd/nightjar").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	beginMany()
	code := m.Run()
	endShared()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// beginMany has more tests run at once than there are processors, unless -parallel says
// how many: they wait for engines more than they work. More than twice as many only make
// each other slower.
func beginMany() {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))) // a number is right
	}
}

// process is a running `nightjar up`.
type process struct {
	t       testing.TB
	path    string
	dir     string
	args    []string
	user    uint32   // 0: who runs the tests
	env     []string // beside that of the tests
	client  *http.Client
	cmd     *exec.Cmd
	base    string
	key     string
	grpc    string
	output  *lockedBuffer
	stopped chan struct{}
	orphans []int // children of engines that were killed
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startEngine runs the binary on a fresh data folder and waits until it is
// ready.
func startEngine(t testing.TB, args ...string) *process {
	t.Helper()
	return startEngineWith(t, nil, args...)
}

// startEngineWith is startEngine with variables in its environment.
func startEngineWith(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	testenv.RequireLibrary(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, path: path, dir: filepath.Join(t.TempDir(), "data"), args: args, env: env, client: http.DefaultClient}
	p.start()
	t.Cleanup(p.end)
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.output = &lockedBuffer{}
	if p.client == nil {
		p.client = http.DefaultClient
	}
	p.cmd = exec.Command(p.path, append([]string{"up", "--data-dir", p.dir, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, p.args...)...)
	p.cmd.Stderr, p.cmd.Stdout = p.output, p.output
	p.cmd.Env = append(os.Environ(), p.env...)
	if p.user != 0 {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: p.user, Gid: p.user}}
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.stopped = make(chan struct{})
	go func(cmd *exec.Cmd, stopped chan struct{}) {
		_ = cmd.Wait() // how it ended is for the test to judge
		close(stopped)
	}(p.cmd, p.stopped)
	p.await("ready", func() bool {
		select {
		case <-p.stopped:
			p.t.Fatalf("the engine ended:\n%s", p.output)
		default:
		}
		p.base, p.grpc = announced(p.output.String(), "REST  "), announced(p.output.String(), "gRPC  ")
		if p.base == "" {
			return false
		}
		resp, err := p.client.Get(p.base + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	p.key = readKey(p.t, p.dir)
}

func announced(output, after string) string {
	m := regexp.MustCompile(regexp.QuoteMeta(after) + `(\S+)`).FindStringSubmatch(output)
	if m == nil {
		return ""
	}
	return m[1]
}

// kill ends the engine as a crash would.
func (p *process) kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	p.orphans = append(p.orphans, children(p.t, p.cmd.Process.Pid)...)
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.stopped
}

// end kills the engine, and returns when what ends with it has ended too: until
// then the server writes into the folder, which can't be removed.
func (p *process) end() {
	p.kill()
	for limit := time.Now().Add(patience); slices.ContainsFunc(p.orphans, isAlive) && time.Now().Before(limit); {
		time.Sleep(20 * time.Millisecond)
	}
}

// isAlive reports whether there is such a process, which has not ended.
func isAlive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(text), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// terminate asks the engine to stop, which it does without complaint.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.stopped:
	case <-time.After(patience):
		p.t.Fatalf("still up %s after SIGTERM:\n%s", patience, p.output)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitOK {
		p.t.Errorf("exit %d after SIGTERM, want 0:\n%s", code, p.output)
	}
}

// killServer ends the embedded ClickHouse as a crash would.
func (p *process) killServer() {
	p.t.Helper()
	for _, pid := range children(p.t, p.cmd.Process.Pid) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.Contains(line, []byte("__clickhouse")) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				p.t.Fatal(err)
			}
			return
		}
	}
	p.t.Fatal("found no embedded server to kill")
}

func children(t testing.TB, pid int) []int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, f := range files {
		text, _ := os.ReadFile(f) // a thread that has just ended
		for _, s := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(s); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// patience is after how long what is to happen is said not to happen. It is long beside
// what anything takes, since the machine may have much else to do.
const patience = 3 * time.Minute

// await waits until something has happened, and fails the test when it never does.
func (p *process) await(what string, done func() bool) {
	p.t.Helper()
	p.awaitFor(patience, what, done)
}

// awaitFor is await for what takes longer.
func (p *process) awaitFor(limit time.Duration, what string, done func() bool) {
	p.t.Helper()
	if !comesTrue(limit, done) {
		p.t.Fatalf("not %s after %s; the engine said:\n%s", what, limit, p.output)
	}
}

// comesTrue asks until something has happened, and reports whether it did within the
// limit. What takes long to ask, a command say, is asked less often: where it was asked
// without a pause, it kept from happening what it asked for.
func comesTrue(limit time.Duration, done func() bool) bool {
	end := time.Now().Add(limit)
	for pause := 20 * time.Millisecond; ; pause = min(pause*5/4, 250*time.Millisecond) {
		asked := time.Now()
		if done() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
		time.Sleep(max(pause, min(2*time.Since(asked), 2*time.Second)))
	}
}

// request calls the API and returns status and body.
func (p *process) request(method, path string, body []byte, header ...string) (int, []byte, error) {
	req, err := http.NewRequest(method, p.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("DD-API-KEY", p.key)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, text, err
}

// call is request where nothing but success will do, now or when the server that
// was just killed is back.
func (p *process) call(method, path string, body []byte, into any) {
	p.t.Helper()
	status, text, err := p.request(method, path, body)
	for end := time.Now().Add(patience); err == nil && status == http.StatusServiceUnavailable && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		status, text, err = p.request(method, path, body)
	}
	if err != nil || status >= 300 {
		p.t.Fatalf("%s %s: %d %s %v", method, path, status, text, err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			p.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}

// command is a command of the binary against this engine.
func (p *process) command(args ...string) *exec.Cmd {
	return exec.Command(p.path, append(args, "--server", p.base, "--data-dir", p.dir)...)
}

// run runs a command of the binary against this engine.
func (p *process) run(args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	return outcome(p.t, p.command(args...))
}

func (p *process) caughtUp() {
	p.t.Helper()
	p.await("caught up", func() bool {
		status, text, err := p.request(http.MethodGet, "/api/nightjar/v1/status", nil)
		var st struct {
			CaughtUp bool `json:"caught_up"`
		}
		return err == nil && status == 200 && json.Unmarshal(text, &st) == nil && st.CaughtUp
	})
}

func (p *process) count(sql string) uint64 {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"query": sql})
	if err != nil {
		p.t.Fatal(err)
	}
	var answer struct{ Rows [][]json.Number }
	p.call(http.MethodPost, "/api/nightjar/v1/sql", body, &answer)
	n, err := strconv.ParseUint(answer.Rows[0][0].String(), 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// liveSignal is what is compared of a signal.
type liveSignal struct {
	Rule                string
	Case                int
	Group               []string
	FirstSeen, LastSeen int64
	Events              int64
	Severity            string
}

// signals are all signals that the engine stands by.
func (p *process) signals(query string) []liveSignal {
	p.t.Helper()
	out := []liveSignal{}
	for cursor := ""; ; {
		page := map[string]any{"limit": 1000}
		if cursor != "" {
			page["cursor"] = cursor
		}
		body, err := json.Marshal(map[string]any{"filter": map[string]string{"query": query}, "page": page, "sort": "timestamp"})
		if err != nil {
			p.t.Fatal(err)
		}
		var answer struct {
			Data []struct {
				Attributes struct {
					Attributes struct {
						Workflow struct{ Rule struct{ Name string } }
						Nightjar struct {
							Case      int
							Group     []string
							FirstSeen int64 `json:"first_seen"`
							LastSeen  int64 `json:"last_seen"`
							Events    int64
							Severity  string
						}
					}
				}
			}
			Meta struct{ Page struct{ After string } }
		}
		p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", body, &answer)
		for _, d := range answer.Data {
			a := d.Attributes.Attributes
			out = append(out, liveSignal{a.Workflow.Rule.Name, a.Nightjar.Case, a.Nightjar.Group, a.Nightjar.FirstSeen, a.Nightjar.LastSeen, a.Nightjar.Events, a.Nightjar.Severity})
		}
		if cursor = answer.Meta.Page.After; cursor == "" || len(answer.Data) == 0 {
			return out
		}
	}
}

func readLines(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		out = append(out, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// runningServer is the embedded server's; 0 when there is none just now.
func (p *process) runningServer() int {
	for _, pid := range children(p.t, p.cmd.Process.Pid) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.Contains(line, []byte("__clickhouse")) {
			return pid
		}
	}
	return 0
}

// serverPid is runningServer, which there has to be.
func (p *process) serverPid() int {
	p.t.Helper()
	pid := p.runningServer()
	if pid == 0 {
		p.t.Fatal("found no embedded server")
	}
	return pid
}

func envInt(name string, value int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return value
}

// nightjar runs a command of the binary in a folder, without an engine.
func nightjar(t testing.TB, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Dir = dir
	return outcome(t, c)
}

// offline is nightjar in a folder that is empty.
func offline(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return nightjar(t, t.TempDir(), args...)
}

// outcome runs a command to its end.
func outcome(t testing.TB, c *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

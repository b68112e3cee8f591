package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nightjar/schema"
)

// numbered are programs that were executed with a number each as their argument: when they
// began and ended, in ms since 1970.
type numbered struct {
	began, ended []int64
	count        atomic.Int64 // as many
	stop         func()
}

// executeNumbered executes a program again and again until it is stopped.
func executeNumbered(t *testing.T, program string) *numbered {
	n, stopping, done := &numbered{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stopping:
				return
			default:
			}
			began := time.Now().UnixMilli()
			if err := exec.Command(program, strconv.Itoa(len(n.began))).Run(); err != nil {
				t.Error(err)
				return
			}
			n.began, n.ended = append(n.began, began), append(n.ended, time.Now().UnixMilli()+1)
			n.count.Add(1)
		}
	}()
	n.stop = sync.OnceFunc(func() { close(stopping); <-done })
	t.Cleanup(n.stop)
	return n
}

// mortalAgent runs an agent that may be killed.
func (p *process) mortalAgent(args ...string) (said *lockedBuffer, end func(syscall.Signal)) {
	p.t.Helper()
	said = &lockedBuffer{}
	c := exec.Command(p.path, append([]string{"agent"}, args...)...)
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	once := sync.Once{}
	end = func(with syscall.Signal) {
		once.Do(func() {
			_ = c.Process.Signal(with) // it may have ended
			_ = c.Wait()               // the test judges by what has arrived
		})
	}
	p.t.Cleanup(func() { end(syscall.SIGKILL) })
	p.await("watching", func() bool { return strings.Contains(said.String(), agentWatches) })
	return said, end
}

// rowsOf asks for all rows of a statement that is in order, a thousand at a time.
func (p *process) rowsOf(sql string) (all [][]any) {
	p.t.Helper()
	const page = 1000
	for {
		body, err := json.Marshal(map[string]string{"query": fmt.Sprintf("%s LIMIT %d OFFSET %d", sql, page, len(all))})
		if err != nil {
			p.t.Fatal(err)
		}
		var answer struct {
			Rows      [][]any
			Truncated bool // for its size
		}
		p.call(http.MethodPost, "/api/nightjar/v1/sql", body, &answer)
		all = append(all, answer.Rows...)
		if len(answer.Rows) < page && !answer.Truncated {
			return all
		}
	}
}

// blindTimes are those that agents report.
func (p *process) blindTimes() (out []schema.AgentGap) {
	p.t.Helper()
	for _, row := range p.rowsOf("SELECT raw FROM events WHERE source = 'runtime-security-agent' AND toString(attributes.agent.rule_id) = 'lost_events' ORDER BY seq") {
		var e struct {
			Agent struct{ Report schema.AgentReport }
		}
		if err := json.Unmarshal([]byte(row[0].(string)), &e); err != nil {
			p.t.Fatal(err)
		}
		if b := e.Agent.Report.Blind; b != nil {
			out = append(out, *b)
		}
		if len(e.Agent.Report.LostSince) > 0 {
			p.t.Errorf("the agent lost %v", e.Agent.Report.LostSince)
		}
	}
	return out
}

// The engine is killed under load and comes back after NIGHTJAR_AWAY seconds (six);
// meanwhile the agent is killed twice, and started again at once. Every program that was
// executed arrives once and in order, but for those of the times in which, as is reported
// and stands in the coverage of rules, no agent ran.
func TestAServerThatIsAwayAndAnAgentThatIsKilledLoseNothing(t *testing.T) {
	requireEBPF(t)
	away := 6 * time.Second
	if text := os.Getenv("NIGHTJAR_AWAY"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		away = time.Duration(seconds) * time.Second
	}
	p := startEngine(t, "--http", "127.0.0.1:"+freePort(t))
	var rule struct{ ID string }
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"n","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"query":"@agent.rule_id:numbered @process.args:never"}],"cases":[{"status":"low","condition":"a > 0"}],
		"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":600}}`), &rule)
	program := filepath.Join(t.TempDir(), "numbered-program")
	text, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if err := writeProgram(program, text); err != nil {
		t.Fatal(err)
	}
	policy := writeFile(t, fmt.Sprintf("version: 1.0.0\nrules:\n- id: numbered\n  expression: exec.file.path == %q\n", program)) // of no other test on this host
	state := t.TempDir()
	args := []string{"--server", p.base, "--state-dir", state, "--policy", policy, "--hostname", "here"}
	_, end := p.mortalAgent(append(args, "--enroll", p.token(1))...)
	load := executeNumbered(t, program)
	time.Sleep(away / 4)
	p.kill()
	unwatched := int64(0) // how many at most ran while no agent did
	for range 2 {
		time.Sleep(away / 3)
		before := load.count.Load()
		end(syscall.SIGKILL)
		_, end = p.mortalAgent(args...)
		unwatched += load.count.Load() - before
	}
	watched := load.count.Load()
	time.Sleep(away / 3)
	status := func() string {
		out, _ := exec.Command(p.path, "agent", "status", "--state-dir", state).CombinedOutput() // what it says is looked at
		return string(out)
	}
	if out := status(); !strings.Contains(out, "it takes none since") {
		t.Errorf("the status of an agent whose engine is away:\n%s", out)
	}
	p.start()
	time.Sleep(away / 4)
	p.await("more programs that were watched than not", func() bool { return load.count.Load() > watched+unwatched })
	load.stop()
	p.await("everything delivered", func() bool { return strings.Contains(status(), " 0 wait, and 0 of earlier runs") })
	end(syscall.SIGTERM)
	p.caughtUp()

	gaps := p.blindTimes()
	if len(gaps) != 2 {
		t.Errorf("of two kills there are the gaps %v", gaps)
	}
	arrived, before, bare := map[int]bool{}, -1, 0
	for _, row := range p.rowsOf("SELECT JSONExtractString(raw, 'process', 'args'), toUInt8(JSONExtractBool(raw, 'process', 'args_truncated')) FROM events WHERE toString(attributes.agent.rule_id) = 'numbered' ORDER BY seq") {
		n, err := strconv.Atoi(row[0].(string))
		if err != nil && row[1] == 1.0 {
			n, err = before+1, nil // an event may lack its arguments, and says so: it is the next one
			bare++
		}
		if err != nil {
			t.Fatalf("%v in %v", err, row)
		}
		if n <= before {
			t.Errorf("program %d arrived after %d", n, before)
		}
		before, arrived[n] = n, true
	}
	unseen, unsaid := 0, missing{}
	for n := range load.began {
		if arrived[n] {
			continue
		}
		unseen++
		if !within(gaps, load.began[n], load.ended[n]) {
			unsaid.add(n, load.began[n])
		}
	}
	if len(unsaid) > 0 {
		t.Errorf("nobody was blind when these were executed, and they did not arrive: %v; the gaps are %v; the agent's last status is\n%s", unsaid, gaps, status())
		p.awaitFor(20*time.Second, "more of them: if they come now, the status said too early that all was evaluated", func() bool {
			return p.count("SELECT count() FROM events WHERE toString(attributes.agent.rule_id) = 'numbered'") > uint64(len(arrived))
		})
	}
	if len(arrived) < unseen || bare > len(arrived)/100 {
		t.Errorf("%d programs arrived, %d of them without their arguments, and %d did not", len(arrived), bare, unseen)
	}
	if out, _, _ := p.run("coverage", rule.ID); !strings.Contains(out, "the agent on here did not watch: it ended without a goodbye") {
		t.Errorf("no gap in\n%s", out)
	}
	t.Logf("away for %s: %d programs executed, %d arrived once and in order, %d in the gaps of two kills %v", away, len(load.began), len(arrived), unseen, gaps)
}

// missing are stretches of numbers, each with when it began and ended.
type missing []struct {
	first, last int
	from, to    int64 // in ms since 1970
}

// add adds a number that is higher than all before.
func (m *missing) add(n int, at int64) {
	if k := len(*m) - 1; k >= 0 && (*m)[k].last == n-1 {
		(*m)[k].last, (*m)[k].to = n, at
		return
	}
	*m = append(*m, struct {
		first, last int
		from, to    int64
	}{n, n, at, at})
}

// within reports whether a stretch of time touches a gap.
func within(gaps []schema.AgentGap, from, to int64) bool {
	for _, g := range gaps {
		if from <= int64(g.To) && int64(g.From) <= to {
			return true
		}
	}
	return false
}

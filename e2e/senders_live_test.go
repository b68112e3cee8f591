package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// npmSenders is where npm's senders are installed, and the program that uses them.
const npmSenders = "../clienttest/senders"

// liveSender is a sender that can be had.
type liveSender struct {
	name string
	// answers are how many of its answers get lost.
	answers int64
	where   string // what is said of each of its events, in SQL
}

// liveSenders are those of npm, each sending what send.mjs says.
var liveSenders = []liveSender{
	{"elasticsearch", 2, "host = 'npm' AND has(tags, 'index:npm')"},
	{"elasticsearch-apikey", 0, "host = 'npm'"},
	{"winston-elasticsearch", 0, "status = 'warn' AND has(tags, 'index:npm')"},
	{"pino-elasticsearch", 0, "status = 'warn' AND host = 'npm'"},
	{"datadog-api-client", 0, "source = 'npm' AND host = 'npm' AND service = 'npm' AND has(tags, 'env:test')"},
	{"datadog-winston", 0, "source = 'npm' AND status = 'warn' AND has(tags, 'env:test')"},
	{"winston-http", 0, "status = 'warn' AND service = 'npm'"},
	{"splunk-logging", 1, "status = 'warn' AND host = 'npm' AND source = 'npm' AND has(tags, 'index:main')"},
	{"otel-http", 1, otelWhere},
	{"otel-proto", 1, otelWhere},
	{"otel-grpc", 0, otelWhere},
	{"fetch", 0, "host = 'npm'"},
}

const otelWhere = "status = 'warn' AND host = 'npm' AND service = 'npm' AND attributes.usr.id = 'u1'"

// requireNpm skips where npm's senders are not installed.
func requireNpm(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(npmSenders, "node_modules")); err != nil {
		missingSender(t, "a sender of npm")
	}
}

// runNode runs a block as a program of Node.js that has the senders installed.
func runNode(t *testing.T, s *station, e example) (messages []string, where string) {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join(npmSenders, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "example.cjs")
	if err := os.WriteFile(program, []byte(s.configured(e, s.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", program)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Split(e.options["message"], "|"), orTrue(e.options["where"])
}

// TestNpmsSendersAreTakenOnce runs each as its users do, some on a network that loses
// answers.
func TestNpmsSendersAreTakenOnce(t *testing.T) {
	t.Parallel()
	requireNpm(t)
	p := startEngine(t)
	network := newLossy(t, 0)
	network.aim(p)
	const count = 40
	for _, s := range liveSenders {
		lost := network.lost.Load()
		network.losing.Store(s.answers)
		cmd := exec.Command("node", "send.mjs", s.name)
		cmd.Dir = npmSenders
		cmd.Env = append(os.Environ(), "URL=http://"+network.address, "KEY="+p.key, fmt.Sprintf("COUNT=%d", count))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", s.name, err, out)
		}
		if got := network.lost.Load() - lost; got != s.answers {
			t.Errorf("%s: %d answers were lost, want %d", s.name, got, s.answers)
		}
		network.losing.Store(0)
	}
	p.caughtUp()
	for _, s := range liveSenders {
		mine := "startsWith(message, '" + s.name + " ')"
		all, as := p.count("SELECT count() FROM events WHERE "+mine), p.count("SELECT uniqExact(message) FROM events WHERE "+mine+" AND "+s.where)
		if all != count || as != count {
			t.Errorf("%s: %d events, %d of them different and as they should be, want %d", s.name, all, as, count)
		}
	}
}

// sendThroughFullAndLost runs a sender to its end: the engine is full until it was seen
// refusing; then it has room, and answers get lost. address is what the sender's
// environment has before the address.
func (p *process) sendThroughFullAndLost(cmd *exec.Cmd, address string, network *lossy, answers int64, refusing func() bool) {
	p.t.Helper()
	network.aim(p)
	out := &lockedBuffer{}
	cmd.Env = append(cmd.Env, address+network.address)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }() // it has ended already, if all went well
	p.await("refusing", refusing)
	p.terminate()
	p.args = nil
	p.start()
	network.losing.Store(answers)
	network.aim(p)
	select {
	case err := <-ended:
		if err != nil {
			p.t.Fatalf("%v: %s", err, out)
		}
	case <-time.After(patience):
		p.t.Fatalf("it has not ended: %s", out)
	}
}

// TestElasticsGoSenderIsTakenOnce runs its bulk indexer while the engine is full, and
// then on a network that loses answers.
func TestElasticsGoSenderIsTakenOnce(t *testing.T) {
	t.Parallel()
	if os.Getenv("REQUIRE_SENDERS") == "" {
		missingSender(t, "Elastic's Go client")
	}
	program := filepath.Join(t.TempDir(), "bulkindexer")
	build := exec.Command("go", "build", "-o", program, "./bulkindexer")
	build.Dir = "../clienttest"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := startEngine(t, "--intake-quota", "1B", "--log-level", "debug")
	network := newLossy(t, 0)
	const count = 1000
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "KEY="+p.key, fmt.Sprintf("COUNT=%d", count))
	p.sendThroughFullAndLost(cmd, "URL=http://", network, 3, func() bool {
		return strings.Contains(p.output.String(), "path=/elastic/go/_bulk status=503")
	})
	if network.lost.Load() != 3 {
		t.Errorf("%d answers were lost", network.lost.Load())
	}
	p.caughtUp()
	if all, different := p.count("SELECT count() FROM events"), p.count("SELECT uniqExact(message) FROM events WHERE host = 'go' AND has(tags, 'index:go')"); all != count || different != count {
		t.Errorf("%d events, %d different, want %d", all, different, count)
	}
}

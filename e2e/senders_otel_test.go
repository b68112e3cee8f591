package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// otelExporters is a program of OpenTelemetry's SDK for Go.
const otelExporters = "../clienttest/otel"

// TestSendersOfOpenTelemetryAreTakenOnce runs the exporters of Go's SDK while the engine
// is full; then it has room, and answers get lost.
func TestSendersOfOpenTelemetryAreTakenOnce(t *testing.T) {
	t.Parallel()
	requireOpenTelemetry(t)
	program := filepath.Join(t.TempDir(), "otel")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = otelExporters
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Over HTTP, Go's exporter gives up on a connection that ends without an answer;
	// for senders that do not, the replayed collector stands.
	for protocol, answers := range map[string]int64{"http": 0, "grpc": 3} {
		t.Run(protocol, func(t *testing.T) {
			p := startEngine(t, "--intake-quota", "1B")
			const count = 1000
			cmd := exec.Command(program, protocol)
			cmd.Env = append(os.Environ(), "KEY="+p.key, fmt.Sprintf("COUNT=%d", count))
			p.sendThroughFullAndLost(cmd, "ADDRESS=", newLossy(t, greetingOfHTTP2), answers, func() bool {
				return p.metric(`nightjar_ingest_batches_refused_total{reason="backpressure"}`) >= 2
			})
			if again := p.metric("nightjar_ingest_duplicate_batches_total"); again < float64(answers) {
				t.Errorf("%v requests came again, of %d whose answers were lost", again, answers)
			}
			p.caughtUp()
			const as = "service = 'cart' AND host = 'web-7' AND status = 'error' AND attributes.usr.id = 'u1' AND abs(dateDiff('second', timestamp, now64())) < 600"
			if all, different := p.count("SELECT count() FROM events"), p.count("SELECT uniqExact(message) FROM events WHERE "+as); all != count || different != count {
				t.Errorf("%d events, %d different, want %d", all, different, count)
			}
		})
	}
}

// requireOpenTelemetry skips where nobody asked for what takes a module of its own.
func requireOpenTelemetry(t *testing.T) {
	t.Helper()
	if os.Getenv("REQUIRE_SENDERS") == "" {
		missingSender(t, "OpenTelemetry's SDK for Go")
	}
}

// runOpenTelemetry runs a block as a program of the module that has the SDK.
func runOpenTelemetry(t *testing.T, s *station, e example) (messages []string, where string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(program, []byte(s.configured(e, s.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", program)
	cmd.Dir = otelExporters
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Split(e.options["message"], "|"), orTrue(e.options["where"])
}

// runJournalUpload has the sender read a journal and send it where the block says.
func runJournalUpload(t *testing.T, s *station, e example) (messages []string, where string) {
	t.Helper()
	_, address, _ := strings.Cut(s.configured(e, s.dir), "URL=")
	dir := t.TempDir()
	path, env := senderBinary(senderPrograms["journal-upload"])
	cmd := exec.Command(path, "--url="+strings.TrimSpace(address), "--file="+writeJournal(t, dir, 3, "example"), "--save-state="+filepath.Join(dir, "state"), "--follow=no")
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range 3 {
		messages = append(messages, fmt.Sprintf("Invalid user example%d from 192.0.2.1", i))
	}
	return messages, orTrue(e.options["where"])
}

// TestSenderOfJournalsIsTakenOnce has systemd-journal-upload send a journal of a few
// thousand entries while the engine is full, while answers get lost, and at last. It
// ends at each failure, and is started anew, as systemd does.
func TestSenderOfJournalsIsTakenOnce(t *testing.T) {
	t.Parallel()
	requireSender(t, "journal-upload")
	p := startEngine(t, "--intake-quota", "1B")
	network := newLossy(t, greetingOfHTTP2)
	network.aim(p)
	const count = 5000
	dir := t.TempDir()
	journal := writeJournal(t, dir, count, "journal")
	upload := func() (string, error) {
		path, env := senderBinary(senderPrograms["journal-upload"])
		cmd := exec.Command(path, "--url=http://nightjar:"+p.key+"@"+network.address, "--file="+journal, "--save-state="+filepath.Join(dir, "state"), "--follow=no")
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := upload(); err == nil || !strings.Contains(out, "503") {
		t.Errorf("while the engine is full: %v: %s", err, out)
	}
	p.terminate()
	p.args = nil
	p.start()
	network.aim(p)
	for range 2 {
		network.losing.Store(1)
		if out, err := upload(); err == nil {
			t.Errorf("the answer was not lost: %s", out)
		}
	}
	p.kill()
	p.start()
	network.aim(p)
	if out, err := upload(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	p.caughtUp()
	if all, different := p.count("SELECT count() FROM events"), p.count("SELECT uniqExact(message) FROM events WHERE source = 'sshd' AND host = 'web-7' AND service = 'ssh.service'"); all != count || different != count {
		t.Errorf("%d events, %d different, want %d", all, different, count)
	}
}

// writeJournal makes a journal of lines that sshd logged, each with a word in it.
func writeJournal(t *testing.T, dir string, count int, word string) string {
	t.Helper()
	var text strings.Builder
	at := time.Now().Add(-time.Duration(count) * time.Millisecond)
	for i := range count {
		fmt.Fprintf(&text, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\n_MACHINE_ID=%032x\n_HOSTNAME=web-7\n_SYSTEMD_UNIT=ssh.service\nSYSLOG_IDENTIFIER=sshd\nPRIORITY=4\nMESSAGE=Invalid user %s%d from 192.0.2.1\n\n",
			at.Add(time.Duration(i)*time.Millisecond).UnixMicro(), 1_000_000+i*1000, 7, 8, word, i)
	}
	journal := filepath.Join(dir, "x.journal")
	path, env := senderBinary("systemd-journal-remote")
	cmd := exec.Command(path, "--output="+journal, "-")
	cmd.Env, cmd.Stdin = append(os.Environ(), env...), strings.NewReader(text.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return journal
}

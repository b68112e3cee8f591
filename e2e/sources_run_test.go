package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightjar/testenv"
)

// senderRuns say how a sender is run with a block of a page: by the name in the
// page. A run has sent when it returns: the messages, each of which must be stored
// exactly once, and what is said of each in SQL. A block that holds its own messages
// has them as options: message="…" (and where="…"), or count=N with where="…".
var senderRuns = map[string]func(*testing.T, *station, example) (messages []string, where string){
	"rsyslog":   runRsyslog,
	"syslog-ng": runSyslogNG,
	"logger":    runShell,
	"curl":      runShell,
	"node":      runNode,
	"otel-go":   runOpenTelemetry,

	"journal-upload": runJournalUpload,
}

// station is an engine with every door open, for senders.
type station struct {
	*process
	dir   string            // of files for TLS and of senders
	ports map[string]string // by what pages have in their place
}

// startStation takes ports that are free now, so that they are the same after a
// restart.
func startStation(t *testing.T) *station {
	t.Helper()
	s := &station{dir: t.TempDir(), ports: map[string]string{}}
	for _, port := range []string{"8420", "8421", "5514", "6514"} {
		s.ports[port] = freePort(t)
	}
	authority := testenv.NewAuthority(t, s.dir)
	authority.Issue(t, "nightjar.example", s.dir+"/server.pem", s.dir+"/server.key")
	authority.Issue(t, "web-7.example", s.dir+"/client.pem", s.dir+"/client.key")
	s.process = startEngine(t, "--http", "127.0.0.1:"+s.ports["8420"], "--grpc", "127.0.0.1:"+s.ports["8421"],
		"--syslog-udp", "127.0.0.1:"+s.ports["5514"], "--syslog-tcp", "127.0.0.1:"+s.ports["5514"], "--syslog-tls", "127.0.0.1:"+s.ports["6514"],
		"--syslog-tls-cert", s.dir+"/server.pem", "--syslog-tls-key", s.dir+"/server.key", "--syslog-tls-client-ca", s.dir+"/ca.pem")
	return s
}

// freePort is free for UDP and TCP.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		u, err := net.ListenPacket("udp", address)
		l.Close()
		if err == nil {
			u.Close()
			_, port, _ := net.SplitHostPort(address)
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// configured is the block with the addresses, files and folders of the test.
func (s *station) configured(e example, dir string) string {
	replace := []string{"/etc/nightjar/", s.dir + "/", "/var/spool/rsyslog", dir, "/var/lib/syslog-ng", dir, "NIGHTJAR_KEY", s.key}
	for from, to := range s.ports {
		replace = append(replace, from, to)
	}
	return strings.NewReplacer(replace...).Replace(e.text)
}

// TestEveryExampleOfTheSourcesWorks gives each block that is to be run to its
// sender, and looks for what it sent.
func TestEveryExampleOfTheSourcesWorks(t *testing.T) {
	t.Parallel()
	s := startStation(t)
	for _, e := range examples(t) {
		if e.verb != "run" {
			continue
		}
		t.Run(e.String(), func(t *testing.T) {
			requireSender(t, e.name)
			messages, where := senderRuns[e.name](t, s, e)
			s.expect(t, messages, where)
		})
	}
}

// expect looks for the messages, each once.
func (s *station) expect(t *testing.T, messages []string, where string) {
	t.Helper()
	if len(messages) == 0 {
		t.Fatal("nothing was sent")
	}
	quoted := make([]string, len(messages))
	for i, m := range messages {
		quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(m) + "'"
	}
	sql := "SELECT uniqExact(message) FROM events WHERE message IN (" + strings.Join(quoted, ", ") + ") AND (" + where + ")"
	found := uint64(0)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if found = s.count(sql); found == uint64(len(messages)) {
			break
		}
	}
	if all := s.count(strings.Replace(sql, "uniqExact(message)", "count()", 1)); found != uint64(len(messages)) || all != found {
		out, _, _ := s.run("sql", "SELECT * FROM events WHERE message IN ("+strings.Join(quoted, ", ")+")", "--output", "jsonl")
		t.Errorf("%d of %d messages, %d times, where %s; stored are\n%s", found, len(messages), all, where, out)
	}
}

// runShell runs a block as a shell does that has NIGHTJAR_KEY set.
func runShell(t *testing.T, s *station, e example) (messages []string, where string) {
	t.Helper()
	e.text = strings.ReplaceAll(e.text, "$NIGHTJAR_KEY", "$KEY_OF_THE_TEST")
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", s.configured(e, s.dir))
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "KEY_OF_THE_TEST="+s.key)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Split(e.options["message"], "|"), orTrue(e.options["where"])
}

func orTrue(where string) string {
	if where == "" {
		return "1"
	}
	return where
}

// unpacked is where `make senders` puts senders.
const unpacked = "../bin/senders"

// senderBinary is where a sender is, and the environment that it needs.
func senderBinary(name string) (path string, env []string) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	root, err := filepath.Abs(unpacked)
	if err != nil {
		return "", nil
	}
	if _, err := os.Stat(filepath.Join("/lib/systemd", name)); err == nil {
		return filepath.Join("/lib/systemd", name), nil
	}
	path = ""
	for _, dir := range []string{"usr/sbin", "lib/systemd", "usr/lib/systemd"} {
		if at := filepath.Join(root, dir, name); path == "" {
			if _, err := os.Stat(at); err == nil {
				path = at
			}
		}
	}
	if path == "" {
		return "", nil
	}
	libraries := []string{"usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/syslog-ng", "lib/x86_64-linux-gnu/systemd", "usr/lib/x86_64-linux-gnu/systemd"}
	for i := range libraries {
		libraries[i] = filepath.Join(root, libraries[i])
	}
	return path, []string{"LD_LIBRARY_PATH=" + strings.Join(libraries, ":")}
}

var senderPrograms = map[string]string{"rsyslog": "rsyslogd", "syslog-ng": "syslog-ng", "logger": "logger", "curl": "curl", "journal-upload": "systemd-journal-upload"}

// requireSender skips, and says so, where a sender is missing; where REQUIRE_SENDERS
// is set, it fails.
func requireSender(t *testing.T, name string) {
	t.Helper()
	switch name {
	case "node":
		requireNpm(t)
		return
	case "otel-go":
		requireOpenTelemetry(t)
		return
	}
	program := senderPrograms[name]
	if path, _ := senderBinary(program); path != "" {
		return
	}
	missingSender(t, program)
}

// missingSender skips, and says so; where REQUIRE_SENDERS is set, it fails.
func missingSender(t *testing.T, what string) {
	t.Helper()
	said := fmt.Sprintf("NOT TESTED: %s is not here; `make test-senders` fetches it and runs this", what)
	if os.Getenv("REQUIRE_SENDERS") != "" {
		t.Fatal(said)
	}
	t.Skip(said)
}

// daemon is a sender that runs beside the test.
type daemon struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *lockedBuffer
	done   chan struct{}
	socket string // where it takes messages of this host
}

// startDaemon starts a sender, and returns when it takes messages.
func startDaemon(t *testing.T, name, socket string, args ...string) *daemon {
	t.Helper()
	path, env := senderBinary(name)
	d := &daemon{t: t, cmd: exec.Command(path, args...), output: &lockedBuffer{}, done: make(chan struct{}), socket: socket}
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.Stdout, d.cmd.Stderr = d.output, d.output
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // how it ended is for the test to judge
		close(d.done)
	}()
	t.Cleanup(d.stop)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			return d
		}
		select {
		case <-d.done:
			t.Fatalf("%s ended:\n%s", name, d.output)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("%s made no socket:\n%s", name, d.output)
		}
	}
}

// stop asks it to end, which it does when it has sent what it has.
func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-d.done:
	case <-time.After(20 * time.Second):
		_ = d.cmd.Process.Kill()
		<-d.done
	}
}

// log writes messages as a program of this host does: app[41], of the facility user,
// as warnings.
func (d *daemon) log(messages ...string) {
	d.t.Helper()
	for _, m := range messages {
		cmd := exec.Command("logger", "--socket", d.socket, "--tag", "app", "--id=41", "--priority", "user.warning", "--", m)
		if out, err := cmd.CombinedOutput(); err != nil {
			d.t.Fatalf("logger: %v: %s", err, bytes.TrimSpace(out))
		}
	}
}

// await returns when the messages have come, and the sender has ended: one that is
// stopped before may keep them on its disk.
func (d *daemon) await(s *station, messages []string) {
	d.t.Helper()
	s.expect(d.t, messages, loggedWhere)
	d.stop()
	if d.t.Failed() {
		d.t.Fatalf("the sender said:\n%s", d.output)
	}
}

// loggedWhere is what is known of the messages of log.
const loggedWhere = "service = 'app' AND status = 'warn' AND host != '' AND abs(dateDiff('second', timestamp, now64())) < 600"

// threeOf are the messages that an example sends.
func threeOf(e example) (out []string) {
	for i := range 3 {
		out = append(out, fmt.Sprintf("message %d of %s: \"quoted\" and üñí", i, e))
	}
	return out
}

func startRsyslog(t *testing.T, config, dir string) *daemon {
	t.Helper()
	path, _ := senderBinary("rsyslogd")
	modules, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "../lib/*/rsyslog"))
	file, socket := filepath.Join(dir, "rsyslog.conf"), filepath.Join(dir, "log")
	head := fmt.Sprintf("global(workDirectory=%q)\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=%q)\n", dir, socket)
	if err := os.WriteFile(file, []byte(head+config), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "-f", file, "-i", filepath.Join(dir, "pid")}
	if len(modules) > 0 {
		args = append(args, "-M", modules[0])
	}
	return startDaemon(t, "rsyslogd", socket, args...)
}

func runRsyslog(t *testing.T, s *station, e example) (messages []string, where string) {
	t.Helper()
	dir := t.TempDir()
	d := startRsyslog(t, s.configured(e, dir), dir)
	messages = threeOf(e)
	d.log(messages...)
	d.await(s, messages)
	return messages, loggedWhere + also(e)
}

func also(e example) string {
	if where := e.options["where"]; where != "" {
		return " AND (" + where + ")"
	}
	return ""
}

func startSyslogNG(t *testing.T, config, dir string) *daemon {
	t.Helper()
	path, _ := senderBinary("syslog-ng")
	root := filepath.Join(filepath.Dir(path), "../..")
	modules, _ := filepath.Glob(filepath.Join(root, "usr/lib/syslog-ng/3*"))
	file, socket := filepath.Join(dir, "syslog-ng.conf"), filepath.Join(dir, "log")
	head := fmt.Sprintf("@version: 3.38\noptions { stats-freq(0); };\nsource s_src { unix-dgram(%q); };\n", socket)
	if err := os.WriteFile(file, []byte(head+config), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--foreground", "--stderr", "--no-caps", "--cfgfile", file, "--persist-file", dir + "/persist", "--pidfile", dir + "/pid", "--control", dir + "/ctl"}
	if len(modules) > 0 {
		args = append(args, "--module-path", strings.Join(modules, ":"))
	}
	return startDaemon(t, "syslog-ng", socket, args...)
}

func runSyslogNG(t *testing.T, s *station, e example) (messages []string, where string) {
	t.Helper()
	dir := t.TempDir()
	d := startSyslogNG(t, s.configured(e, dir), dir)
	messages = threeOf(e)
	d.log(messages...)
	d.await(s, messages)
	return messages, loggedWhere + also(e)
}

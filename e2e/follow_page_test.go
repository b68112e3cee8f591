package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTheExamplesOfFiles runs the commands of docs/sources/files.md, with the files
// that they name in a folder of the test, and looks for their events.
func TestTheExamplesOfFiles(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	dir := t.TempDir()
	evtx, err := os.ReadFile(filepath.Join("..", "ingest", "evtx", "testdata", "b-process.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	sshd := "Mar  1 12:00:00 h sshd[1]: Failed password for root from 192.0.2.9 port 1 ssh2\n"
	at := map[string]string{}
	for path, content := range map[string]string{
		"/var/log/auth.log":               sshd,
		"/var/log/audit/audit.log":        `type=USER_LOGIN msg=audit(1700000000.001:2): pid=3280 msg='op=login acct="root" res=failed'` + "\n",
		"Security.evtx":                   string(evtx),
		"/opt/zeek/logs/current/conn.log": "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n1700000000.5\tC1\t192.0.2.1\n",
		"/var/log/suricata/eve.json":      `{"timestamp":"2023-11-14T22:13:20.000000+0000","flow_id":1,"event_type":"alert","src_ip":"192.0.2.1","alert":{"signature":"S"}}` + "\n",
		"trails/a.json.gz":                string(gzipped(t, []byte(`{"Records":[{"eventTime":"2023-11-14T22:13:20Z","eventName":"x"}]}`))),
	} {
		at[path] = putFile(t, filepath.Join(dir, path), []byte(content))
	}
	run := 0
	for _, e := range examplesOf(t, sourcePages+"/files.md") {
		if e.language != "sh" {
			continue
		}
		for _, command := range strings.Split(strings.TrimSpace(e.text), "\n") {
			run++
			args := strings.Fields(command)
			for i, a := range args {
				if strings.HasPrefix(a, "/") {
					args[i] = filepath.Join(dir, a)
				}
			}
			cmd := exec.Command("sh", "-c", "exec "+p.path+" "+strings.Join(args[1:], " ")) // the shell unfolds patterns
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "NIGHTJAR_SERVER="+p.base, "NIGHTJAR_API_KEY="+p.key)
			var said lockedBuffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(command, "--follow") {
				followOne(t, p, at["/var/log/auth.log"], sshd)
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v\n%s", command, err, said.String())
			}
		}
	}
	if run != 6 {
		t.Errorf("%d commands were run", run)
	}
	p.caughtUp()
	for where, want := range map[string]uint64{
		"source = 'sshd' AND attributes.network.client.ip = '192.0.2.9'": 2, "source = 'auditd' AND attributes.evt.name = 'user_login'": 1,
		"source = 'windows.events' AND attributes.Event.System.EventID = 4688": 1, "source = 'zeek' AND service = 'conn'": 1,
		"source = 'suricata' AND message = 'S'": 1, "source = 'cloudtrail'": 1,
	} {
		if n := p.count("SELECT count() FROM events WHERE " + where); n != want {
			t.Errorf("%d events where %s, want %d", n, where, want)
		}
	}
}

// followOne writes to a file that is followed, and waits for what was written.
func followOne(t *testing.T, p *process, path, line string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Replace(line, "12:00:00", "12:00:01", 1)); err != nil {
		t.Fatal(err)
	}
	p.await("stored", func() bool { return p.count("SELECT count() FROM events WHERE source = 'sshd'") >= 2 })
}

// TestFilesThatComeAreFollowed follows a folder and a pattern while files come to
// both, one of which can't be read.
func TestFilesThatComeAreFollowed(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		putFile(t, filepath.Join(dir, name), []byte(text))
	}
	put("a/1.log", "one\n")
	var said lockedBuffer
	cmd := p.command("ingest", "--follow", "--source", "x", filepath.Join(dir, "a"), filepath.Join(dir, "*.txt"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	await := func(n uint64) {
		t.Helper()
		p.await("shipped", func() bool { return p.count("SELECT count() FROM events WHERE source = 'x'") >= n })
	}
	await(1)
	put("a/b/2.log", "two\nthree\n")
	put("3.txt", "four\n")
	put("4.txt", strings.Repeat("\x00\x01", 600))
	put("5.txt", "{\"timestamp\":1700000000000}\n{broken\n{\"timestamp\":1700000000001}\n")
	await(6)
	p.await("told", func() bool {
		return strings.Contains(said.String(), "4.txt is ") && strings.Contains(said.String(), "5.txt:2: ")
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitFailure || !strings.Contains(said.String(), "6 lines acknowledged") || !strings.Contains(said.String(), "warning: 2 events are older") {
		t.Errorf("exit %d: %s", code, said.String())
	}
	if n := p.count("SELECT count() FROM events WHERE source = 'x'"); n != 6 {
		t.Errorf("%d events, want 6", n)
	}
}

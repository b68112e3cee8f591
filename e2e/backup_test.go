package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// TestARestoredEngineIsTheOneThatWasBackedUp backs up an engine that is at work,
// loses it, and goes on from the backup.
func TestARestoredEngineIsTheOneThatWasBackedUp(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startEngine(t, longAgo...)
	createWatched(p)
	log := testenv.SharedOr(t, "data/auth/elastic_examples_auth.log", "e2e/testdata/auth.log")
	if _, stderr, code := p.run("ingest", "--source", "sshd", "--year", "2017", log); code != exitOK {
		t.Fatal(stderr)
	}
	p.caughtUp()
	signals, events := p.signals(""), p.count("SELECT count() FROM events")

	// Others go on sending: what they were promised before the backup is in it,
	// and what came later is in it with its batch id or not at all.
	l := startLoad(p, 500)
	time.Sleep(2 * time.Second)
	promised := uint64(l.acknowledged.Load())
	file := filepath.Join(t.TempDir(), "backup.tar")
	if _, stderr, code := p.run("backup", file); code != exitOK {
		t.Fatalf("backup: exit %d: %s", code, stderr)
	}
	time.Sleep(time.Second)
	l.finish(t)
	batches := int(l.batches.Load())
	if left := p.leftovers(); len(left) > 0 {
		t.Errorf("the backup left %v on the server", left)
	}
	p.end()
	if err := os.RemoveAll(p.dir); err != nil {
		t.Fatal(err)
	}

	restore := func(file, dir string) (string, error) {
		out, err := exec.Command(p.path, "restore", file, "--data-dir", dir).CombinedOutput()
		return string(out), err
	}
	// One that is cut off, or changed, gives no data folder.
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	middle := len(whole) / 2
	for whole[middle] == 0 { // what fills the archive's blocks up is nobody's
		middle++
	}
	for name, content := range map[string][]byte{
		"cut in half": whole[:len(whole)/2], "without its end": whole[:len(whole)-2048], "empty": nil,
		"one byte flipped": slices.Concat(whole[:middle], []byte{whole[middle] ^ 1}, whole[middle+1:]),
	} {
		broken := filepath.Join(t.TempDir(), "broken.tar")
		if err := os.WriteFile(broken, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := restore(broken, p.dir); err == nil {
			t.Errorf("%s: restored: %s", name, out)
		}
		if _, err := os.Stat(p.dir); err == nil {
			t.Fatalf("%s: there is a data folder", name)
		}
	}

	if out, err := restore(file, p.dir); err != nil {
		t.Fatalf("restore: %v: %s", err, out)
	}
	if out, err := restore(file, p.dir); err == nil || !strings.Contains(out, "not empty") {
		t.Errorf("a second restore into the same folder: %v: %s", err, out)
	}
	p.start()
	p.caughtUp()
	if diff := cmp.Diff(sorted(signals), sorted(p.signals(""))); diff != "" {
		t.Errorf("signals (-before +after):\n%s", diff)
	}
	if n := p.count("SELECT count() FROM events WHERE source = 'sshd'"); n != events {
		t.Errorf("%d events of the log are there, want %d", n, events)
	}
	there := p.count("SELECT count() FROM events WHERE source = 'chaos'")
	if there < promised || there > uint64(l.acknowledged.Load()) {
		t.Errorf("%d events of the load are there; %d were acknowledged before the backup, %d in all", there, promised, l.acknowledged.Load())
	}
	// The senders send everything again, as they would after such a loss.
	last := p.count("SELECT max(seq) FROM events")
	again := &load{}
	again.aim(p)
	for s := range 4 {
		for n := range batches/4 + 5 {
			again.deliver(fmt.Sprintf("%d-%d", s, n))
		}
	}
	p.drained(patience)
	rows, names := p.count("SELECT count() FROM events WHERE source = 'chaos'"), p.count("SELECT uniqExact(toString(attributes.name)) FROM events WHERE source = 'chaos'")
	if want := uint64(again.acknowledged.Load()); rows != want || names != want {
		t.Errorf("after everything was sent again: %d events, %d different ones, want %d", rows, names, want)
	}
	if seqs := p.count("SELECT uniqExact(seq) FROM events"); seqs != rows+events {
		t.Errorf("%d arrival numbers for %d events", seqs, rows+events)
	}
	if n := p.count(fmt.Sprintf("SELECT count() FROM events WHERE seq > %d", last)); n == 0 {
		t.Error("nothing new was stored behind the restored events")
	}
	// Rules go on: the log once more, a year later, raises as many signals again.
	if _, stderr, code := p.run("ingest", "--source", "sshd", "--year", "2018", log); code != exitOK {
		t.Fatal(stderr)
	}
	p.caughtUp()
	if n := len(p.signals("")); n != 2*len(signals) {
		t.Errorf("%d signals after the log came again, want %d", n, 2*len(signals))
	}
	t.Logf("%d events, %d of them of the load (%d acknowledged before the backup began, %d in all), %d signals, %d bytes of backup", events+there, there, promised, l.acknowledged.Load(), len(signals), len(whole))
}

// leftovers are the files of backups on the server.
func (p *process) leftovers() []string {
	left, err := filepath.Glob(filepath.Join(p.dir, "clickhouse", "backups", "*"))
	if err != nil {
		p.t.Fatal(err)
	}
	return left
}

// TestAKilledBackupLeavesNothingAndTheNextOneWorks kills the engine during one.
func TestAKilledBackupLeavesNothingAndTheNextOneWorks(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	l := startLoad(p, 1000)
	time.Sleep(time.Second)
	for _, after := range []time.Duration{5, 30, 80} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _, _ = p.request(http.MethodPost, backupPath, nil) // it is cut off
		}()
		time.Sleep(after * time.Millisecond)
		p.kill()
		<-done
		p.start()
		l.aim(p)
		if left := p.leftovers(); len(left) > 0 {
			t.Errorf("killed after %d ms, it left %v", after, left)
		}
	}
	l.finish(t)
	status, _, err := p.request(http.MethodPost, backupPath, nil)
	if err != nil || status != http.StatusOK {
		t.Errorf("the next backup: %d %v", status, err)
	}
	l.verify(p)
}

// TestAServerOfTheUsersIsBackedUpWhereItSays has the tables of an engine on
// another server go where backup-to says, and come back into another database.
func TestAServerOfTheUsersIsBackedUpWhereItSays(t *testing.T) {
	t.Parallel()
	testenv.RequireLibrary(t)
	server, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: t.TempDir(), Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(context.Background())
	admin := testenv.Open(t, server.Options(clickhouse.Admin))
	use := func(database string) string {
		if err := admin.Exec(t.Context(), "CREATE DATABASE "+database); err != nil {
			t.Fatal(err)
		}
		o := server.Options(clickhouse.Admin)
		return fmt.Sprintf("NIGHTJAR_CLICKHOUSE=clickhouse://%s:%s@%s/%s", o.Auth.Username, o.Auth.Password, server.Addr(), database)
	}
	p := startEngineWith(t, []string{use("before")})
	p.call(http.MethodPost, "/api/v2/logs", chaosBody("x"), nil)
	p.drained(patience)
	file := filepath.Join(t.TempDir(), "backup.tar")
	if _, stderr, code := p.run("backup", file); code != exitFailure || !strings.Contains(stderr, "backup-to") {
		t.Errorf("without a destination: exit %d: %s", code, stderr)
	}
	p.terminate() // a client that is killed resets its connection, which ends a server that stands in for the user's (clickhouse/closing.go)
	const backupTo = "NIGHTJAR_BACKUP_TO=File('mine-{name}')"
	p.env = append(p.env, backupTo)
	p.start()
	if _, stderr, code := p.run("backup", file); code != exitOK {
		t.Fatalf("backup: exit %d: %s", code, stderr)
	}
	p.terminate()
	p.env = []string{use("after"), backupTo}
	p.dir += "-restored"
	restore := exec.Command(p.path, "restore", file, "--data-dir", p.dir)
	restore.Env = append(os.Environ(), p.env...)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("restore: %v: %s", err, out)
	}
	p.start()
	p.call(http.MethodPost, "/api/v2/logs", chaosBody("y"), nil)
	p.drained(patience)
	var rows, names uint64
	if err := admin.QueryRow(t.Context(), "SELECT count(), uniqExact(toString(attributes.name)) FROM after.events").Scan(&rows, &names); err != nil {
		t.Fatal(err)
	}
	if rows != 2*batchEvents || names != rows {
		t.Errorf("%d events, %d different ones, want %d", rows, names, 2*batchEvents)
	}
}

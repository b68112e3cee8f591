package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightjar/testenv"
)

// gzipped is a text compressed.
func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// putFile makes a file, and the folders that lead to it.
func putFile(t testing.TB, path string, text []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAFileThatGrewIsContinued ships files, lets them grow, be renamed and packed,
// and the engine be killed, and ships them again.
func TestAFileThatGrewIsContinued(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	dir := t.TempDir()
	put := func(name string, text []byte) string { return putFile(t, filepath.Join(dir, name), text) }
	lines := func(n int) []byte {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, "line %d\n", i)
		}
		return b.Bytes()
	}
	events := func(from, to int) (out []string) {
		for i := range to - from {
			out = append(out, fmt.Sprintf(`{"timestamp":%d,"n":%d}`, time.Now().UnixMilli(), from+i))
		}
		return out
	}
	want := uint64(0)
	ship := func(says string, add uint64, args ...string) {
		t.Helper()
		_, stderr, code := p.run(append([]string{"ingest", "--batch", "7"}, args...)...)
		if code != exitOK || !strings.Contains(stderr, says) {
			t.Errorf("%q: exit %d, %s; want %q", args, code, stderr, says)
		}
		want += add
	}
	path := put("a.log", lines(20))
	ship("20 lines acknowledged in 3 requests\n", 20, "--source", "a", path)
	ship("0 lines acknowledged in 0 requests; 20 had been sent before", 0, "--source", "a", path)
	put("a.log", lines(45))
	ship("25 lines acknowledged in 4 requests; 20 had been sent before", 25, "--source", "a", path)
	p.kill()
	p.start()
	ship("0 lines acknowledged in 0 requests; 45 had been sent before", 0, "--source", "a", put("a.log.1.gz", gzipped(t, lines(45))))
	ship("5 lines acknowledged in 1 requests; 45 had been sent before", 5, "--source", "a", put("other name.zst", gzipped(t, lines(50))))
	// In another way, and once more, it is sent anew.
	ship("50 lines acknowledged", 50, "--source", "a", "--tags", "x:y", put("a.log", lines(50)))
	ship("50 lines acknowledged", 50, "--source", "a", "--again", path)
	// What is read in between is not that file, though it begins like it.
	ship("3 lines acknowledged in 1 requests\n", 3, "--source", "a", put("b.log", []byte("line 0\nline 1\nline x\n")))
	ship("0 lines acknowledged in 0 requests; 3 had", 0, "--source", "a", path[:len(path)-5]+"b.log")
	ship("49 lines acknowledged in 7 requests\n", 49, "--source", "a", put("c.log", bytes.TrimPrefix(lines(50), []byte("line 0\n"))))
	// A last line without its end is sent, and once more when it has grown.
	ship("3 lines acknowledged", 3, "--source", "a", put("d.log", []byte("d1\nd2\nd3")))
	ship("0 lines acknowledged in 0 requests; 3 had", 0, "--source", "a", put("d.log", []byte("d1\nd2\nd3\n")))
	ship("3 lines acknowledged", 3, "--source", "a", put("e.log", []byte("e1\ne2\ne")))
	ship("2 lines acknowledged in 1 requests; 2 had", 2, "--source", "a", put("e.log", []byte("e1\ne2\ne3\ne4\n")))
	// Every form that can grow.
	e := events(0, 9)
	ship("9 lines acknowledged", 9, "--source", "a", put("f.json", []byte("["+strings.Join(e, ",\n")+"]")))
	e = append(e, events(9, 12)...)
	ship("3 lines acknowledged in 1 requests; 9 had", 3, "--source", "a", put("f.json", []byte("["+strings.Join(e, ",\n")+"]")))
	ship("0 lines acknowledged in 0 requests; 12 had", 0, "--source", "a", put("f.ndjson", []byte(strings.Join(e, "\n"))))
	ship("2 lines acknowledged", 2, "--source", "a", put("g.csv", []byte("n,m\n1,2\n3,4\n")))
	ship("1 lines acknowledged in 1 requests; 2 had", 1, "--source", "a", put("g.csv", []byte("n,m\n1,2\n3,4\n5,6\n")))
	p.caughtUp()
	if n := p.count("SELECT count() FROM events"); n != want {
		t.Errorf("%d events, want %d", n, want)
	}
}

// rotating is a log that is written, rotated and truncated while it is followed.
type rotating struct {
	t       *testing.T
	dir     string
	out     *os.File
	written int
	rotated int
	random  *rand.Rand
}

func (r *rotating) path() string { return filepath.Join(r.dir, "app.log") }

func (r *rotating) open() {
	r.t.Helper()
	var err error
	if r.out, err = os.OpenFile(r.path(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// write adds lines, one of them in two pieces.
func (r *rotating) write() {
	r.t.Helper()
	n := 1 + r.random.IntN(40)
	for i := range n {
		r.written++
		line := fmt.Sprintf(`{"timestamp":%d,"source":"follow","n":%d,"filler":"%s"}`+"\n", time.Now().UnixMilli(), r.written, strings.Repeat("x", r.random.IntN(200)))
		cut := len(line)
		if i == n/2 {
			cut = r.random.IntN(len(line))
		}
		for _, piece := range []string{line[:cut], line[cut:]} {
			if _, err := r.out.WriteString(piece); err != nil {
				r.t.Fatal(err)
			}
			if cut < len(line) {
				time.Sleep(time.Duration(r.random.IntN(20)) * time.Millisecond)
			}
		}
	}
}

func (r *rotating) next() string {
	r.rotated++
	return fmt.Sprintf("%s.%d", r.path(), r.rotated)
}

// rename rotates by renaming; the writer has the old file a while longer.
func (r *rotating) rename() string {
	to := r.next()
	if err := os.Rename(r.path(), to); err != nil {
		r.t.Fatal(err)
	}
	r.write()
	r.out.Close()
	r.open()
	return to
}

// pack compresses what was rotated away.
func (r *rotating) pack(path string) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path+".gz", gzipped(r.t, text), 0o600)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// copyAndTruncate rotates by copying.
func (r *rotating) copyAndTruncate() {
	from, err := os.Open(r.path())
	if err != nil {
		r.t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(r.next())
	if err != nil {
		r.t.Fatal(err)
	}
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		r.t.Fatal(err)
	}
	r.truncate()
}

func (r *rotating) truncate() {
	if err := os.Truncate(r.path(), 0); err != nil {
		r.t.Fatal(err)
	}
}

// followingProcess is a follower that is killed and started again.
type followingProcess struct {
	p      *process
	path   string
	cmd    *exec.Cmd
	output *lockedBuffer
}

func (f *followingProcess) start() {
	f.output = &lockedBuffer{}
	f.cmd = f.p.command("ingest", "--follow", "--batch", "50", f.path)
	f.cmd.Stderr = f.output
	if err := f.cmd.Start(); err != nil {
		f.p.t.Fatal(err)
	}
}

func (f *followingProcess) kill() {
	_ = f.cmd.Process.Kill() // it may have ended already
	_ = f.cmd.Wait()
}

var chaosRotations = envInt("NIGHTJAR_CHAOS_ROTATIONS", 10)

// TestChaosFollow follows a log through rotations of every kind, truncations,
// restarts of the engine and kills of both: nothing is lost, nothing doubled.
func TestChaosFollow(t *testing.T) {
	t.Parallel()
	testenv.RequireLibrary(t)
	p := startEngine(t, "--http", "127.0.0.1:"+freePort(t))
	seed := uint64(envInt("NIGHTJAR_CHAOS_SEED", int(time.Now().UnixNano())))
	r := &rotating{t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 1))}
	t.Logf("seed %d", seed)
	r.open()
	f := &followingProcess{p: p, path: r.path()}
	f.start()
	defer func() { f.kill() }()
	stored := func() uint64 { return p.count("SELECT uniqExact(attributes.n) FROM events WHERE source = 'follow'") }
	kills, restarts, truncations := 0, 0, 0
	done := "" // what was done, for when it fails
	complete := func() {
		t.Helper()
		deadline := time.Now().Add(patience)
		for stored() < uint64(r.written) {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d lines are stored after %s; the follower said:\n%s", stored(), r.written, done, f.output)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	// What was rotated away before anything was sent is not looked for.
	r.write()
	complete()
	for range chaosRotations {
		r.write()
		turn := r.random.IntN(7)
		done += fmt.Sprint(turn)
		switch turn {
		case 0:
			r.rename()
		case 1:
			r.pack(r.rename())
		case 2:
			r.copyAndTruncate()
		case 3: // with no copy, only what was read is safe
			complete()
			r.truncate()
			truncations++
		case 4:
			f.kill()
			r.rename()
			r.write()
			r.pack(r.rename())
			f.start()
			kills++
		case 5:
			f.kill()
			r.write()
			f.start()
			r.rename()
			kills++
		case 6:
			p.kill()
			r.write()
			r.rename()
			p.start()
			restarts++
		}
		time.Sleep(time.Duration(r.random.IntN(600)) * time.Millisecond)
	}
	r.write()
	complete()
	check := func(when string) {
		t.Helper()
		p.caughtUp()
		if n := p.count("SELECT count() FROM events WHERE source = 'follow'"); n != uint64(r.written) {
			t.Errorf("%s: %d events of %d lines; the follower said:\n%s", when, n, r.written, f.output)
		}
	}
	check("followed")
	if err := f.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Wait(); err != nil {
		t.Errorf("the follower ended with %v:\n%s", err, f.output)
	}
	// Whoever ships what was rotated away adds nothing; a part that only a follower
	// saw, before a truncation without a copy, is not there.
	if _, stderr, code := p.run("ingest", "--source", "", r.dir); code != exitOK || !strings.Contains(stderr, "0 lines acknowledged") {
		t.Errorf("shipped by another: exit %d, %s", code, stderr)
	}
	check("shipped by another")
	t.Logf("%d rotations (%d truncations, %d kills of the follower, %d of the engine): %d lines, lost 0, doubled %d",
		chaosRotations, truncations, kills, restarts, r.written, p.count("SELECT count() FROM events WHERE source = 'follow'")-uint64(r.written))
}

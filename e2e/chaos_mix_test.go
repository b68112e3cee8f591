package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chaos is a run of faults at random, under load.
type chaos struct {
	t      *testing.T
	p      *process
	l      *load
	random *rand.Rand
	disk   string // the mount that the data folder is on
	clock  string // the file that moves the engine's clock
	counts map[string]int
	starts int
}

// TestChaosOfEverything does what happens to machines, in a random order, for
// NIGHTJAR_CHAOS_MIX seconds: processes killed together or stopped, the
// engine's clock moved, the disk full or read-only, the data folder copied while it is written to.
// In the end everything that was acknowledged is there once; every start succeeded.
func TestChaosOfEverything(t *testing.T) {
	seconds := envInt("NIGHTJAR_CHAOS_MIX", 0)
	if seconds == 0 {
		t.Skip("takes real time: `make chaos`, or NIGHTJAR_CHAOS_MIX=900 (seconds)")
	}
	c := newChaos(t)
	faults := c.faults()
	names := slices.Sorted(maps.Keys(faults))
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		// Every fault comes before any comes twice.
		for _, i := range c.random.Perm(len(names)) {
			if time.Now().After(end) {
				break
			}
			time.Sleep(c.upTo(3 * time.Second))
			t.Logf("%s  %s", time.Now().Format(time.TimeOnly), names[i])
			faults[names[i]]()
			c.counts[names[i]]++
			c.takesIn()
		}
	}
	c.l.finish(t)
	c.p.report("duration", time.Duration(seconds)*time.Second, "faults", c.counts, "starts that succeeded", c.starts)
	c.l.verify(c.p)
	if said := c.p.metric("nightjar_ingest_events_lost_total"); said != 0 {
		t.Errorf("%v events are said to be lost, and none was damaged", said)
	}
}

func newChaos(t *testing.T) *chaos {
	c := &chaos{t: t, random: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 17)), counts: map[string]int{}, disk: t.TempDir(), clock: filepath.Join(t.TempDir(), "clock")}
	if err := syscall.Mount("tmpfs", c.disk, "tmpfs", 0, "size=3g"); err != nil {
		t.Fatalf("this test needs root: mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(c.disk, syscall.MNT_DETACH) })
	c.move(0)
	t.Setenv(clockVariable, c.clock)
	c.p = startEngineIn(t, filepath.Join(c.disk, "data"))
	c.starts++
	c.l = startLoad(c.p, min(chaosRate, 1500))
	return c
}

// move moves the engine's clock. (That of the embedded ClickHouse can't be moved:
// it asks the kernel by itself, past libc, and so past libfaketime.)
func (c *chaos) move(by time.Duration) {
	if err := os.WriteFile(c.clock+".new", []byte(by.String()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(c.clock+".new", c.clock); err != nil { // it is read meanwhile
		c.t.Fatal(err)
	}
}

func (c *chaos) upTo(most time.Duration) time.Duration {
	return time.Duration(c.random.Int64N(int64(most)))
}

// restart starts the engine again, and fails the test where it does not come up.
func (c *chaos) restart() {
	c.p.start()
	c.starts++
	c.l.aim(c.p)
}

// takesIn waits until the intake acknowledges again.
func (c *chaos) takesIn() {
	taken := c.l.acknowledged.Load()
	c.p.await("taking in again", func() bool { return c.l.acknowledged.Load() > taken })
}

func (c *chaos) faults() map[string]func() {
	return map[string]func(){
		"engine and server killed together": func() {
			if pid := c.p.runningServer(); pid != 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			c.p.kill()
			c.restart()
		},
		"engine killed": func() { c.p.kill(); c.restart() },
		"server killed": c.p.killServer,
		"engine stopped for a while": func() {
			_ = c.p.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(c.upTo(20 * time.Second))
			_ = c.p.cmd.Process.Signal(syscall.SIGCONT)
		},
		"server stopped for a while": func() {
			pid := c.p.runningServer()
			_ = syscall.Kill(pid, syscall.SIGSTOP)
			time.Sleep(c.upTo(40 * time.Second))
			_ = syscall.Kill(pid, syscall.SIGCONT)
		},
		"clock an hour ahead and back": func() { c.jump(time.Hour) },
		"clock an hour back":           func() { c.jump(-time.Hour) },
		"clock a day ahead and back":   func() { c.jump(24 * time.Hour) },
		"clock a day back":             func() { c.jump(-24 * time.Hour) },
		"disk full":                    c.fullDisk,
		"disk read-only":               c.readOnlyDisk,
		"data folder copied":           c.copyFolder,
		"terminated":                   func() { c.p.terminate(); c.restart() },
	}
}

// jump moves the clock away and back, with a kill in between now and then.
func (c *chaos) jump(by time.Duration) {
	c.move(by)
	time.Sleep(c.upTo(8 * time.Second))
	if c.random.IntN(3) == 0 {
		c.p.kill()
		c.restart()
	}
	time.Sleep(c.upTo(8 * time.Second))
	c.move(0)
}

func (c *chaos) fullDisk() {
	ballast := filepath.Join(c.disk, "ballast")
	fillDisk(c.t, ballast)
	time.Sleep(c.upTo(15 * time.Second))
	if c.random.IntN(3) == 0 {
		c.p.kill()
		c.p.startAndKill(c.upTo(3 * time.Second))
		defer c.restart()
	}
	if err := os.Remove(ballast); err != nil {
		c.t.Fatal(err)
	}
}

// readOnlyDisk has writes fail as a file system does that found itself damaged. One
// with files open for writing can't be made read-only in another way than that the
// engine is gone meanwhile.
func (c *chaos) readOnlyDisk() {
	c.p.kill()
	c.remount(syscall.MS_REMOUNT | syscall.MS_RDONLY)
	c.p.startAndKill(time.Second + c.upTo(3*time.Second))
	c.remount(syscall.MS_REMOUNT)
	c.restart()
}

func (c *chaos) remount(flags uintptr) {
	var err error
	for range 100 { // what was killed may still hold files
		if err = syscall.Mount("tmpfs", c.disk, "tmpfs", flags, "size=3g"); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.t.Fatalf("remount: %v", err)
}

// copyFolder copies the data folder as a careless backup does, and starts an engine
// on the copy: it comes up, or says in a sentence why not, and has nothing twice.
func (c *chaos) copyFolder() {
	dir := filepath.Join(c.t.TempDir(), "copy")
	_ = exec.Command("cp", "-a", c.p.dir, dir).Run() // files that vanish meanwhile are its point
	defer os.RemoveAll(dir)
	q := &process{t: c.t, path: c.p.path, dir: dir}
	q.start()
	defer q.end()
	q.drained(5 * time.Minute)
	rows := q.count("SELECT count() FROM events WHERE source = 'chaos'")
	names := q.count("SELECT uniqExact(toString(attributes.name)) FROM events WHERE source = 'chaos'")
	if rows != names {
		c.t.Errorf("the copy has %d events, %d different ones", rows, names)
	}
}

// TestChaosDamage damages segments of the log and parts of the table at random, while
// the engine is down. What is gone in the end is what it says is gone.
func TestChaosDamage(t *testing.T) {
	rounds := envInt("NIGHTJAR_CHAOS_DAMAGE", 0)
	if rounds == 0 {
		t.Skip("takes real time: `make chaos`, or NIGHTJAR_CHAOS_DAMAGE=20 (rounds)")
	}
	random := rand.New(rand.NewPCG(9, 17))
	damaged := map[string]int{}
	p := startEngine(t)
	l := startLoad(p, min(chaosRate, 1500))
	for range rounds {
		time.Sleep(time.Second + time.Duration(random.IntN(2000))*time.Millisecond)
		if pid := p.runningServer(); pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		p.kill()
		kind, path := damage(t, random, p.dir)
		damaged[kind]++
		t.Logf("%s: %s", kind, path)
		p.start()
		l.aim(p)
	}
	l.finish(t)
	p.drained(10 * time.Minute)
	want := uint64(l.acknowledged.Load())
	lost := func() uint64 { return uint64(max(0, p.metric("nightjar_ingest_events_lost_total"))) }
	stored := func() uint64 {
		status, text, _ := p.request(http.MethodPost, "/api/nightjar/v1/sql", []byte(`{"query":"SELECT count() FROM events WHERE source = 'chaos' AND attributes.name IS NOT NULL"}`))
		var n uint64
		if _, err := fmt.Sscanf(string(text[max(0, bytes.Index(text, []byte("[["))):]), "[[%d]]", &n); err != nil || status != http.StatusOK {
			return 0 // a part that can't be read is not put aside yet
		}
		return n
	}
	p.await("what is gone is told", func() bool { return stored() > 0 && stored()+lost() >= want })
	rows := p.count("SELECT count() FROM events WHERE source = 'chaos'")
	names := p.count("SELECT uniqExact(toString(attributes.name)) FROM events WHERE source = 'chaos'")
	said := lost()
	p.report("damage", damaged, "starts that succeeded", fmt.Sprintf("%d of %d", rounds, rounds),
		"events acknowledged", want, "stored", rows, "doubled", rows-names, "lost", want-names, "said to be lost", said)
	if rows != names {
		t.Errorf("%d events are doubled", rows-names)
	}
	if want-names > said {
		t.Errorf("%d events are lost, %d are said to be", want-names, said)
	}
	status, text, err := p.request(http.MethodGet, "/api/nightjar/v1/status", nil)
	if said > 0 && (err != nil || status != http.StatusOK || !bytes.Contains(text, []byte("events_lost"))) {
		t.Errorf("the status does not tell of it: %d %s %v", status, text, err)
	}
}

// damage flips, cuts off or removes something of the data.
func damage(t *testing.T, random *rand.Rand, dir string) (kind, path string) {
	segments, _ := filepath.Glob(filepath.Join(dir, "intake", "log", "*.wal"))
	parts := eventParts(t, dir)
	for i := range parts {
		parts[i] = filepath.Join(parts[i], "data.bin")
	}
	from := map[string][]string{"segment flipped": segments, "segment cut": segments, "segment removed": segments, "part flipped": parts, "part cut": parts}
	names := slices.Sorted(maps.Keys(from))
	for {
		kind = names[random.IntN(len(names))]
		if list := from[kind]; len(list) > 0 {
			path = list[random.IntN(len(list))]
			break
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case strings.HasSuffix(kind, "removed"):
		err = os.Remove(path)
	case strings.HasSuffix(kind, "cut"):
		err = os.Truncate(path, random.Int64N(info.Size()+1))
	default:
		err = flip(path, random.Int64N(info.Size()+1))
	}
	if err != nil {
		t.Fatal(err)
	}
	return kind, path
}

// flip changes 64 bytes from an offset on.
func flip(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	bytes := make([]byte, 64)
	n, _ := f.ReadAt(bytes, at)
	for i := range bytes[:n] {
		bytes[i] ^= 0x5a
	}
	_, err = f.WriteAt(bytes[:n], at)
	return err
}

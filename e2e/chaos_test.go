package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
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
	"text/tabwriter"
	"time"

	"nightjar/testenv"
)

// The tests of this file run short in `make test`; `make chaos` gives them
// their full size by these variables, and prints their figures.
var (
	chaosKills  = envInt("NIGHTJAR_CHAOS_KILLS", 8)
	chaosOutage = time.Duration(envInt("NIGHTJAR_CHAOS_OUTAGE", 8)) * time.Second
	chaosRate   = envInt("NIGHTJAR_CHAOS_RATE", 1500)
	chaosRounds = envInt("NIGHTJAR_CHAOS_ROUNDS", 2)
	// measured reports whether this is `make chaos`, on a machine that does nothing else: figures
	// of time and memory are judged there only.
	measured = chaosRounds >= 10
)

// load sends batches to an engine that comes and goes. A batch is sent until it
// is acknowledged, always under the same id.
type load struct {
	base, key    atomic.Pointer[string]
	stop         chan struct{}
	done         sync.WaitGroup
	acknowledged atomic.Int64 // events
	batches      atomic.Int64
	again        atomic.Int64 // requests beyond the first of a batch
	refused      atomic.Int64 // 429 and 503
	odd          atomic.Pointer[string]
	client       http.Client
}

const batchEvents = 100

// startLoad sends about rate events a second, in batches of 100.
func startLoad(p *process, rate int) *load {
	l := &load{stop: make(chan struct{}), client: http.Client{Timeout: 10 * time.Second}}
	l.aim(p)
	const senders = 4
	for s := range senders {
		l.done.Go(func() {
			pace := time.NewTicker(time.Second * senders * batchEvents / time.Duration(rate))
			defer pace.Stop()
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				case <-pace.C:
				}
				l.deliver(fmt.Sprintf("%d-%d", s, n))
			}
		})
	}
	return l
}

// aim tells the senders where the engine is now.
func (l *load) aim(p *process) {
	base, key := p.base, p.key
	l.base.Store(&base)
	l.key.Store(&key)
}

// finish waits until every batch that was begun is acknowledged.
func (l *load) finish(t testing.TB) {
	t.Helper()
	close(l.stop)
	l.done.Wait()
	if odd := l.odd.Load(); odd != nil {
		t.Errorf("the intake answered %s", *odd)
	}
}

func (l *load) deliver(id string) {
	body := chaosBody(id)
	for try := 0; ; try++ {
		if try > 0 {
			l.again.Add(1)
			time.Sleep(100 * time.Millisecond)
		}
		req, err := http.NewRequest(http.MethodPost, *l.base.Load()+"/api/v2/logs", bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		req.Header.Set("DD-API-KEY", *l.key.Load())
		req.Header.Set("Nightjar-Batch-Id", id)
		resp, err := l.client.Do(req)
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusAccepted:
			l.acknowledged.Add(batchEvents)
			l.batches.Add(1)
			return
		case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable:
			l.refused.Add(1)
		default:
			odd := fmt.Sprintf("%d %s", resp.StatusCode, text)
			l.odd.Store(&odd)
		}
	}
}

// chaosBody is a batch of events of about 570 bytes, each with a name of its own.
func chaosBody(id string) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range batchEvents {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"ddsource":"chaos","service":"app-%d","hostname":"web-%d","message":"Failed password for u%d from 10.0.%d.%d port 4711 ssh2","name":"%s-%d","evt":{"name":"authentication","outcome":"failure"},"usr":{"id":"u%d","email":"u%d@corp.example"},"network":{"client":{"ip":"10.0.%d.%d","port":4711,"geo":{"cc":"DE","city":"Berlin","lat":52.52,"lon":13.405}}},"http":{"method":"POST","path":"/login","code":401,"ua":"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"}}`,
			i%50, i%20, i, i%250, i%200, id, i, i, i, i%250, i%200)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// verify compares what is stored with what was acknowledged, and says both.
func (l *load) verify(p *process) {
	p.t.Helper()
	p.drained(10 * time.Minute)
	want := uint64(l.acknowledged.Load())
	rows := p.count("SELECT count() FROM events WHERE source = 'chaos'")
	names := p.count("SELECT uniqExact(toString(attributes.name)) FROM events WHERE source = 'chaos'")
	seqs := p.count("SELECT uniqExact(seq) FROM events WHERE source = 'chaos'")
	lost, doubled := int64(want)-int64(names), int64(rows)-int64(names)
	p.report("events acknowledged", want, "stored", rows, "different", names, "lost", lost, "doubled", doubled,
		"requests sent again", l.again.Load(), "answers 429 and 503", l.refused.Load())
	if lost != 0 || doubled != 0 || seqs != rows {
		p.t.Errorf("acknowledged %d events; %d are stored, %d different ones, %d arrival numbers; the engine said:\n%s", want, rows, names, seqs, p.output)
	}
}

// drained waits until everything acknowledged is stored.
func (p *process) drained(limit time.Duration) {
	p.t.Helper()
	p.awaitFor(limit, "drained", func() bool { return p.metric("nightjar_ingest_backlog_events") == 0 })
}

// metric reads a metric without labels; −1 when there is no answer.
func (p *process) metric(name string) float64 {
	status, text, err := p.request(http.MethodGet, "/metrics", nil)
	if err != nil || status != http.StatusOK {
		return -1
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			if f, err := strconv.ParseFloat(value, 64); err == nil {
				return f
			}
		}
	}
	return -1
}

// report prints figures as a table.
func (p *process) report(pairs ...any) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(w, "  %v\t%v\n", pairs[i], pairs[i+1])
	}
	w.Flush()
	p.t.Logf("\n%s", &b)
}

// TestChaosKills kills the engine and the server at random moments under load,
// the engine sometimes while it starts.
func TestChaosKills(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	l := startLoad(p, chaosRate)
	random := rand.New(rand.NewPCG(4, 200))
	engine, server, early := 0, 0, 0
	var slowest time.Duration
	for range chaosKills {
		time.Sleep(time.Duration(random.IntN(1200)) * time.Millisecond)
		if random.IntN(2) == 0 {
			p.await("a server to kill", func() bool {
				pid := p.runningServer()
				return pid != 0 && syscall.Kill(pid, syscall.SIGKILL) == nil
			})
			server++
			continue
		}
		p.kill()
		engine++
		if random.IntN(4) == 0 {
			p.startAndKill(time.Duration(random.IntN(1000)) * time.Millisecond)
			early++
		}
		begun := time.Now()
		p.start() // fails the test when it does not come up
		slowest = max(slowest, time.Since(begun))
		l.aim(p)
	}
	l.finish(t)
	p.report("kill -9 of the engine", engine, "of those again while it started", early, "kill -9 of the server", server,
		"starts that succeeded", fmt.Sprintf("%d of %d", engine, engine), "slowest start", slowest.Round(10*time.Millisecond))
	l.verify(p)
}

// startAndKill is a start that is cut short.
func (p *process) startAndKill(after time.Duration) {
	cmd := exec.Command(p.path, append([]string{"up", "--data-dir", p.dir, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, p.args...)...)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestChaosOutage stops the server under load, and then measures how fast what
// has piled up drains while the load goes on.
func TestChaosOutage(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	l := startLoad(p, chaosRate)
	p.await("storing", func() bool { return p.metric("nightjar_ingest_events_stored_total") > 0 })
	pid := p.runningServer()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	before, began := l.acknowledged.Load(), time.Now()
	time.Sleep(chaosOutage)
	want := 0.8 * float64(chaosRate)
	p.await("taking in while the server stands still", func() bool { return float64(l.acknowledged.Load()-before) >= want*chaosOutage.Seconds() })
	rate := float64(l.acknowledged.Load()-before) / time.Since(began).Seconds()
	if measured && rate < want {
		t.Errorf("during the outage %.0f events/s were taken in, want %.0f", rate, want)
	}
	backlog, stored := p.metric("nightjar_ingest_backlog_events"), p.metric("nightjar_ingest_events_stored_total")
	logged := p.metric("nightjar_ingest_log_bytes")
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.await("storing again", func() bool { return p.metric("nightjar_ingest_events_stored_total") > stored })
	first, from := p.metric("nightjar_ingest_events_stored_total"), time.Now()
	for p.metric("nightjar_ingest_backlog_events") > float64(chaosRate) {
		if time.Since(from) > 20*time.Minute {
			t.Fatal("it does not drain")
		}
		time.Sleep(50 * time.Millisecond)
	}
	took := time.Since(from).Seconds()
	drain := (p.metric("nightjar_ingest_events_stored_total") - first) / took
	l.finish(t)
	p.report("ClickHouse away for", chaosOutage, "taken in meanwhile, events/s", int(rate), "backlog, events", int(backlog),
		"log, MiB", int64(logged)>>20,
		"drained in, s", int(took), "drain, events/s", int(drain), "drain to intake", fmt.Sprintf("%.1f", drain/rate))
	if measured && backlog > 20_000 && drain < 3*rate {
		t.Errorf("it drained at %.0f events/s, %.1f times the intake; want 3 times", drain, drain/rate)
	}
	l.verify(p)
}

// TestChaosFullDisk has the disk of everything full, really, and then not.
func TestChaosFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=400m"); err != nil {
		t.Skipf("needs root or another kernel: mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	p := startEngineIn(t, filepath.Join(dir, "data"))
	l := startLoad(p, chaosRate)
	time.Sleep(2 * time.Second)
	for round := range 2 {
		ballast := filepath.Join(dir, "ballast")
		fillDisk(t, ballast)
		refused := l.refused.Load()
		p.await("refusing", func() bool { return l.refused.Load() > refused+3 })
		fillDisk(t, ballast+"2")
		time.Sleep(time.Second)
		if round == 1 { // a start on a full disk
			p.kill()
			p.startAndKill(2 * time.Second)
		}
		for _, f := range []string{ballast, ballast + "2"} {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		if round == 1 {
			p.start()
			l.aim(p)
		}
		taken := l.acknowledged.Load()
		p.await("taking in again", func() bool { return l.acknowledged.Load() > taken })
	}
	l.finish(t)
	l.verify(p)
}

// fillDisk writes until there is no room.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		return // no room for a file
	}
	defer f.Close()
	for zeros := make([]byte, 64<<10); ; {
		if _, err := f.Write(zeros); err != nil {
			return
		}
	}
}

// startEngineIn is startEngine in a data folder of the test's choice.
func startEngineIn(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	testenv.RequireLibrary(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, path: path, dir: dir, args: args}
	p.start()
	t.Cleanup(p.end)
	return p
}

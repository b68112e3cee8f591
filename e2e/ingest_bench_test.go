package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/valyala/fastjson"

	"nightjar/clickhouse"
	"nightjar/ingest"
	intakestore "nightjar/ingest/clickhouse"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

// BenchmarkIngest measures CPU per event, of everything that takes part: events
// of about 570 bytes over HTTP in batches of 1,000, flat out and at 10,000 a
// second, until all of them are stored. Beside the engine, which acknowledges
// what is durable and stores every attribute searchable, it measures what
// acknowledges from memory and stores typed columns only: `typed`, written here,
// and the baseline of the shared folder, where NIGHTJAR_CHNAIVE names its
// program. `make bench-ingest` runs it.
func BenchmarkIngest(b *testing.B) {
	events := envInt("NIGHTJAR_BENCH_EVENTS", 300_000)
	bodies := benchBodies(events / benchBatch)
	targets := []struct {
		name  string
		start func(*testing.B) benchTarget
	}{{"nightjar", startNightjar}, {"typed", startTyped}, {"chnaive", startCHNaive}}
	for _, rate := range []int{0, 10_000} {
		cost := map[string]float64{}
		for i := range targets {
			t := targets[len(targets)-1-i] // what is compared with comes first
			b.Run(fmt.Sprintf("rate=%d/%s", rate, t.name), func(b *testing.B) {
				for range b.N {
					cost[t.name] = runIngest(b, t.start(b), bodies, rate)
				}
				for name, other := range cost {
					if name != t.name {
						b.ReportMetric(cost[t.name]/other, "x_"+name)
					}
				}
			})
		}
	}
}

const benchBatch = 1000

// benchTarget is something that takes events in.
type benchTarget struct {
	url, key string
	pids     []int
	stored   func() uint64
	// profile, when set, is called while the load runs.
	profile func()
	stop    func()
}

// runIngest sends all bodies and returns microseconds of CPU per event.
func runIngest(b *testing.B, t benchTarget, bodies [][]byte, rate int) float64 {
	defer t.stop()
	send := func(body []byte) {
		req, err := http.NewRequest(http.MethodPost, t.url, bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("DD-API-KEY", t.key)
		for {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode < 300 {
				return
			}
			if resp.StatusCode != http.StatusTooManyRequests {
				b.Errorf("answer %s", resp.Status)
				return
			}
			time.Sleep(100 * time.Millisecond)
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
	}
	await := func(n uint64) {
		for end := time.Now().Add(5 * time.Minute); t.stored() < n; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				b.Fatalf("%d of %d events are stored", t.stored(), n)
			}
		}
	}
	warm := len(bodies) / 10
	for _, body := range bodies[:warm] {
		send(body)
	}
	await(uint64(warm * benchBatch))
	if t.profile != nil {
		// It may last longer than the load does, and not longer than the engine.
		var profiling sync.WaitGroup
		profiling.Go(t.profile)
		defer profiling.Wait()
	}
	cpus := func() (out []float64) {
		for _, pid := range t.pids {
			out = append(out, cpuSeconds(b, pid))
		}
		return out
	}
	before, begun := cpus(), time.Now()
	work := make(chan []byte)
	var senders sync.WaitGroup
	for range 2 {
		senders.Go(func() {
			for body := range work {
				send(body)
			}
		})
	}
	for i, body := range bodies[warm:] {
		if rate > 0 {
			time.Sleep(time.Until(begun.Add(time.Duration(i) * benchBatch * time.Second / time.Duration(rate))))
		}
		work <- body
	}
	close(work)
	senders.Wait()
	acknowledged := time.Since(begun)
	await(uint64(len(bodies) * benchBatch))
	events := float64((len(bodies) - warm) * benchBatch)
	total := 0.0
	for i, after := range cpus() {
		us := (after - before[i]) / events * 1e6
		total += us
		if len(t.pids) > 1 {
			b.ReportMetric(us, []string{"engine_us/event", "clickhouse_us/event"}[i])
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(total, "cpu_us/event")
	b.ReportMetric(events/acknowledged.Seconds(), "events/s")
	return total
}

func startNightjar(b *testing.B) benchTarget {
	p := startEngine(b)
	t := benchTarget{
		url: p.base + "/api/v2/logs", key: p.key, pids: []int{p.cmd.Process.Pid, p.runningServer()},
		stored: func() uint64 { return uint64(max(0, p.metric("nightjar_ingest_events_stored_total"))) },
		stop:   p.kill,
	}
	if file := os.Getenv("NIGHTJAR_BENCH_PROFILE"); file != "" {
		t.profile = func() { p.profile(file, 8) }
	}
	return t
}

// startCHNaive runs the shared folder's baseline.
func startCHNaive(b *testing.B) benchTarget {
	program := os.Getenv("NIGHTJAR_CHNAIVE")
	if program == "" {
		b.Skip("NIGHTJAR_CHNAIVE does not name the program of shared/bench/chnaive")
	}
	return startBaseline(b, exec.Command(program, "-dir", filepath.Join(b.TempDir(), "data"), "-listen", "127.0.0.1:19777"), "http://127.0.0.1:19777")
}

func startBaseline(b *testing.B, cmd *exec.Cmd, url string) benchTarget {
	var said lockedBuffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = nil
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	t := benchTarget{
		url: url + "/in", pids: []int{cmd.Process.Pid},
		stored: func() (n uint64) {
			resp, err := http.Get(url + "/sync")
			if err != nil {
				return 0
			}
			defer resp.Body.Close()
			_, _ = fmt.Fscan(resp.Body, &n)
			return n
		},
		stop: func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		},
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(url + "/stats")
		if err == nil {
			resp.Body.Close()
			break
		}
		if time.Now().After(end) {
			b.Fatalf("%s does not answer: %s", cmd.Path, &said)
		}
	}
	t.pids = append(t.pids, children(b, cmd.Process.Pid)...)
	return t
}

// benchBodies are batches of events, one JSON object a line, about 570 bytes each.
func benchBodies(n int) [][]byte {
	cities := [][2]string{{"US", "Austin"}, {"DE", "Berlin"}, {"JP", "Tokyo"}, {"BR", "Recife"}}
	agents := []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
	}
	at := time.Now().Add(-time.Hour)
	out := make([][]byte, n)
	for i := range out {
		var b bytes.Buffer
		for j := range benchBatch {
			k := uint64(i*benchBatch+j)*0x9E3779B97F4A7C15 + 12345
			at = at.Add(time.Millisecond)
			outcome, code, verb := "success", 200, "Accepted"
			if k>>8%25 == 0 {
				outcome, code, verb = "failure", 401, "Failed"
			}
			user, ip, port := k>>12%20000, k>>20%50000, 1024+k>>33%60000
			city := cities[k>>40%4]
			fmt.Fprintf(&b, `{"timestamp":"%s","service":"app-%d","host":"web-%d","status":"info","message":"%s password for u%d from 10.0.%d.%d port %d ssh2","evt":{"name":"authentication","outcome":"%s"},"usr":{"id":"u%d","email":"u%d@corp.example"},"network":{"client":{"ip":"10.0.%d.%d","port":%d,"geo":{"cc":"%s","city":"%s","lat":52.52,"lon":13.405}}},"http":{"method":"POST","path":"/login","code":%d,"ua":"%s"},"req":"%024x"}`+"\n",
				at.UTC().Format("2006-01-02T15:04:05.000000000Z"), k>>3%100, k>>5%200, verb, user, ip>>8, ip&255, port, outcome, user, user, ip>>8, ip&255, port, city[0], city[1], code, agents[k>>44%3], k)
		}
		out[i] = b.Bytes()
	}
	return out
}

const baselineEnv = "NIGHTJAR_BENCH_TYPED"

// startTyped runs this test binary as the typed baseline.
func startTyped(b *testing.B) benchTarget {
	testenv.RequireLibrary(b)
	library, err := clickhouse.Library("")
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), baselineEnv+"="+b.TempDir(), clickhouse.LibraryEnv+"="+library)
	return startBaseline(b, cmd, "http://127.0.0.1:19778")
}

func init() {
	if dir := os.Getenv(baselineEnv); dir != "" && len(os.Args) == 1 {
		log.Fatal(serveTyped(dir))
	}
}

// serveTyped is the least that could take these events in: it acknowledges when
// they are in memory, and every half second reads its own fields out of them and
// inserts typed columns.
func serveTyped(dir string) error {
	ctx := context.Background()
	server, err := clickhouse.StartEmbedded(ctx, clickhouse.EmbeddedConfig{DataDir: dir})
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(ctx, server.Options(clickhouse.Admin))
	if err != nil {
		return err
	}
	if err := conn.Exec(ctx, `CREATE TABLE ev (at DateTime64(9, 'UTC') CODEC(Delta, LZ4), service LowCardinality(String), host LowCardinality(String),
		status LowCardinality(String), message String, outcome LowCardinality(String), user String, email String, ip String, port UInt16,
		cc LowCardinality(String), city LowCardinality(String), lat Float32, lon Float32, method LowCardinality(String), path LowCardinality(String),
		code UInt16, ua LowCardinality(String), req String) ENGINE = MergeTree PARTITION BY toYYYYMMDD(at) ORDER BY at`); err != nil {
		return err
	}
	s := &typedServer{conn: conn}
	go func() {
		for range time.Tick(500 * time.Millisecond) {
			s.flush()
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/in", func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiting = append(s.waiting, body)
	})
	mux.HandleFunc("/stats", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/sync", func(w http.ResponseWriter, _ *http.Request) {
		s.flush()
		var n uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM ev").Scan(&n); err != nil {
			log.Print(err)
		}
		fmt.Fprint(w, n)
	})
	return http.ListenAndServe("127.0.0.1:19778", mux)
}

type typedServer struct {
	conn     driver.Conn
	mu       sync.Mutex
	waiting  [][]byte
	flushing sync.Mutex
	parser   fastjson.Parser
}

func (s *typedServer) flush() {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	bodies := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	if len(bodies) == 0 {
		return
	}
	if err := s.insert(bodies); err != nil {
		log.Print(err)
	}
}

func (s *typedServer) insert(bodies [][]byte) error {
	batch, err := s.conn.PrepareBatch(context.Background(), "INSERT INTO ev")
	if err != nil {
		return err
	}
	defer batch.Close()
	var at []time.Time
	var port, code []uint16
	var lat, lon []float32
	paths := [][]string{{"service"}, {"host"}, {"status"}, {"message"}, {"evt", "outcome"}, {"usr", "id"}, {"usr", "email"}, {"network", "client", "ip"},
		{"network", "client", "geo", "cc"}, {"network", "client", "geo", "city"}, {"http", "method"}, {"http", "path"}, {"http", "ua"}, {"req"}}
	texts := make([][]string, len(paths))
	for _, body := range bodies {
		for line := range bytes.Lines(body) {
			v, err := s.parser.ParseBytes(line)
			if err != nil {
				return err
			}
			t, err := time.Parse(time.RFC3339Nano, string(v.GetStringBytes("timestamp")))
			if err != nil {
				return err
			}
			at = append(at, t)
			for i, p := range paths {
				texts[i] = append(texts[i], string(v.GetStringBytes(p...)))
			}
			port = append(port, uint16(v.GetInt("network", "client", "port")))
			code = append(code, uint16(v.GetInt("http", "code")))
			lat = append(lat, float32(v.GetFloat64("network", "client", "geo", "lat")))
			lon = append(lon, float32(v.GetFloat64("network", "client", "geo", "lon")))
		}
	}
	for i, column := range []any{at, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7], port, texts[8], texts[9], lat, lon, texts[10], texts[11], code, texts[12], texts[13]} {
		if err := batch.Column(i).Append(column); err != nil {
			return err
		}
	}
	return batch.Send()
}

// BenchmarkInsertShares says where the server's time goes when blocks of the size
// that the intake makes are inserted: its own counters, per event.
func BenchmarkInsertShares(b *testing.B) {
	conn := testenv.ClickHouse(b)
	if _, err := migrations.Apply(b.Context(), conn, schema.Tables); err != nil {
		b.Fatal(err)
	}
	sink := intakestore.New(conn)
	d := ingest.Decoder{Now: time.Now()}
	var events []schema.Event
	for _, body := range benchBodies(10) {
		some, err := d.JSON(body)
		if err != nil {
			b.Fatal(err)
		}
		events = append(events, some...)
	}
	for i := range events {
		events[i].Seq = uint64(i + 1)
	}
	before := serverEvents(b, conn)
	b.ResetTimer()
	for i := range b.N {
		if err := sink.Insert(b.Context(), fmt.Sprint("shares", i), events); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	rows := float64(b.N * len(events))
	for name, after := range serverEvents(b, conn) {
		if us := float64(after-before[name]) / rows; us >= 0.01 {
			b.ReportMetric(us, name+"/event")
		}
	}
}

// serverEvents are the server's counters of time, in microseconds.
func serverEvents(b *testing.B, conn driver.Conn) map[string]uint64 {
	b.Helper()
	rows, err := conn.Query(b.Context(), `SELECT event, value * if(endsWith(event, 'Milliseconds'), 1000, 1) FROM system.events
		WHERE event IN ('UserTimeMicroseconds', 'SystemTimeMicroseconds', 'MergeTotalMilliseconds', 'FileSyncElapsedMicroseconds', 'DiskWriteElapsedMicroseconds')
		   OR event LIKE 'MergeTreeDataWriter%Microseconds'`)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	out := map[string]uint64{}
	for rows.Next() {
		var name string
		var value uint64
		if err := rows.Scan(&name, &value); err != nil {
			b.Fatal(err)
		}
		out[strings.NewReplacer("Microseconds", "_us", "Milliseconds", "_us", "MergeTreeDataWriter", "Writer").Replace(name)] = value
	}
	return out
}

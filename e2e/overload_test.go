package e2e

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// rss is the resident memory of the engine, without ClickHouse.
func (p *process) rss() int64 { return p.memory("VmRSS:") }

// peak is the most it has been since resetPeak.
func (p *process) peak() int64 { return p.memory("VmHWM:") }

func (p *process) memory(field string) int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, field); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kib << 10
		}
	}
	p.t.Fatalf("no %s in the status of the process", field)
	return 0
}

func (p *process) resetPeak() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0o200); err != nil {
		p.t.Skipf("needs root or another kernel: reset a process's peak of memory: %v", err)
	}
}

const mib = 1 << 20

// repeated is a bomb: n times what one compressed piece says.
func repeated(t testing.TB, n int, piece func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := piece(&b); err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat(b.Bytes(), n)
}

// bombs say 10 GiB each: of spaces, which the JSON reader would skip one by one.
func bombs(t testing.TB) map[string][]byte {
	t.Helper()
	const pieceSize, pieces = 64 * mib, 160
	spaces := bytes.Repeat([]byte(" "), pieceSize)
	out := map[string][]byte{}
	out["gzip"] = repeated(t, pieces, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		_, err := z.Write(spaces)
		return first(err, z.Close())
	})
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	out["zstd"] = bytes.Repeat(encoder.EncodeAll(spaces, nil), pieces)
	// Of deflate a later piece is like the second: both follow the same text.
	for name, header := range map[string][]byte{"deflate": nil, "zlib": {0x78, 0x9c}} {
		var b bytes.Buffer
		b.Write(header)
		z, err := flate.NewWriter(&b, 6)
		if err != nil {
			t.Fatal(err)
		}
		var ends []int
		for range 2 {
			_, err := z.Write(spaces)
			if err := first(err, z.Flush()); err != nil {
				t.Fatal(err)
			}
			ends = append(ends, b.Len())
		}
		second := bytes.Clone(b.Bytes()[ends[0]:ends[1]])
		b.Write(bytes.Repeat(second, pieces-2))
		out[name] = b.Bytes()
	}
	return out
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// allocated is how many bytes the engine has allocated since it started. Unlike its
// memory at a time, that does not depend on when the collector runs.
func (p *process) allocated() int64 { return int64(p.metric("go_memstats_alloc_bytes_total")) }

// counted counts what is read of a body.
type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// TestBombsCostLittleAndEndAtOnce posts bodies that say 10 GiB to the binary: little is
// read of them and allocated for them. `make chaos` also measures for how long, and how
// much memory there is at most.
func TestBombsCostLittleAndEndAtOnce(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"message":"warm"}]`), nil)
	post := func(name, encoding string, body io.Reader, length int64, want ...int) {
		t.Helper()
		if measured {
			p.resetPeak()
		}
		rss, allocated, begun := p.rss(), p.allocated(), time.Now()
		sent := &counted{Reader: body}
		req, err := http.NewRequest(http.MethodPost, p.base+"/api/v2/logs", sent)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("DD-API-KEY", p.key)
		if encoding != "" {
			req.Header.Set("Content-Encoding", encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		resp.Body.Close()
		took, cost, read := time.Since(begun), p.allocated()-allocated, sent.n.Load()
		t.Logf("%-34s %d after %4d ms, %3d MiB read, %3d MiB allocated", name, resp.StatusCode, took.Milliseconds(), read/mib, cost/mib)
		if !slices.Contains(want, resp.StatusCode) || read > 48*mib || cost > 64*mib {
			t.Errorf("%s: %d, %d MiB read and %d MiB allocated; want %v, at most 48 MiB read and 64 MiB allocated", name, resp.StatusCode, read/mib, cost/mib, want)
		}
		if peak := p.peak() - rss; measured && (took > time.Second || peak > 64*mib) {
			t.Errorf("%s: took %s and %d MiB; want a second and 64 MiB at most", name, took, peak/mib)
		}
	}
	all := bombs(t)
	for name, bomb := range all {
		encoding := strings.Replace(name, "zlib", "deflate", 1)
		post(fmt.Sprintf("%s, %.1f MiB to 10 GiB", name, float64(len(bomb))/mib), encoding, bytes.NewReader(bomb), int64(len(bomb)), 413)
		post(name+", chunked", encoding, bytes.NewReader(bomb), -1, 413)
	}
	var nested bytes.Buffer
	z := gzip.NewWriter(&nested)
	_, err := z.Write(all["gzip"])
	if err := first(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	post("gzip in gzip, told once", "gzip", bytes.NewReader(nested.Bytes()), int64(nested.Len()), 415)
	post("gzip in gzip, told twice", "gzip, gzip", bytes.NewReader(nested.Bytes()), int64(nested.Len()), 415)
	for _, encoding := range []string{"lz4", "br", "compress", "xpress"} {
		post(encoding+", which is not spoken", encoding, bytes.NewReader(make([]byte, 10*mib)), 10*mib, 415)
	}
	post("snappy, a block of 4 GiB", "snappy", bytes.NewReader(append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, make([]byte, 100)...)), 105, 413)
	post("snappy that is none", "snappy", bytes.NewReader(make([]byte, 10*mib)), 10*mib, 400)
	post("10 GiB as they are", "", io.LimitReader(spaces{}, 10<<30), 10<<30, 413)
	post("10 GiB as they are, chunked", "", io.LimitReader(spaces{}, 10<<30), -1, 413)
	// A frame that asks for a window of 1 GiB, before it has said anything.
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, (30 - 10) << 3, 0x01, 0x00, 0x00}
	post("zstd, a window of 1 GiB", "zstd", bytes.NewReader(window), int64(len(window)), 413)
	size := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x01, 0x00, 0x00}
	post("zstd, one segment of 64 GiB", "zstd", bytes.NewReader(size), int64(len(size)), 413)
	dictionary := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x23, 0x2a, 0, 0, 0, 0x01, 0x01, 0x00, 0x00}
	post("zstd, an unknown dictionary", "zstd", bytes.NewReader(dictionary), int64(len(dictionary)), 400)
	// Half a million empty members: nothing comes of them but work.
	empty := repeated(t, 500_000, func(w io.Writer) error { return gzip.NewWriter(w).Close() })
	post("gzip, 500,000 empty members", "gzip", bytes.NewReader(empty), int64(len(empty)), 400, 413)
	zlibBody := repeated(t, 1, func(w io.Writer) error {
		z := zlib.NewWriter(w)
		_, err := io.WriteString(z, `[{"message":"still here"}]`)
		return first(err, z.Close())
	})
	post("an honest body", "deflate", bytes.NewReader(zlibBody), int64(len(zlibBody)), 202)
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// TestOverloadIsRefusedAndMemoryStaysFlat sends 50 requests of 20 MiB at once,
// again and again, while ClickHouse stores, and while it does not and the quota
// of disk is used up: what is being read never takes more than its quota of memory.
// `make chaos` also measures the memory of the process.
func TestOverloadIsRefusedAndMemoryStaysFlat(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--intake-quota", "200MiB")
	const quota = 256 * mib // of memory, by default
	body := largeBody(t, 20*mib-mib/2)
	var accepted, refused, odd atomic.Int64
	var most int64 // bytes of memory that the intake counts for what is being read
	round := func() int64 {
		if measured {
			p.resetPeak()
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				status, retry, err := p.post(body)
				switch {
				case err == nil && status == http.StatusAccepted:
					accepted.Add(1)
				case err == nil && status == http.StatusTooManyRequests && retry != "":
					refused.Add(1)
				default:
					odd.Add(1)
					t.Logf("answer %d, Retry-After %q, %v", status, retry, err)
				}
			})
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		for running := true; running; {
			select {
			case <-done:
				running = false
			case <-time.After(50 * time.Millisecond):
			}
			most = max(most, int64(p.metric("nightjar_ingest_reading_bytes")))
		}
		return p.peak() / mib
	}
	var peaks []int64
	for range chaosRounds {
		peaks = append(peaks, round())
	}
	if most == 0 || most > quota {
		t.Errorf("%d MiB were taken by what was being read, want some and at most %d MiB", most/mib, quota/mib)
	}
	p.await("nothing taken when nothing is being read", func() bool { return p.metric("nightjar_ingest_reading_bytes") == 0 })
	p.report("requests of 20 MiB at once", 50, "taken in", accepted.Load(), "refused with 429", refused.Load(), "most that was being read, MiB", most/mib, "peaks of memory, MiB", fmt.Sprint(peaks))
	if refused.Load() == 0 || accepted.Load() == 0 || odd.Load() > 0 {
		t.Errorf("%d were taken in, %d refused, %d answered otherwise", accepted.Load(), refused.Load(), odd.Load())
	}
	if measured {
		checkPeaks(t, peaks)
	}
	// It is still an engine.
	p.await("below its quota", func() bool { return p.metric("nightjar_ingest_backlog_bytes") < 100*mib })
	if status, _, err := p.post([]byte(`[{"message":"after"}]`)); err != nil || status != http.StatusAccepted {
		t.Errorf("after the overload: %d %v", status, err)
	}
}

// checkPeaks holds that memory stays below the limit that `up` sets, and does not grow
// from round to round.
func checkPeaks(t *testing.T, peaks []int64) {
	t.Helper()
	const most = 1280
	if peak := slices.Max(peaks); peak > most {
		t.Errorf("memory rose to %d MiB, want at most %d", peak, most)
	}
	// The first rounds fill the quotas; after that there is nothing to grow.
	if last := len(peaks) - 1; last >= 7 && peaks[last] > peaks[last-1]+100 {
		t.Errorf("memory grows from round to round: %v MiB", peaks)
	}
}

func (p *process) post(body []byte) (status int, retryAfter string, err error) {
	req, err := http.NewRequest(http.MethodPost, p.base+"/api/v2/logs", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("DD-API-KEY", p.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Retry-After"), nil
}

// largeBody is events of about 1 kB, up to the size.
func largeBody(t testing.TB, size int) []byte {
	t.Helper()
	event, err := json.Marshal(map[string]any{"ddsource": "large", "message": strings.Repeat("x", 700), "a": 1, "b": map[string]any{"c": "d", "e": 2.5}, "f": []int{1, 2, 3}, "g": strings.Repeat("y", 200)})
	if err != nil {
		t.Fatal(err)
	}
	n := size / (len(event) + 1)
	return append(append([]byte("["), bytes.TrimSuffix(bytes.Repeat(append(event, ','), n), []byte(","))...), ']')
}

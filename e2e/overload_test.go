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

// TestBombsCostLittleAndEndAtOnce posts bodies that say 10 GiB to the binary.
func TestBombsCostLittleAndEndAtOnce(t *testing.T) {
	p := startEngine(t)
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"message":"warm"}]`), nil)
	post := func(name, encoding string, body io.Reader, length int64, want ...int) {
		t.Helper()
		p.resetPeak()
		before, begun := p.rss(), time.Now()
		req, err := http.NewRequest(http.MethodPost, p.base+"/api/v2/logs", body)
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
		took, cost := time.Since(begun), p.peak()-before
		t.Logf("%-34s %d after %4d ms, %3d MiB", name, resp.StatusCode, took.Milliseconds(), cost/mib)
		expected := false
		for _, w := range want {
			expected = expected || resp.StatusCode == w
		}
		if !expected || took > time.Second || cost > 64*mib {
			t.Errorf("%s: %d after %s for %d MiB; want %v within a second for at most 64 MiB", name, resp.StatusCode, took, cost/mib, want)
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
// of disk is used up.
func TestOverloadIsRefusedAndMemoryStaysFlat(t *testing.T) {
	p := startEngine(t, "--intake-quota", "200MiB")
	body := largeBody(t, 20*mib-mib/2)
	var accepted, refused, odd atomic.Int64
	round := func() int64 {
		p.resetPeak()
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
		all.Wait()
		return p.peak() / mib
	}
	var peaks []int64
	for range chaosRounds {
		peaks = append(peaks, round())
	}
	p.report("requests of 20 MiB at once", 50, "taken in", accepted.Load(), "refused with 429", refused.Load(), "peaks of memory, MiB", fmt.Sprint(peaks))
	if refused.Load() == 0 || accepted.Load() == 0 || odd.Load() > 0 {
		t.Errorf("%d were taken in, %d refused, %d answered otherwise", accepted.Load(), refused.Load(), odd.Load())
	}
	const most = 1280 // the limit that `up` sets
	for _, peak := range peaks {
		if peak > most {
			t.Errorf("memory rose to %d MiB, want at most %d", peak, most)
		}
	}
	// The first rounds fill the quotas; after that there is nothing to grow.
	if last := len(peaks) - 1; last >= 7 && peaks[last] > peaks[last-1]+100 {
		t.Errorf("memory grows from round to round: %v MiB", peaks)
	}
	// It is still an engine.
	p.await("below its quota", 2*time.Minute, func() bool { return p.metric("nightjar_ingest_backlog_bytes") < 100*mib })
	if status, _, err := p.post([]byte(`[{"message":"after"}]`)); err != nil || status != http.StatusAccepted {
		t.Errorf("after the overload: %d %v", status, err)
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

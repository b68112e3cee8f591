package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPartsThatAreGoneAreTold damages a part of the stored events, and takes another
// away: how many events are lost is told, once, and the others are found.
func TestPartsThatAreGoneAreTold(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	sent := 0
	var parts []string
	for try := 0; len(parts) < 2; try++ { // merging may leave one
		if try == 10 {
			t.Fatal("the events are always merged into one part")
		}
		for range 4 {
			p.call(http.MethodPost, "/api/v2/logs", chaosBody(fmt.Sprint("lost-", sent)), nil)
			sent++
			p.await("a part", func() bool { return p.count("SELECT count() FROM events") == uint64(batchEvents*sent) })
		}
		p.await("the first look at the numbers", func() bool {
			_, err := os.Stat(filepath.Join(p.dir, "intake", "verified"))
			return err == nil
		})
		if pid := p.runningServer(); pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		p.kill()
		if parts = eventParts(t, p.dir); len(parts) < 2 {
			p.start()
		}
	}
	gone := rowsOfPart(t, parts[0]) + rowsOfPart(t, parts[1])
	if err := flip(filepath.Join(parts[0], "data.bin"), 200); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(parts[1]); err != nil {
		t.Fatal(err)
	}
	p.start()
	said := func() float64 { return p.metric("nightjar_ingest_events_lost_total") }
	left := uint64(0)
	p.await("as many are told as are gone", func() bool { // the folder that is away at once, what can't be read when all was read
		left = p.count("SELECT count() FROM events")
		return left == uint64(sent*batchEvents)-gone && said() == float64(gone)
	})
	if n := p.count("SELECT countIf(attributes.name IS NOT NULL) FROM events"); n != left {
		t.Errorf("of %d events %d can be read", left, n)
	}
	_, status, err := p.request(http.MethodGet, "/api/nightjar/v1/status", nil)
	if err != nil || !bytes.Contains(status, []byte(`"events_lost"`)) || bytes.Contains(status, []byte(`"caught_up":true`)) {
		t.Errorf("%s %v", status, err)
	}
	lost := said()
	p.kill()
	p.start()
	p.await("as many as before the restart", func() bool { return said() == lost })
	time.Sleep(2 * time.Second) // it looks again
	if said() != lost {
		t.Errorf("after a restart %v are said to be lost, before %v", said(), lost)
	}
}

// rowsOfPart is how many events a part holds, as its folder says.
func rowsOfPart(t *testing.T, part string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimSpace(read(t, filepath.Join(part, "count.txt"))), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// eventParts are the folders of the parts with the most data.
func eventParts(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "clickhouse", "data", "store", "*", "*", "*", "data.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		if columns, err := os.ReadFile(filepath.Join(filepath.Dir(f), "columns.txt")); err == nil && bytes.Contains(columns, []byte("`message`")) && bytes.Contains(columns, []byte("`rest`")) {
			out = append(out, filepath.Dir(f))
		}
	}
	slices.Sort(out)
	return out
}

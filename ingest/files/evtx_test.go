package files

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/testenv"
)

// TestAnEventLogOfWindowsGivesTheRecordsOfItsJSON has logs as they are, packed, and
// as the JSON that stands beside each.
func TestAnEventLogOfWindowsGivesTheRecordsOfItsJSON(t *testing.T) {
	t.Run("written", func(t *testing.T) { logsGiveTheirJSON(t, writtenLogs) })
	t.Run("shared", func(t *testing.T) { logsGiveTheirJSON(t, testenv.Shared(t, "data/evtx")) })
}

// writtenLogs is where logs are that were written for tests.
const writtenLogs = "../evtx/testdata"

func logsGiveTheirJSON(t *testing.T, pairs string) {
	logs, err := filepath.Glob(pairs + "/*.evtx")
	if err != nil || len(logs) < 2 {
		t.Fatalf("%d logs in %s, %v", len(logs), pairs, err)
	}
	for _, path := range logs {
		want, _, err := all(t, strings.TrimSuffix(path, ".evtx")+".json", Options{})
		if err != nil || len(want) == 0 {
			t.Fatal(err)
		}
		log, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{
			"x.evtx": log, "x": log, "x.evtx.gz": packed(t, log, gzipWriter),
			"x.tar": tarred(t, []string{string(log)}), "x.zip": zipped(t, []string{string(log)}),
		} {
			got, places, err := all(t, written(t, name, content), Options{})
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s as %s: %v\n%s", path, name, err, diff)
			}
			if len(places) > 0 && !strings.HasSuffix(places[0], ":1") {
				t.Errorf("%s: the first record stands at %s", name, places[0])
			}
		}
	}
}

// TestADamagedEventLogIsReadAsFarAsItIsWhole breaks one of two chunks.
func TestADamagedEventLogIsReadAsFarAsItIsWhole(t *testing.T) {
	logs, err := filepath.Glob(writtenLogs + "/*.evtx")
	if err != nil || len(logs) != 2 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	first, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(logs[1])
	if err != nil {
		t.Fatal(err)
	}
	first[4096+600] ^= 1
	path := written(t, "x.evtx", append(bytes.Clone(first), second[4096:]...))
	var told []string
	got, _, err := all(t, path, Options{Skipped: func(err error) { told = append(told, err.Error()) }})
	if err != nil || len(got) != 1 || !json.Valid([]byte(got[0])) || len(told) != 1 || !strings.Contains(told[0], "x.evtx: chunk 0, byte 4096: ") {
		t.Errorf("%d records, told %q, %v", len(got), told, err)
	}
	if _, _, err := all(t, path, Options{}); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("nobody listens: %v", err)
	}
}

package content

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"nightjar/ingest"
	"nightjar/schema"
	"nightjar/testenv"
)

// recordings are the files of events that were recorded of attacks on Windows.
func recordings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t, "data/windows"), "*.jsonl.zst"))
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files in data/windows, %v", len(files), err)
	}
	return files
}

// eachLine calls use with the lines of a file, and their numbers from 1 on.
func eachLine(t *testing.T, path string, use func(number int, line []byte)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := zstd.NewReader(file, zstd.WithDecoderMaxWindow(1<<27))
	if err != nil {
		t.Fatal(err)
	}
	defer unpacked.Close()
	lines := bufio.NewScanner(unpacked)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		use(n, lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// everyNth is how many of the recorded events are looked at: all of them with
// NIGHTJAR_ALL_RECORDINGS, which takes minutes.
func everyNth() int {
	if os.Getenv("NIGHTJAR_ALL_RECORDINGS") != "" {
		return 1
	}
	return 97
}

// TestRecordedEventsOfWindowsGoThrough has what several senders recorded: no pipeline
// fails, what arrived stays, and what is of a channel of Windows is known as such.
func TestRecordedEventsOfWindowsGoThrough(t *testing.T) {
	set := bundled(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var plain, piped ingest.Decoder
	events, failed, lost, named := 0, map[string]int{}, map[string]int{}, map[string]int{}
	nth := everyNth()
	for _, file := range recordings(t) {
		eachLine(t, file, func(n int, line []byte) {
			if n%nth != 0 && n > 3 {
				return
			}
			if events%1000 == 0 { // of a decoder, a request is no longer
				plain, piped = ingest.Decoder{Now: now}, ingest.Decoder{Now: now, Pipelines: set}
			}
			before, err := plain.JSON(line)
			if err != nil || len(before) != 1 {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			after, err := piped.JSON(line)
			if err != nil || len(after) != 1 {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			events++
			e := &after[0]
			for _, l := range e.Lookup("nightjar.pipeline_errors") {
				failed[l.Str]++
			}
			for _, l := range before[0].Leaves {
				if texts := e.Values(schema.Field{Kind: schema.FieldAttribute, Name: l.Path}); !strings.HasPrefix(l.Path, "nightjar.") && !contains(texts, l.Text()) {
					lost[filepath.Base(file)+" "+l.Path]++
				}
			}
			if e.Source == "windows.events" {
				named["of Windows"]++
				if len(e.Lookup("evt.name")) > 0 {
					named["with evt.name"]++
				}
				if len(e.Lookup("EventID")) != 1 || len(e.Lookup("Channel")) != 1 || e.Host == "" {
					lost[filepath.Base(file)+" EventID, Channel or host"]++
				}
			} else {
				named["of "+filepath.Base(file)+" "+e.Source]++
			}
		})
	}
	t.Logf("%d events: %v", events, named)
	if len(failed) > 0 || len(lost) > 0 || events < 4000 || named["of Windows"] < events*9/10 {
		t.Errorf("failed: %v\nlost: %v", failed, lost)
	}
}

func contains(texts []string, text string) bool {
	for _, t := range texts {
		if t == text {
			return true
		}
	}
	return false
}

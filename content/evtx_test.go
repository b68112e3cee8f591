package content

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline"
	"nightjar/testenv"
)

// TestEveryFieldOfEVTXIsAskedByItsName has the events of logs that were written for
// tests, and of 30 that Windows wrote: each member of their data is an attribute of that
// name with that text, and every event has a name.
func TestEveryFieldOfEVTXIsAskedByItsName(t *testing.T) {
	t.Run("written", func(t *testing.T) { fieldsAreAsked(t, "../ingest/evtx/testdata", 2, 14) })
	t.Run("shared", func(t *testing.T) { fieldsAreAsked(t, testenv.Shared(t, "data/evtx"), 30, 300) })
}

func fieldsAreAsked(t *testing.T, dir string, leastFiles, leastFields int) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < leastFiles {
		t.Fatalf("%d files, %v", len(files), err)
	}
	set, fields := bundled(t), 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for records := json.NewDecoder(bytes.NewReader(text)); records.More(); {
			var record json.RawMessage
			if err := records.Decode(&record); err != nil {
				t.Fatal(err)
			}
			fields += checkEVTX(t, set, filepath.Base(file), record)
		}
	}
	if fields < leastFields {
		t.Errorf("%d fields, want %d", fields, leastFields)
	}
}

// checkEVTX compares an event's attributes with the members of its data, and counts these.
func checkEVTX(t *testing.T, set *pipeline.Set, file string, record []byte) int {
	t.Helper()
	e := decoded(t, set, "", string(record))
	event := fastjson.MustParseBytes(record).Get("Event")
	want := map[string]string{"Channel": string(event.GetStringBytes("System", "Channel")), "Computer": string(event.GetStringBytes("System", "Computer"))}
	event.GetObject("EventData").Visit(func(k []byte, v *fastjson.Value) {
		want[string(k)] = string(v.GetStringBytes())
		if v.Type() != fastjson.TypeString {
			want[string(k)] = v.String()
		}
	})
	for name, value := range want {
		if leaves := e.Lookup(name); len(leaves) != 1 || leaves[0].Text() != value {
			t.Errorf("%s: @%s is %v, want %q", file, name, leaves, value)
		}
	}
	if len(e.Lookup("evt.name")) != 1 || len(e.Lookup("evt.category")) != 1 || len(e.Lookup("nightjar.pipeline_errors")) != 0 {
		t.Errorf("%s: %s", file, e.JSON)
	}
	return len(want)
}

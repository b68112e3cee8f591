package content

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"nightjar/testenv"
)

// TestRecordedEventsOfSysmonOfLinuxAreRead has XML in lines of syslog in JSON; of what the
// sender cut off, the head is read.
func TestRecordedEventsOfSysmonOfLinuxAreRead(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "data/ebpf-secl/otrf_log4shell_linux_sysmon.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	set, n, cut := bundled(t), 0, 0
	for line := range strings.Lines(string(text)) {
		e := decoded(t, set, "", strings.TrimSpace(line))
		n++
		paths := []string{"EventID", "Channel", "evt.name", "evt.category", "process.executable.path", "process.name", "process.pid"}
		if !strings.Contains(line, "</Event>") && !strings.Contains(line, `\u003c/Event\u003e`) {
			cut++
			paths = []string{"EventID", "Channel", "evt.name", "evt.category", "windows.xml_is_cut"}
		}
		for _, path := range paths {
			if len(e.Lookup(path)) != 1 {
				t.Errorf("no %s in %s", path, e.JSON)
			}
		}
		if e.Source != "sysmon" || e.Host != "UBUNTU5" || len(e.Lookup("nightjar.pipeline_errors")) > 0 {
			t.Errorf("source %q, host %q: %s", e.Source, e.Host, e.JSON)
		}
	}
	if n != 93 || cut != 1 {
		t.Errorf("%d events, %d of them cut", n, cut)
	}
}

// TestRecordedEventsOfTetragonAreRead has events of its documentation: exec, exit, probes,
// connections and listeners, each with its process, its parent and a name, of a pod of
// the node that they name.
func TestRecordedEventsOfTetragonAreRead(t *testing.T) {
	file, err := os.Open(testenv.Shared(t, "data/ebpf-secl/tetragon_doc_events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	set, n, names := bundled(t), 0, map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct{ Event json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		e := decoded(t, set, "", string(l.Event))
		n++
		for _, path := range []string{"evt.name", "evt.category", "process.executable.path", "process.name", "process.pid", "process.command_line", "process.entity_id", "process.parent.entity_id"} {
			if len(e.Lookup(path)) != 1 {
				t.Errorf("%s: no %s in %s", l.Event, path, e.JSON)
			}
		}
		if e.Source != "tetragon" || e.Host == "" || e.At == 0 || len(e.Lookup("nightjar.pipeline_errors")) > 0 {
			t.Errorf("%s: source %q, host %q: %s", l.Event, e.Source, e.Host, e.JSON)
		}
		for _, l := range e.Lookup("evt.name") {
			names[l.Str]++
		}
	}
	t.Log(names)
	if n != 40 || names["process_started"] != 18 || names["process_ended"] != 9 || names["connection_opened"] != 5 {
		t.Errorf("%d events: %v", n, names)
	}
}

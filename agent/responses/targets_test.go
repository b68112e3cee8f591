package responses

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"nightjar/schema"
)

func sample(at, source, host, custom string) schema.Sample {
	return schema.Sample{EventID: "e-" + at, Content: schema.SampleContent{Timestamp: at, Source: source, Host: host, Custom: json.RawMessage(custom)}}
}

// TestOnlyEventsOfAgentsNameTargets also holds that one process is one target, of its
// newest event, however many it has.
func TestOnlyEventsOfAgentsNameTargets(t *testing.T) {
	about := func(pid, start int, path string) string {
		return fmt.Sprintf(`{"agent":{"rule_id":"r","boot_id":"b","process_start":%d},"process":{"pid":%d,"file":{"path":%q}},"container":{"id":"c1"}}`, start, pid, path)
	}
	got := Targets([]schema.Sample{
		sample("1", schema.AgentSource, "web", about(7, 10, "/a")),
		sample("5", schema.AgentSource, "web", about(7, 10, "/a")),
		sample("2", schema.AgentSource, "web", about(7, 20, "/a")), // the pid was used again
		sample("6", schema.AgentSource, "web", about(7, 20, "/b")), // it executes something else now
		sample("3", schema.AgentSource, "db", about(7, 10, "/a")),
		sample("4", "sshd", "web", about(8, 10, "/a")),
		sample("4", schema.AgentSource, "", about(8, 10, "/a")),
		sample("4", schema.AgentSource, "web", `{"agent":{"rule_id":"heartbeat","report":{}},"process":{"pid":8}}`),
		sample("4", schema.AgentSource, "web", `[]`),
		sample("0", schema.AgentSource, "web", `{"agent":{"rule_id":"r"}}`),
	})
	var text []string
	for _, c := range got {
		one := c.Host + " " + c.Event
		if c.Process != nil {
			one += fmt.Sprintf(" %s %d %s", c.Process, c.Process.SinceBoot, c.Process.Container)
		}
		text = append(text, one)
	}
	want := "web e-6 /b[7] 20 c1\nweb e-5 /a[7] 10 c1\ndb e-3 /a[7] 10 c1\nweb e-2 /a[7] 20 c1\nweb e-0"
	if strings.Join(text, "\n") != want {
		t.Errorf("targets\n%s\nwant\n%s", strings.Join(text, "\n"), want)
	}
}

func FuzzTargets(f *testing.F) {
	f.Add(`{"agent":{"rule_id":"r","boot_id":"b","process_start":9007199254740993},"process":{"pid":1,"created_at":1,"file":{"path":"/x","inode":3}}}`)
	f.Fuzz(func(t *testing.T, custom string) {
		for _, c := range Targets([]schema.Sample{sample("1", schema.AgentSource, "h", custom)}) {
			if c.Host != "h" || c.Rule == "" || c.Process != nil && c.Process.PID == 0 {
				t.Errorf("%q: %+v", custom, c)
			}
		}
	})
}

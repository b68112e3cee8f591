package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// benchProtocol is a way on which a batch of lines, each a JSON object, is sent: the
// same events in each.
type benchProtocol struct {
	name, path, contentType string
	body                    func(lines [][]byte) []byte
}

var benchProtocols = []benchProtocol{
	{"ndjson", "/ingest", "application/x-ndjson", func(l [][]byte) []byte { return bytes.Join(l, []byte("\n")) }},
	{"array", "/api/v2/logs", "application/json", func(l [][]byte) []byte { return around("[", l, "", ",", "", "]") }},
	{"lines", "/api/v2/logs?ddsource=app", "text/plain", func(l [][]byte) []byte { return around("", l, "app: ", "\n", "", "") }},
	{"elastic bulk", "/_bulk", "application/x-ndjson", func(l [][]byte) []byte {
		return around("", l, `{"create":{"_index":"logs-bench"}}`+"\n", "\n", "", "\n")
	}},
	{"splunk hec", "/services/collector/event", "application/json", func(l [][]byte) []byte {
		return around("", l, `{"time":1700000000.5,"host":"h","source":"bench","event":`, "\n", "}", "")
	}},
	{"loki json", "/loki/api/v1/push", "application/json", lokiPush},
	{"otlp json", "/v1/logs", "application/json", func(l [][]byte) []byte { return must(protojson.Marshal(otlpLogs(l))) }},
	{"otlp protobuf", "/v1/logs", "application/x-protobuf", func(l [][]byte) []byte { return must(proto.Marshal(otlpLogs(l))) }},
	{"kubernetes audit", "/k8s/audit", "application/json", auditList},
	{"syslog tcp", "", "", func(l [][]byte) []byte {
		return around("", l, "<14>1 2026-11-01T00:00:00Z web-1 app 7 - - ", "\n", "", "\n")
	}},
}

// BenchmarkProtocols measures CPU per event of engine and ClickHouse, over each
// protocol but the upload of journals, one after the other: the same events of about 570 bytes in batches of
// 1,000, until all are stored. Unfolding what a message is made of is part of it.
func BenchmarkProtocols(b *testing.B) {
	p := startEngine(b, "--syslog-tcp", "127.0.0.1:0")
	pids := []int{p.cmd.Process.Pid, p.runningServer()}
	sent, n := 0, envInt("NIGHTJAR_BENCH_PROTOCOL_EVENTS", 50_000)/benchBatch
	for _, protocol := range benchProtocols {
		b.Run(protocol.name, func(b *testing.B) {
			var bodies [][]byte
			for i, batch := range benchBodies(n + 1) {
				lines := bytes.Split(bytes.TrimSpace(batch), []byte("\n"))
				for j := range lines { // events that the protocol knows again are left out
					lines[j] = append([]byte(fmt.Sprintf(`{"n":"%s-%d-%d",`, protocol.name, i, j)), lines[j][1:]...)
				}
				bodies = append(bodies, protocol.body(lines))
			}
			send := p.sender(b, protocol)
			send(bodies[0]) // connections, names
			sent += benchBatch
			p.awaitStored(b, sent)
			before := [2]float64{cpuSeconds(b, pids[0]), cpuSeconds(b, pids[1])}
			for _, body := range bodies[1:] {
				send(body)
			}
			sent += n * benchBatch
			p.awaitStored(b, sent)
			events := float64(n * benchBatch)
			engine, server := (cpuSeconds(b, pids[0])-before[0])/events*1e6, (cpuSeconds(b, pids[1])-before[1])/events*1e6
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(engine, "engine_us/event")
			b.ReportMetric(server, "clickhouse_us/event")
			b.ReportMetric(engine+server, "cpu_us/event")
		})
	}
}

func (p *process) awaitStored(b *testing.B, n int) {
	b.Helper()
	for end := time.Now().Add(2 * time.Minute); p.metric("nightjar_ingest_events_stored_total") < float64(n); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%v of %d events are stored", p.metric("nightjar_ingest_events_stored_total"), n)
		}
	}
}

// sender sends bodies over the protocol, each when the one before was taken.
func (p *process) sender(b *testing.B, protocol benchProtocol) func(body []byte) {
	if protocol.path == "" {
		conn, err := net.Dial("tcp", p.syslogAddress("tcp"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		return func(body []byte) {
			if _, err := conn.Write(body); err != nil {
				b.Fatal(err)
			}
		}
	}
	return func(body []byte) {
		for {
			status, text, err := p.request(http.MethodPost, protocol.path, body, "Content-Type", protocol.contentType, "Authorization", "Splunk "+p.key)
			if err == nil && status < 300 {
				return
			}
			if err != nil || status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
				b.Fatalf("%d %s %v", status, text, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func around(head string, lines [][]byte, before, between, after, tail string) []byte {
	out := []byte(head)
	for i, l := range lines {
		if i > 0 {
			out = append(out, between...)
		}
		out = append(append(append(out, before...), l...), after...)
	}
	return append(out, tail...)
}

func must(body []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return body
}

func otlpLogs(lines [][]byte) *collector.ExportLogsServiceRequest {
	scope := &logs.ScopeLogs{}
	for i, l := range lines {
		scope.LogRecords = append(scope.LogRecords, &logs.LogRecord{
			TimeUnixNano: uint64(time.Now().UnixNano()) + uint64(i), SeverityText: "INFO",
			Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: string(l)}},
		})
	}
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{scope}}}}
}

func lokiPush(lines [][]byte) []byte {
	out := []byte(`{"streams":[{"stream":{"app":"bench"},"values":[`)
	for i, l := range lines {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, `["%d",%s]`, time.Now().UnixNano()+int64(i), strconv.Quote(string(l)))
	}
	return append(out, `]}]}`...)
}

func auditList(lines [][]byte) []byte {
	out := []byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`)
	for i, l := range lines {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, `{"kind":"Event","level":"Metadata",`...), l[1:]...)
	}
	return append(out, `]}`...)
}

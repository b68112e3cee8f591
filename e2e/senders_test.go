package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// senderRequest is one request of a sender, and what it does not go on without.
type senderRequest struct {
	method, path string
	header       []string // names and values; KEY stands for the key
	body         string
	pack         string // Content-Encoding
	status       int
	answer       string // is in the body; = before it: is the body
	// refused is the status when the engine is full; 0: it answers all the same.
	refused int
}

// replayedSender is a program that sends logs and can't be had here: what it asks and sends,
// in order, as its source has it.
type replayedSender struct {
	name     string
	requests []senderRequest
	events   int  // that are stored in the end
	doubles  bool // has nothing that a retry could be known by
	find     string
}

func (p *process) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+p.key))
}

func (p *process) apiKey() string {
	return "ApiKey " + base64.StdEncoding.EncodeToString([]byte("id:"+p.key))
}

const banner = `"version":{"number":"8.19.0","build_flavor":"default"},"tagline":"You Know, for Search"`

// replayedSenders are those of docs/sources that neither Debian nor npm has.
func replayedSenders(basic, apiKey, key, at string) []replayedSender {
	bulk := func(op, index, id, text string) string {
		name := ""
		if id != "" {
			name = `,"_id":"` + id + `"`
		}
		return `{"` + op + `":{"_index":"` + index + `"` + name + "}}\n" + `{"@timestamp":"` + at + `","message":"` + text + `","host":{"name":"web-7"},"log":{"level":"error"}}` + "\n"
	}
	splunk := []string{"Authorization", "Splunk " + key, "Content-Type", "application/json"}
	auth := func(a string, more ...string) []string { return append([]string{"Authorization", a}, more...) }
	return []replayedSender{
		{name: "filebeat", events: 2, find: "status = 'error' AND host = 'web-7'", requests: []senderRequest{
			{method: "GET", path: "/", header: auth(apiKey, "Accept", "application/json"), status: 200, answer: banner},
			{method: "GET", path: "/_license?human=false", header: auth(apiKey, "Accept", "application/json"), status: 200, answer: `"type":"basic","status":"active"`},
			{method: "GET", path: "/", header: auth(apiKey, "Accept", "application/json"), status: 200, answer: banner},
			{method: "GET", path: "/_ilm/policy/filebeat", header: auth(apiKey), status: 200},
			{method: "HEAD", path: "/_index_template/filebeat-8.17.0", header: auth(apiKey), status: 200},
			{method: "GET", path: "/_data_stream/filebeat-8.17.0", header: auth(apiKey), status: 200, answer: `"filebeat-8.17.0"`},
			{method: "POST", path: "/_bulk", header: auth(apiKey, "Content-Type", "application/vnd.elasticsearch+json; compatible-with=8"), pack: "gzip",
				body:   bulk("create", "filebeat-8.17.0", "f1", "filebeat one") + bulk("create", "filebeat-8.17.0", "f2", "filebeat two"),
				status: 200, answer: `"errors":false,"items":[{"create":{"_index":"filebeat-8.17.0","_id":"f1","status":20`, refused: 503},
		}},
		{name: "winlogbeat", events: 1, find: "host = 'DC1'", requests: []senderRequest{
			{method: "GET", path: "/elastic/", header: auth(basic, "Accept", "application/json"), status: 200, answer: banner},
			{method: "GET", path: "/elastic/_license?human=false", header: auth(basic), status: 200, answer: `"active"`},
			{method: "POST", path: "/elastic/_bulk", header: auth(basic, "Content-Type", "application/json"), status: 200, answer: `"errors":false`, refused: 503,
				body: `{"create":{"_index":"winlogbeat-8.17.0"}}` + "\n" + `{"@timestamp":"` + at + `","message":"winlogbeat one","host":{"name":"DC1"},"winlog":{"event_id":"4625","channel":"Security"},"event":{"code":"4625"}}` + "\n"},
		}},
		{name: "logstash", events: 1, find: "host = 'web-7'", requests: []senderRequest{
			{method: "HEAD", path: "/", header: auth(basic), status: 200, answer: "="},
			{method: "GET", path: "/", header: auth(basic), status: 200, answer: banner},
			{method: "GET", path: "/_license", header: auth(basic), status: 200, answer: `"status":"active"`},
			{method: "GET", path: "/", header: auth(basic), status: 200, answer: `"cluster_uuid"`},
			{method: "HEAD", path: "/_index_template/ecs-logstash", header: auth(basic), status: 200, answer: "="},
			{method: "HEAD", path: "/logstash", header: auth(basic), status: 200, answer: "="},
			{method: "POST", path: "/_bulk?filter_path=errors,items.*.error,items.*.status", header: auth(basic, "Content-Type", "application/json"), pack: "gzip",
				body: bulk("create", "logstash", "l1", "logstash one"), status: 200, answer: `"errors":false`, refused: 503},
		}},
		{name: "vector elasticsearch", events: 1, find: "host = 'web-7'", requests: []senderRequest{
			{method: "GET", path: "/", header: auth(basic), status: 200, answer: `"number":"8.`},
			{method: "GET", path: "/_cluster/health", header: auth(basic), status: 200},
			{method: "POST", path: "//_bulk?timeout=60s", header: auth(basic, "Content-Type", "application/x-ndjson"), status: 200, answer: `"errors":false`, refused: 503,
				body: strings.Replace(bulk("create", "vector-2026.05.01", "", "vector elasticsearch one"), "@timestamp", "timestamp", 1)},
		}},
		{name: "fluentd", events: 1, find: "host = 'web-7'", requests: []senderRequest{
			{method: "GET", path: "/", header: auth(basic), status: 200, answer: banner},
			{method: "GET", path: "/_template/logstash", header: auth(basic), status: 200},
			{method: "POST", path: "/_bulk", header: auth(basic, "Content-Type", "application/x-ndjson"), status: 200, answer: `"errors":false`, refused: 503,
				body: `{"index":{"_index":"logstash-2026.05.01","_id":"fd1","_alias":null}}` + "\n" + `{"@timestamp":"` + at + `","message":"fluentd one","host":"web-7"}` + "\n"},
		}},
		{name: "fluent bit es", events: 1, find: "host = 'web-7'", requests: []senderRequest{
			{method: "POST", path: "/_bulk/?filter_path=errors,items.*.error,items.*.status", header: auth("ApiKey "+key, "Content-Type", "application/x-ndjson"), status: 200, refused: 503,
				answer: `"errors":false,"items":[`, body: bulk("create", "fluent-bit", "fb1", "fluent bit es one")},
		}},
		{name: "fluent bit http", events: 1, doubles: true, find: "1", requests: []senderRequest{
			{method: "POST", path: "/ingest", header: auth("Bearer "+key, "Content-Type", "application/x-ndjson"), status: 200, refused: 503,
				body: fmt.Sprintf("{\"date\":%d.5,\"log\":\"fluent bit http one\"}\n", time.Now().Unix()-5)},
		}},
		{name: "vector http", events: 1, doubles: true, find: "1", requests: []senderRequest{
			{method: "HEAD", path: "/ingest", header: auth("Bearer " + key), status: 200, answer: "="},
			{method: "POST", path: "/ingest", header: auth("Bearer "+key, "Content-Type", "application/json"), status: 200, refused: 503,
				body: `[{"timestamp":"` + at + `","message":"vector http one"}]`},
		}},
		{name: "nxlog", events: 1, doubles: true, find: "host = 'DC1' AND status = 'error'", requests: []senderRequest{
			{method: "POST", path: "/ingest", header: auth("Bearer "+key, "Content-Type", "application/json"), status: 200, refused: 503,
				body: `{"EventTime":"` + at + `","Hostname":"DC1","Severity":"ERROR","Message":"nxlog one"}`},
		}},
		{name: "cribl", events: 1, doubles: true, find: "host = 'web-7'", requests: []senderRequest{
			{method: "POST", path: "/ingest", header: auth("Bearer "+key, "Content-Type", "application/x-ndjson"), pack: "gzip", status: 200, refused: 503,
				body: fmt.Sprintf(`{"_raw":"cribl one","_time":%d.25,"host":"web-7"}`+"\n", time.Now().Unix()-5)},
		}},
		{name: "vector splunk", events: 2, find: "host = 'web-7'", requests: []senderRequest{
			{method: "GET", path: "/services/collector/health/1.0", header: splunk, status: 200, answer: `={"text":"HEC is healthy","code":17}`},
			{method: "POST", path: "/services/collector/event", header: append([]string{"X-Splunk-Request-Channel", "0aa3f4c2-1"}, splunk...), pack: "gzip", status: 200, answer: `{"text":"Success","code":0,"ackId":`, refused: 503,
				body: hecBody("vector splunk one", 2)},
		}},
		{name: "docker", events: 1, find: "source = 'docker'", requests: []senderRequest{
			{method: "OPTIONS", path: "/services/collector/event/1.0", status: 200},
			{method: "POST", path: "/services/collector/event/1.0", header: []string{"Authorization", "Splunk " + key}, pack: "gzip", status: 200, answer: `={"text":"Success","code":0}`, refused: 503,
				body: fmt.Sprintf(`{"event":{"line":"docker one","source":"stdout","tag":"3f2a"},"time":"%d.123456","host":"web-7"}`, time.Now().Unix()-5)},
		}},
		{name: "fluent bit splunk", events: 1, find: "host = 'web-7'", requests: []senderRequest{
			{method: "POST", path: "/services/collector/event", header: splunk, status: 200, answer: `"code":0`, refused: 503, body: hecBody("fluent bit splunk one", 1)},
		}},
		{name: "datadog agent", events: 1, find: "host = 'web-7' AND service = 'cart' AND source = 'go'", requests: []senderRequest{
			{method: "POST", path: "/api/v2/logs", header: agentHeader(key), body: "{}", status: 202},
			{method: "POST", path: "/api/v2/logs", header: agentHeader(key), pack: "gzip", status: 202, answer: "={}", refused: 429,
				body: fmt.Sprintf(`[{"message":"datadog agent one","status":"info","timestamp":%d,"hostname":"web-7","service":"cart","ddsource":"go","ddtags":"env:test,team:a"}]`, time.Now().UnixMilli()/1000*1000-877)},
		}},
		{name: "vector datadog", events: 1, doubles: true, find: "host = 'web-7'", requests: []senderRequest{
			{method: "GET", path: "/api/v1/validate", header: []string{"DD-API-KEY", key}, status: 200, answer: `"valid":true`},
			{method: "POST", path: "/api/v2/logs", header: []string{"DD-API-KEY", key, "Content-Type", "application/json"}, pack: "zstd", status: 202, refused: 429,
				body: fmt.Sprintf(`[{"message":"vector datadog one","timestamp":%d,"hostname":"web-7"}]`, time.Now().UnixMilli())},
		}},
		{name: "alloy", events: 2, find: "host = 'web-7' AND has(tags, 'job:app')", requests: []senderRequest{
			{method: "POST", path: "/loki/api/v1/push", header: auth("Bearer "+key, "Content-Type", "application/x-protobuf", "Content-Encoding", "snappy"), status: 204, answer: "=", refused: 503,
				body: lokiBody(`{host="web-7", job="app"}`, "alloy one", 2)},
		}},
		{name: "promtail", events: 1, find: "service = 'app' AND status = 'error'", requests: []senderRequest{
			{method: "POST", path: "/loki/api/v1/push", header: auth(basic, "Content-Type", "application/x-protobuf", "X-Scope-OrgID", "team"), status: 204, answer: "=", refused: 503,
				body: lokiBody(`{job="app", level="err"}`, "promtail one", 1)},
		}},
		{name: "vector loki", events: 1, find: "service = 'v'", requests: []senderRequest{
			{method: "GET", path: "/ready", status: 200},
			{method: "POST", path: "/loki/api/v1/push", header: auth(basic, "Content-Type", "application/x-protobuf", "Content-Encoding", "snappy"), status: 204, answer: "=", refused: 503,
				body: lokiBody(`{job="v"}`, "vector loki one", 1)},
		}},
		{name: "fluent bit loki", events: 1, find: "service = 'fluent-bit'", requests: []senderRequest{
			{method: "POST", path: "/loki/api/v1/push", header: auth("Bearer "+key, "Content-Type", "application/json"), pack: "gzip", status: 204, answer: "=", refused: 503,
				body: fmt.Sprintf(`{"streams":[{"stream":{"job":"fluent-bit"},"values":[["%d","fluent bit loki one"]]}]}`, time.Now().UnixNano())},
		}},
		{name: "collector", events: 1, find: "service = 'cart' AND status = 'info'", requests: []senderRequest{
			{method: "POST", path: "/v1/logs", header: auth("Bearer "+key, "Content-Type", "application/x-protobuf"), pack: "gzip", status: 200, answer: "=", refused: 429, body: otlpBody("collector one")},
		}},
		{name: "JSON collector", events: 1, find: "service = 'cart' AND status = 'info'", requests: []senderRequest{
			{method: "POST", path: "/v1/logs", header: auth("Bearer "+key, "Content-Type", "application/json"), pack: "gzip", status: 200, answer: "={}", refused: 429,
				body: fmt.Sprintf(`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"%d","severityNumber":9,"body":{"stringValue":"JSON collector one"}}]}]}]}`, otlpTime())},
		}},
		{name: "gRPC collector", events: 1, find: "service = 'cart' AND status = 'info'", requests: []senderRequest{
			{method: "POST", path: "/opentelemetry.proto.collector.logs.v1.LogsService/Export", header: auth("Bearer " + key), pack: "grpc", status: 200, answer: "\x00\x00\x00\x00\x00", refused: 429, body: otlpBody("gRPC collector one")},
		}},
		{name: "kube-apiserver", events: 2, find: "source = 'kubernetes.audit' AND service = 'kube-apiserver'", requests: []senderRequest{
			{method: "POST", path: "/k8s/audit?timeout=30s", header: auth("Bearer "+key, "Content-Type", "application/json"), status: 200, answer: "=", refused: 429,
				body: `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` +
					`{"level":"Metadata","auditID":"8f0c","stage":"RequestReceived","verb":"list","message":"kube-apiserver one","requestReceivedTimestamp":"` + at + `","stageTimestamp":"` + at + `"},` +
					`{"level":"Metadata","auditID":"8f0c","stage":"ResponseComplete","verb":"list","message":"kube-apiserver one","requestReceivedTimestamp":"` + at + `","stageTimestamp":"` + at + `"}]}`},
		}},
		{name: "an old log shipper", events: 1, doubles: true, find: "source = 'nginx'", requests: []senderRequest{
			{method: "POST", path: "/v1/input/" + key + "?ddsource=nginx&hostname=web-7", header: []string{"Content-Type", "text/plain"}, status: 202, refused: 429, body: "an old log shipper one"},
		}},
	}
}

func otlpTime() uint64 { return uint64(time.Now().Unix()-1)*1_000_000_000 + 123_000_000 }

// otlpBody is an ExportLogsServiceRequest of one record.
func otlpBody(text string) string {
	value := func(s string) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
	}
	body, err := proto.Marshal(&collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource:  &resource.Resource{Attributes: []*common.KeyValue{{Key: "service.name", Value: value("cart")}}},
		ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{{TimeUnixNano: otlpTime(), SeverityNumber: 9, Body: value(text)}}}},
	}}})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// overGRPC makes a request one of gRPC, and httpStatus of its answer that of HTTP, with
// the header that stands for RetryInfo.
func overGRPC(r *http.Request, packed []byte) *http.Client {
	n := len(packed)
	framed := []byte{1, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(append(framed, packed...))), -1
	for name, value := range map[string]string{"Content-Type": "application/grpc", "Te": "trailers", "Grpc-Encoding": "gzip", "Grpc-Accept-Encoding": "gzip"} {
		r.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: transport, Timeout: patience}
}

func httpStatus(resp *http.Response) (int, http.Header) {
	trailer := resp.Trailer
	if trailer.Get("Grpc-Status") == "" {
		trailer = resp.Header // an answer without a message has only one
	}
	if trailer.Get("Grpc-Status-Details-Bin") != "" {
		trailer.Set("Retry-After", "1")
	}
	return map[string]int{"0": 200, "8": 429, "14": 503, "16": 401, "7": 403}[trailer.Get("Grpc-Status")], trailer
}

// lokiBody is a PushRequest of one stream, packed by snappy.
func lokiBody(labels, text string, n int) string {
	field := func(out []byte, number protowire.Number, text []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), text)
	}
	stream := field(nil, 1, []byte(labels))
	for i := range n {
		at := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(time.Now().Unix()))
		at = protowire.AppendVarint(protowire.AppendTag(at, 2, protowire.VarintType), uint64(i))
		stream = field(stream, 2, field(field(nil, 1, at), 2, fmt.Appendf(nil, "%s %d", text, i)))
	}
	return string(snappy.Encode(nil, field(nil, 1, stream)))
}

func hecBody(text string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"time":%d.25%d,"host":"web-7","source":"app","sourcetype":"_json","event":"%s %d"}`, time.Now().Unix()-5, i, text, i)
	}
	return b.String()
}

func agentHeader(key string) []string {
	return []string{"DD-API-KEY", key, "Content-Type", "application/json", "User-Agent", "datadog-agent/7.60.0", "DD-PROTOCOL", "agent-json", "DD-EVP-ORIGIN", "agent", "DD-EVP-ORIGIN-VERSION", "7.60.0"}
}

// send sends the request and returns its answer.
func (q senderRequest) send(address string) (status int, header http.Header, body string, err error) {
	packed := new(bytes.Buffer)
	switch q.pack {
	case "gzip", "grpc":
		z := gzip.NewWriter(packed)
		_, _ = io.WriteString(z, q.body)
		_ = z.Close()
	case "zstd":
		z, _ := zstd.NewWriter(packed)
		_, _ = io.WriteString(z, q.body)
		_ = z.Close()
	default:
		packed.WriteString(q.body)
	}
	r, err := http.NewRequest(q.method, "http://"+address+q.path, packed)
	if err != nil {
		return 0, nil, "", err
	}
	for i := 0; i+1 < len(q.header); i += 2 {
		r.Header.Set(q.header[i], q.header[i+1])
	}
	if q.pack == "grpc" {
		resp, err := overGRPC(r, packed.Bytes()).Do(r)
		if err != nil {
			return 0, nil, "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		status, header = httpStatus(resp)
		return status, header, string(text), err
	}
	if q.pack != "" {
		r.Header.Set("Content-Encoding", q.pack)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text), err
}

// TestSendersThatCannotBeHadAreReplayed goes through the handshake and the requests
// of each, three times: while the engine is full, which refuses in the way that the
// sender waits out; on a network that loses the answer; and the retry.
func TestSendersThatCannotBeHadAreReplayed(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--intake-quota", "1B", "--log-level", "debug")
	network := newLossy(t, 0)
	network.aim(p)
	at := time.Now().UTC().Add(-3 * time.Second).Truncate(time.Second).Add(123 * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
	senders := replayedSenders(p.basic(), p.apiKey(), p.key, at)
	for _, s := range senders {
		for _, q := range s.requests {
			q.check(t, s.name+", while the engine is full", network.address, true)
		}
	}
	refusing := p.output.String()
	p.terminate()
	p.args = []string{"--log-level", "debug"}
	p.start()
	network.aim(p)
	for _, s := range senders {
		for _, q := range s.requests {
			if q.refused != 0 && !s.doubles {
				network.losing.Store(1)
				if _, _, _, err := q.send(network.address); err == nil {
					t.Errorf("%s: the answer was not lost", s.name)
				}
			}
			q.check(t, s.name, network.address, false)
		}
	}
	p.caughtUp()
	for _, s := range senders {
		where := "startsWith(message, '" + s.name + " ') AND " + s.find
		if got := p.count("SELECT count() FROM events WHERE " + where); got != uint64(s.events) {
			t.Errorf("%s: %d events, want %d", s.name, got, s.events)
		}
	}
	total := 0
	for _, s := range senders {
		total += s.events
	}
	if got := p.count("SELECT count() FROM events"); got != uint64(total) {
		t.Errorf("%d events in all, want %d", got, total)
	}
	if strings.Contains(refusing+p.output.String(), p.key) {
		t.Error("the key is in the log")
	}
}

func (q senderRequest) check(t *testing.T, who, address string, full bool) {
	t.Helper()
	status, header, body, err := q.send(address)
	want := q.status
	if full && q.refused != 0 {
		want = q.refused
	}
	if err != nil || status != want {
		t.Errorf("%s: %s %s: %d %s %v, want %d", who, q.method, q.path, status, body, err, want)
		return
	}
	if full && q.refused != 0 {
		if header.Get("Retry-After") == "" {
			t.Errorf("%s: refused without Retry-After", who)
		}
		return
	}
	exact, isExact := strings.CutPrefix(q.answer, "=")
	if isExact && body != exact || !strings.Contains(body, exact) {
		t.Errorf("%s: %s %s: %s, want %s", who, q.method, q.path, body, q.answer)
	}
}

// TestDoorsSpeakOfKeysInTheirOwnWords asks without a key and with a wrong one.
func TestDoorsSpeakOfKeysInTheirOwnWords(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--log-level", "debug", "--elasticsearch-version", "7.17.9")
	address := strings.TrimPrefix(p.base, "http://")
	wrong := strings.Repeat("w", 40)
	for _, c := range []struct {
		method, path, authorization string
		status                      int
		says                        string
	}{
		{"POST", "/_bulk", "", 401, `"type":"security_exception"`},
		{"POST", "/elastic/x/_bulk", "Basic eDp3d3d3", 403, `"status":403`},
		{"GET", "/", "", 401, "security_exception"}, {"GET", "/elastic/", "ApiKey " + wrong, 403, "security_exception"},
		{"HEAD", "/", "", 200, ""}, {"HEAD", "/", "Basic eDp3d3d3", 403, ""},
		{"OPTIONS", "/_bulk", "", 200, ""}, {"HEAD", "/ingest", "", 200, ""}, {"OPTIONS", "/api/v2/logs", "", 200, ""}, {"HEAD", "/v1/input", "", 200, ""},
		{"POST", "/services/collector/event", "", 401, `{"text":"Token is required","code":2}`},
		{"POST", "/services/collector", "Digest x", 401, `{"text":"Invalid authorization","code":3}`},
		{"POST", "/services/collector/raw", "Splunk " + wrong, 403, `{"text":"Invalid token","code":4}`},
		{"GET", "/services/collector/health", "", 200, "healthy"}, {"GET", "/services/collector/health/1.0", "Splunk " + wrong, 400, `"code":4`},
		{"POST", "/ingest", "", 401, `"errors"`}, {"POST", "/ingest", "Bearer " + wrong, 403, `"errors"`},
		{"POST", "/", "", 401, `"errors"`}, {"POST", "/v1/input/" + wrong, "", 403, `"errors"`}, {"POST", "//v1//input//" + wrong, "", 403, `"errors"`}, {"POST", "/api/v2/logs?dd-api-key=" + wrong, "", 403, `"errors"`},
		{"POST", "/ingest?token=" + p.key, "", 200, "{}"}, {"POST", "/?dd-api-key=" + p.key, "", 200, "{}"}, {"POST", "//ingest//?token=" + p.key, "", 200, "{}"},
		{"POST", "/services/collector/raw?token=" + p.key, "", 200, "Success"},
		{"GET", "/", p.basic(), 200, `"number":"7.17.9"`},
		{"POST", "/v1/logs", "", 401, `"code":16`}, {"POST", "/otlp/v1/logs", "Bearer " + wrong, 403, `"code":7`}, {"HEAD", "/v1/logs", "", 200, ""},
		{"POST", "/loki/api/v1/push", "", 401, "Unauthorized"}, {"POST", "/api/prom/push", "Basic eDp3d3d3", 403, "Forbidden"}, {"GET", "/ready", "", 200, "ready"},
		{"POST", "/k8s/audit", "", 401, `"kind":"Status"`}, {"POST", "/k8s/audit", "Bearer " + wrong, 403, `"status":"Failure"`},
		{"POST", "/upload", "", 401, "Unauthorized"}, {"POST", "/upload", "Basic eDp3d3d3", 403, "Forbidden"},
	} {
		header := []string{"Accept", "application/json"}
		if c.authorization != "" {
			header = append(header, "Authorization", c.authorization)
		}
		q := senderRequest{method: c.method, path: c.path, header: header, body: `{"message":"x"}`}
		status, answer, body, err := q.send(address)
		if err != nil || status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%+v: %d %s %v", c, status, body, err)
		}
		isElastic := strings.Contains(c.path, "_bulk") || c.path == "/elastic/" || c.path == "/" && c.method != "POST"
		if (answer.Get("X-Elastic-Product") == "Elasticsearch") != isElastic {
			t.Errorf("%s %s: %v", c.method, c.path, answer)
		}
		if strings.Contains(body, wrong) || strings.Contains(body, p.key) {
			t.Errorf("%s %s shows the key: %s", c.method, c.path, body)
		}
	}
	for _, accept := range []string{"text/html,*/*;q=0.8", "*/*", ""} {
		page := senderRequest{method: "GET", path: "/", header: []string{"Accept", accept}}
		if status, header, body, err := page.send(address); err != nil || status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			t.Errorf("a browser that takes %q: %d %v %.200s %v", accept, status, header, body, err)
		}
	}
	if out := p.output.String(); strings.Contains(out, p.key) || strings.Contains(out, wrong) || !strings.Contains(out, "/v1/input/…") {
		t.Errorf("the log has a key, or nothing of the requests: %.2000s", out)
	}
}

// TestBulkIdsSurviveAKill sends a bulk request whose answer a crash took again.
func TestBulkIdsSurviveAKill(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	var body strings.Builder
	for i := range 500 {
		fmt.Fprintf(&body, `{"create":{"_index":"x","_id":"%d"}}`+"\n"+`{"message":"%d"}`+"\n", i, i)
	}
	send := func() (created, known int) {
		q := senderRequest{method: "POST", path: "/_bulk", header: []string{"Authorization", p.basic()}, body: body.String()}
		status, _, answer, err := q.send(strings.TrimPrefix(p.base, "http://"))
		if err != nil || status != 200 || !json.Valid([]byte(answer)) {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		return strings.Count(answer, `"status":201`), strings.Count(answer, `"status":200`)
	}
	if created, _ := send(); created != 500 {
		t.Errorf("%d were created", created)
	}
	for range 2 {
		p.kill()
		p.start()
		if created, known := send(); created != 0 || known != 500 {
			t.Errorf("after a kill: %d created, %d known", created, known)
		}
	}
	p.caughtUp()
	if n := p.count("SELECT count() FROM events"); n != 500 {
		t.Errorf("%d events", n)
	}
}

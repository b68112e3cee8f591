package otlp

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
	"nightjar/schema"
)

func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func integer(n int64) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}
}

func list(vs ...*common.AnyValue) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: vs}}}
}

func object(kvs ...*common.KeyValue) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: kvs}}}
}

func attribute(key string, v *common.AnyValue) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: v}
}

var at = uint64(ingesttest.Now.Add(-time.Second).Add(123 * time.Millisecond).UnixNano())

// of is a request of these records, of a service on a host.
func of(records ...*logs.LogRecord) *collector.ExportLogsServiceRequest {
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: &resource.Resource{Attributes: []*common.KeyValue{
			attribute("service.name", text("cart")), attribute("host.name", text("web-7")), attribute("status", text("resource's")),
		}},
		ScopeLogs: []*logs.ScopeLogs{{
			Scope:      &common.InstrumentationScope{Name: "lib", Version: "1.2", Attributes: []*common.KeyValue{attribute("x", integer(1))}},
			LogRecords: records,
		}},
	}}}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func shown(e schema.Event) string {
	return fmt.Sprintf("%d|%s|%s|%s|%s|%s|%v|%s", int64(e.At)-ingesttest.Now.UnixMilli(), e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags, e.JSON)
}

const shared = `"service":{"name":"cart"},"host":{"name":"web-7"},"otel":{"scope":{"name":"lib","version":"1.2","x":1}}`

// TestARecordBecomesTheEventThatItSays sends each record as protobuf, as JSON and
// over gRPC: it is one event.
func TestARecordBecomesTheEventThatItSays(t *testing.T) {
	for _, c := range []struct {
		name   string
		record *logs.LogRecord
		want   string
	}{
		{"all of it", &logs.LogRecord{
			TimeUnixNano: at, ObservedTimeUnixNano: at + 1e9, SeverityNumber: 17, SeverityText: "Error", Body: text("failed"), EventName: "e",
			TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Flags: 1, DroppedAttributesCount: 2,
			Attributes: []*common.KeyValue{attribute("usr.id", text("u1")), attribute("n", integer(math.MaxInt64)), attribute("l", list(integer(1), text("a"), nil))},
		}, `-877||cart|web-7|error|failed|[]|{"severity_number":17,"severity_text":"Error",` + shared + `,"usr":{"id":"u1"},"n":9223372036854775807,"l":[1,"a",null],"trace_id":"30313233343536373839616263646566","span_id":"3031323334353637","trace_flags":1,"event_name":"e","dropped_attributes_count":2,"status":"resource's"}`},
		{"observed, no severity", &logs.LogRecord{ObservedTimeUnixNano: at, Body: text("x")}, `-877||cart|web-7|info|x|[]|{` + shared + `,"status":"resource's"}`},
		{"a word for a severity", &logs.LogRecord{TimeUnixNano: at, SeverityText: "WARNING", Body: text("x")}, `-877||cart|web-7|warn|x|[]|{"status":"WARNING",` + shared + `}`},
		{"a body of members", &logs.LogRecord{TimeUnixNano: at, Body: object(attribute("msg", text("in")), attribute("user", object(attribute("id", integer(7)))))},
			`-877||cart|web-7|info|in|[]|{"msg":"in","user":{"id":7},` + shared + `,"status":"resource's"}`},
		{"attributes with names that the record has used", &logs.LogRecord{TimeUnixNano: at, SeverityNumber: 9, Body: text("x"), Attributes: []*common.KeyValue{
			attribute("message", text("m")), attribute("timestamp", integer(5)), attribute("status", integer(200)), attribute("hostname", text("h"))}},
			`-877||cart|h|info|x|[]|{"severity_number":9,` + shared + `,"status":200,"message":"m","timestamp":5}`},
		{"the source that an attribute names reads the line", &logs.LogRecord{TimeUnixNano: at, Body: text("Invalid user x from ::1"), Attributes: []*common.KeyValue{
			attribute("ddsource", text("sshd")), attribute("log.file.name", text("auth.log"))}},
			`-877|sshd|cart|web-7|info|Invalid user x from ::1|[]|` + `{` + shared + `,"log":{"file":{"name":"auth.log"}},"status":"resource's","usr":{"name":"x","id":"x"},"network":{"client":{"ip":"::1"}},"evt":{"name":"ssh_invalid_user","outcome":"failure","category":"authentication"},"ssh":{"invalid_user":true},"nightjar":{"pipelines":["sshd@1"]}}`},
		{"bytes", &logs.LogRecord{TimeUnixNano: at, Body: &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte("text")}}, Attributes: []*common.KeyValue{
			attribute("b", &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte{0xff, 0}}}), attribute("d", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: math.Inf(1)}})}},
			`-877||cart|web-7|info|text|[]|{` + shared + `,"b":"/wA=","d":"Infinity","status":"resource's"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := ingesttest.Start(t, t.TempDir())
			door := NewDoor(ingest.NewHandler(in.Intake))
			request := of(c.record)
			asJSON, err := protojson.Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			send(t, door, typeProto, string(marshal(t, request)), 200, "")
			send(t, door, typeJSON, string(asJSON), 200, "{}")
			if _, err := dial(t, in).Export(t.Context(), request, grpc.UseCompressor(gzip.Name)); err != nil {
				t.Fatal(err)
			}
			events := in.Events()
			if len(events) != 2 { // over gRPC came what had come as protobuf
				t.Errorf("%d events, want 2", len(events))
			}
			for _, e := range events {
				if got := shown(e); !sameEvent(got, c.want) {
					t.Errorf("\n got %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

// sameEvent compares without the order of attributes.
func sameEvent(a, b string) bool {
	i, j := strings.Index(a, "|{"), strings.Index(b, "|{")
	if i < 0 || j < 0 || a[:i] != b[:j] {
		return false
	}
	x, err := schema.ParseAttributes(a[i+1:])
	y, err2 := schema.ParseAttributes(b[j+1:])
	if err != nil || err2 != nil || len(x.Leaves) != len(y.Leaves) {
		return false
	}
	count := map[string]int{}
	for i := range x.Leaves {
		count[fmt.Sprint(x.Leaves[i])]++
		count[fmt.Sprint(y.Leaves[i])]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func send(t testing.TB, door *Door, kind, body string, status int, want string) *httptest.ResponseRecorder {
	t.Helper()
	got := ingesttest.Send(door, "POST", "/v1/logs", body, "Content-Type", kind)
	if got.Code != status || got.Header().Get("Content-Type") != kind || want != "*" && strings.ReplaceAll(got.Body.String(), " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%d %s %q, want %d %s %q", got.Code, got.Header().Get("Content-Type"), got.Body, status, kind, want)
	}
	return got
}

// dial serves the intake over gRPC.
func dial(t testing.TB, in *ingesttest.Intake) collector.LogsServiceClient {
	t.Helper()
	server := grpc.NewServer(grpc.MaxRecvMsgSize(32 << 20))
	Register(server, ingest.NewHandler(in.Intake))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }() // until it is stopped
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return collector.NewLogsServiceClient(conn)
}

// TestJSONIsReadAsSendersWriteIt has ids in digits, numbers as text or not, names
// that are not known, and a record that says nothing.
func TestJSONIsReadAsSendersWriteIt(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	send(t, door, typeJSON, `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}],"new":{"a":[1]}},
		"scopeLogs":[{"logRecords":[{"timeUnixNano":"`+fmt.Sprint(at)+`","severityNumber":9,"severityText":"INFO","body":{"stringValue":"bad `+"\xff"+`"},"futureField":true,
		"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"b7ad6b7169203331","attributes":[{"key":"n","value":{"intValue":"42"}},{"key":"m","value":{"intValue":43}}]},
		{"timeUnixNano":`+fmt.Sprint(at)+`}]}]}]}`, 200, "{}")
	events := in.Events()
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	want := "-877||cart||info|bad \uFFFD|[]|" + `{"severity_number":9,"severity_text":"INFO","service":{"name":"cart"},"n":42,"m":43,"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"}`
	if got := shown(events[0]); !sameEvent(got, want) {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// TestWhatCannotBeReadIsRefusedOrRejected has what no sender sends on purpose.
func TestWhatCannotBeReadIsRefusedOrRejected(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	deep := text("x")
	for range maxNesting + 5 {
		deep = list(deep)
	}
	request := marshal(t, of(&logs.LogRecord{TimeUnixNano: at, Body: deep}, &logs.LogRecord{TimeUnixNano: at, Body: text("kept")}))
	got := send(t, door, typeProto, string(request), 200, "*")
	var answer collector.ExportLogsServiceResponse
	if err := proto.Unmarshal(got.Body.Bytes(), &answer); err != nil || answer.GetPartialSuccess().GetRejectedLogRecords() != 1 || !strings.Contains(answer.GetPartialSuccess().GetErrorMessage(), "record 0: values are nested") {
		t.Errorf("%v %v", &answer, err)
	}
	answered, err := dial(t, in).Export(t.Context(), of(&logs.LogRecord{TimeUnixNano: at, Body: deep}))
	if err != nil || answered.GetPartialSuccess().GetRejectedLogRecords() != 1 {
		t.Errorf("%v %v", answered, err)
	}
	// What is no UTF-8 costs the character, not the batch.
	broken := strings.Replace(string(marshal(t, of(&logs.LogRecord{TimeUnixNano: at, Body: text("brok?n")}))), "brok?n", "brok\xffn", 1)
	send(t, door, typeProto, broken, 200, "")
	for _, c := range []struct{ kind, body, says string }{
		{typeProto, "\x0a\x05", "event 0 at byte 0 (line 1, column 1): broken protobuf"},
		{typeProto, string(request[:len(request)-3]), "broken protobuf"},
		{typeJSON, "{\"resourceLogs\":[\n{]}", "(line 2, column 2)"},
		{typeJSON, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":7}]}]}]}`, "in the JSON of OTLP"},
		{typeJSON, "", "in the JSON of OTLP"},
	} {
		got := send(t, door, c.kind, c.body, 400, "*")
		if s := statusIn(t, c.kind, got.Body.Bytes()); s.Code != int32(codes.InvalidArgument) || !strings.Contains(s.Message, c.says) {
			t.Errorf("%.40q: %v, want %s", c.body, s, c.says)
		}
	}
	send(t, door, typeJSON, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[`+strings.Repeat("{},", maxJSONValues)+`{}]}]}]}`, 413, "*")
	if got := ingesttest.Send(door, "POST", "/v1/logs", "x", "Content-Type", "text/plain"); got.Code != 415 {
		t.Errorf("%d", got.Code)
	}
	events := in.Events()
	if len(events) != 2 || events[0].Message != "kept" || events[1].Message != "brok\uFFFDn" {
		t.Errorf("%d events: %+v", len(events), events)
	}
}

func statusIn(t *testing.T, kind string, body []byte) *spb.Status {
	t.Helper()
	read := proto.Unmarshal
	if kind == typeJSON {
		read = protojson.Unmarshal
	}
	var s spb.Status
	if err := read(body, &s); err != nil {
		t.Errorf("%v: %q", err, body)
	}
	return &s
}

// TestManyEmptyRecordsCostLittle: a request may be two bytes a record.
func TestManyEmptyRecordsCostLittle(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	records := strings.Repeat("\x12\x00", 8<<20)
	scope := protowire.AppendString([]byte{0x12}, records)
	request := protowire.AppendString([]byte{0x0a}, string(scope))
	got := send(t, NewDoor(ingest.NewHandler(in.Intake)), typeProto, string(request), 413, "*")
	if s := statusIn(t, typeProto, got.Body.Bytes()); !strings.Contains(s.Message, "more than 1048576 values in a request") {
		t.Errorf("%v", s)
	}
}

// TestWhatRecordsShareIsBounded: a resource of a megabyte is in each of its records.
func TestWhatRecordsShareIsBounded(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	request := of()
	request.ResourceLogs[0].Resource.Attributes = []*common.KeyValue{attribute("a", text(strings.Repeat("x", 1<<20)))}
	for range 100 {
		request.ResourceLogs[0].ScopeLogs[0].LogRecords = append(request.ResourceLogs[0].ScopeLogs[0].LogRecords, &logs.LogRecord{TimeUnixNano: at})
	}
	got := send(t, NewDoor(ingest.NewHandler(in.Intake)), typeProto, string(marshal(t, request)), 413, "*")
	if s := statusIn(t, typeProto, got.Body.Bytes()); !strings.Contains(s.Message, "each with what it shares with others") {
		t.Errorf("%v", s)
	}
	request.ResourceLogs[0].ScopeLogs[0].LogRecords = request.ResourceLogs[0].ScopeLogs[0].LogRecords[:10]
	send(t, NewDoor(ingest.NewHandler(in.Intake)), typeProto, string(marshal(t, request)), 200, "*")
	if n := len(in.Events()); n != 10 {
		t.Errorf("%d events", n)
	}
}

// TestARequestIsTakenOnce sends requests again, of which the answer was lost; those
// with events without a time of their own may be others.
func TestARequestIsTakenOnce(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	client := dial(t, in)
	timed, untimed := of(&logs.LogRecord{TimeUnixNano: at, Body: text("a")}), of(&logs.LogRecord{Body: text("b")})
	for range 3 {
		for _, r := range []*collector.ExportLogsServiceRequest{timed, untimed} {
			send(t, door, typeProto, string(marshal(t, r)), 200, "")
			if _, err := client.Export(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(in.Events()); n != 1+6 {
		t.Errorf("%d events, want 7", n)
	}
}

// TestRefusalsAreThoseThatSendersUnderstand has an intake that is full.
func TestRefusalsAreThoseThatSendersUnderstand(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir(), func(d *ingest.Deps) { d.Config.MaxBacklog = 1 })
	request := of(&logs.LogRecord{TimeUnixNano: at, Body: text("a")})
	door := NewDoor(ingest.NewHandler(in.Intake))
	got := send(t, door, typeProto, string(marshal(t, request)), 429, "*")
	if s := statusIn(t, typeProto, got.Body.Bytes()); got.Header().Get("Retry-After") != "5" || s.Code != int32(codes.ResourceExhausted) {
		t.Errorf("%v %v", got.Header(), s)
	}
	_, err := dial(t, in).Export(t.Context(), request)
	s := status.Convert(err)
	if s.Code() != codes.ResourceExhausted || len(s.Details()) != 1 {
		t.Fatalf("%v", err)
	}
	if info, ok := s.Details()[0].(*errdetails.RetryInfo); !ok || info.RetryDelay.AsDuration() != 5*time.Second {
		t.Errorf("%v", s.Details())
	}
	w := httptest.NewRecorder()
	door.Refuse(w, httptest.NewRequest("POST", "/v1/logs", nil), 401, "no key")
	if w.Code != 401 || w.Body.Len() == 0 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if _, err := dial(t, in).Export(context.WithoutCancel(t.Context()), of(&logs.LogRecord{Body: text(strings.Repeat("x", 33<<20))})); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("33 MiB: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(marshal(f, of(&logs.LogRecord{TimeUnixNano: at, SeverityNumber: 3, Body: object(attribute("a", list(text("b"))))})), false)
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"0af7651916cd43dd8448eb211c80319c","body":{"doubleValue":1.5}}]}]}]}`), true)
	f.Add([]byte("\x0a\x04\x12\x02\x12\x00"), false)
	f.Fuzz(func(t *testing.T, body []byte, isJSON bool) {
		var got took
		d := &ingest.Decoder{Now: ingesttest.Now}
		batch, err := reader(&got, isJSON)(d, body)
		var in collector.ExportLogsServiceRequest
		if isJSON || proto.Unmarshal(body, &in) != nil {
			return // only that it ends
		}
		if err != nil {
			t.Fatalf("what protobuf reads is refused: %v", err)
		}
		records := 0
		for _, r := range in.GetResourceLogs() {
			for _, s := range r.GetScopeLogs() {
				records += len(s.GetLogRecords())
			}
		}
		if len(batch.Events)+got.rejected != records {
			t.Fatalf("%d events and %d rejected of %d records", len(batch.Events), got.rejected, records)
		}
	})
}

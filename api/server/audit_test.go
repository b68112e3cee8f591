package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"nightjar/api/access/audit"
	pb "nightjar/api/v1"
)

// written is what was written down since it was last asked.
func (w *world) written() []audit.Entry {
	w.audits.Lock()
	defer w.audits.Unlock()
	out := w.audit
	w.audit = nil
	return out
}

const aRule = `{"name":"a rule","isEnabled":true,"queries":[{"query":"source:x"}],"cases":[{"status":"info","condition":"a > 0"}],"options":{"evaluationWindow":0},"message":"m","type":"log_detection"}`

func TestAChangeIsWrittenDownOverRESTAndGRPCAlike(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	if got, answer := call(t, s, "POST", "/api/v2/security_monitoring/rules", aRule); got != 200 {
		t.Fatalf("%d %s", got, answer)
	}
	overREST := w.written()
	if _, err := pb.NewRuleServiceClient(dial(t, s)).CreateRule(withKey(t.Context()), &pb.CreateRuleRequest{Rule: &pb.Rule{
		Name: "a rule", Queries: []*pb.RuleQuery{{Query: proto.String("source:x")}}, Cases: []*pb.RuleCase{{Status: "info", Condition: proto.String("a > 0")}}, Message: "m", Type: "log_detection", Options: &pb.RuleOptions{},
	}}); err != nil {
		t.Fatal(err)
	}
	for way, entries := range map[string][]audit.Entry{"REST": overREST, "gRPC": w.written()} {
		if len(entries) != 2 {
			t.Fatalf("%s: %+v", way, entries)
		}
		begun, done := entries[0], entries[1]
		if begun.Action != "RuleService/CreateRule" || begun.Outcome != audit.Begun || begun.Object != "a rule" || begun.Caller != "first key" || begun.Role != "admin" || begun.Address != "127.0.0.1" {
			t.Errorf("%s: %+v", way, begun)
		}
		if done.Outcome != audit.Done || done.Request != begun.Request || done.Request == "" || !strings.HasSuffix(done.Object, " a rule") {
			t.Errorf("%s: %+v after %+v", way, done, begun)
		}
	}
}

// TestHowARequestWentIsWrittenDown that stands for no method.
func TestHowARequestWentIsWrittenDown(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	for status, want := range map[int]audit.Outcome{200: audit.Done, 409: audit.Failed, 500: audit.Failed} {
		w.backup = status
		if got, _ := call(t, s, "POST", "/api/nightjar/v1/backup", ""); got != status {
			t.Errorf("%d, want %d", got, status)
		}
		if e := w.written(); len(e) != 2 || e[0].Outcome != audit.Begun || e[1].Outcome != want {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

func TestAChangeThatCannotBeWrittenDownIsNotMade(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	w.audits.Lock()
	w.auditFails = errors.New("the disk is gone")
	w.audits.Unlock()
	if got, answer := call(t, s, "POST", "/api/v2/security_monitoring/rules", aRule); got != http.StatusServiceUnavailable || !strings.Contains(answer, "audit log") {
		t.Errorf("%d %s", got, answer)
	}
	_, err := pb.NewRuleServiceClient(dial(t, s)).DeleteRules(withKey(t.Context()), &pb.RulesRequest{})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("gRPC: %v", err)
	}
	if len(w.rules) > 0 {
		t.Errorf("it was made: %v", w.rules)
	}
	if got, _ := call(t, s, "GET", "/api/v2/security_monitoring/rules", ""); got != 200 {
		t.Errorf("reading: %d", got)
	}
}

func TestAKeyThatAsksTooMuchIsToldWhenToComeBack(t *testing.T) {
	w := newWorld()
	w.rate = 1
	s := w.start(t)
	var last *http.Response
	for range 4 {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.HTTPAddr().String()+"/api/nightjar/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("DD-API-KEY", testKey)
		if last, err = http.DefaultClient.Do(req); err != nil {
			t.Fatal(err)
		}
		_ = last.Body.Close()
	}
	if after, err := strconv.Atoi(last.Header.Get("Retry-After")); last.StatusCode != http.StatusTooManyRequests || err != nil || after < 1 {
		t.Errorf("%s, Retry-After %q", last.Status, last.Header.Get("Retry-After"))
	}
	if got, _ := call(t, s, "POST", "/api/v2/logs", "[]"); got != http.StatusTooManyRequests {
		t.Errorf("at a door of the intake: %d", got)
	}
	if _, err := pb.NewStatusServiceClient(dial(t, s)).ValidateKey(withKey(t.Context()), &pb.ValidateKeyRequest{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("gRPC: %v", err)
	}
}

func TestKeysAreMadeUsedAndRevokedOverTheAPI(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	var made struct{ ID, Key, Hint string }
	got, answer := call(t, s, "POST", "/api/nightjar/v1/keys", `{"name":"shipper","role":"intake"}`)
	if err := json.Unmarshal([]byte(answer), &made); got != 200 || err != nil || len(made.Key) < 64 || made.ID == "" {
		t.Fatalf("%d %s %v", got, answer, err)
	}
	if got, answer := call(t, s, "POST", "/api/v2/logs", "[]", "DD-API-KEY", made.Key); got != 202 {
		t.Errorf("its own work: %d %s", got, answer)
	}
	if got, answer := call(t, s, "GET", "/api/nightjar/v1/status", "", "DD-API-KEY", made.Key); got != 403 {
		t.Errorf("another's: %d %s", got, answer)
	}
	if got, answer := call(t, s, "GET", "/api/nightjar/v1/status", "", "DD-API-KEY", made.Key, "DD-APPLICATION-KEY", testKey); got != 200 {
		t.Errorf("with an administrator's application key: %d %s", got, answer)
	}
	if got, answer := call(t, s, "GET", "/api/nightjar/v1/status", "", "DD-APPLICATION-KEY", "anything"); got != 403 {
		t.Errorf("with a wrong application key: %d %s", got, answer)
	}
	if got, answer := call(t, s, "GET", "/api/nightjar/v1/keys", ""); got != 200 || strings.Contains(answer, made.Key) || !strings.Contains(answer, made.Hint) || strings.Contains(answer, `"hash"`) {
		t.Errorf("the list: %d %s", got, answer)
	}
	if got, answer := call(t, s, "DELETE", "/api/nightjar/v1/keys/"+made.ID, ""); got != 204 {
		t.Errorf("%d %s", got, answer)
	}
	if got, answer := call(t, s, "POST", "/api/v2/logs", "[]", "DD-API-KEY", made.Key); got != 403 {
		t.Errorf("when it is revoked: %d %s", got, answer)
	}
	for _, e := range w.written() {
		if text, _ := json.Marshal(e); strings.Contains(string(text), made.Key) {
			t.Errorf("the key was written down: %s", text)
		}
	}
}

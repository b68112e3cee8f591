package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"nightjar/testenv"
)

// TestRecordedExchangesOfPipelinesGetTheRecordedAnswers has every recorded exchange of
// the reference's pipelines API, and what its contract says of the others.
func TestRecordedExchangesOfPipelinesGetTheRecordedAnswers(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	r := &replay{t, p, loadContract(t, "openapi_pipelines.json"), map[string]string{}}
	n := 0
	for i, line := range readLongLines(t, testenv.Shared(t, "conformance/http/recorded_pipelines.jsonl")) {
		var x struct {
			Scenario, Method, Path string
			Request, Response      json.RawMessage
			Status                 int
		}
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		body := string(x.Request)
		if body == `""` {
			body = ""
		}
		exchange := recordedExchange{Scenario: x.Scenario, Method: x.Method, Path: x.Path, Req: body, Resp: string(x.Response), I: i, Status: x.Status}
		if differences := r.replay(exchange); len(differences) > 0 {
			t.Errorf("%s: %s %s\n  %s", x.Scenario, x.Method, x.Path, strings.Join(differences, "\n  "))
		}
		n++
	}
	if n < 18 {
		t.Fatalf("only %d exchanges were recorded", n)
	}
	r.beyondTheRecordings()
}

// beyondTheRecordings asks what the recordings do not have, within the contract.
func (r *replay) beyondTheRecordings() {
	r.t.Helper()
	const pipelines = "/api/v1/logs/config/pipelines"
	ask := func(method, path, body string, want int) (answer map[string]any, text []byte) {
		r.t.Helper()
		status, text, err := r.p.request(method, path, []byte(body))
		if err != nil {
			r.t.Fatal(err)
		}
		if status != want {
			r.t.Errorf("%s %s: status %d, want %d: %s", method, path, status, want, text)
		}
		if err := r.contract.check(method, r.p.base+path, status, text); err != nil {
			r.t.Errorf("%s %s: against the contract: %v", method, path, err)
		}
		_ = json.Unmarshal(text, &answer)
		return answer, text
	}
	one, _ := ask(http.MethodPost, pipelines, `{"name":"one","filter":{"query":"source:python"},"is_enabled":true,"processors":[]}`, 200)
	two, _ := ask(http.MethodPost, pipelines, `{"name":"two"}`, 200)
	id, other := fmt.Sprint(one["id"]), fmt.Sprint(two["id"])
	order, _ := ask(http.MethodGet, "/api/v1/logs/config/pipeline-order", "", 200)
	ids, _ := order["pipeline_ids"].([]any)
	if len(ids) < 2 || ids[len(ids)-2] != id || ids[len(ids)-1] != other {
		r.t.Fatalf("order %v, want %s and %s at its end", ids, id, other)
	}
	ids[0], ids[len(ids)-1] = ids[len(ids)-1], ids[0]
	turned, err := json.Marshal(map[string]any{"pipeline_ids": ids})
	if err != nil {
		r.t.Fatal(err)
	}
	ask(http.MethodPut, "/api/v1/logs/config/pipeline-order", string(turned), 200)
	_, list := ask(http.MethodGet, pipelines, "", 200)
	var all []struct{ ID string }
	if err := json.Unmarshal(list, &all); err != nil || len(all) != len(ids) || all[0].ID != other {
		r.t.Errorf("the list is not in the order: %s, %v", list, err)
	}
	ask(http.MethodPut, "/api/v1/logs/config/pipeline-order", `{"pipeline_ids":["`+id+`","x"]}`, 422)
	ask(http.MethodGet, pipelines+"/"+id, "", 200)
	ask(http.MethodGet, pipelines+"/nothing", "", 400)
	ask(http.MethodPut, pipelines+"/"+id, `{"name":"renamed","filter":{"query":"*"},"processors":[]}`, 200)
	ask(http.MethodPut, pipelines+"/"+id, `{"name":"broken","filter":{"query":"source:("}}`, 400)
	ask(http.MethodPost, pipelines, `{"name":"x","processors":[{"type":"nonsense"}]}`, 400)
	ask(http.MethodPost, pipelines, `{"filter":{"query":"*"}}`, 400)
	ask(http.MethodDelete, pipelines+"/"+id, "", 200)
	ask(http.MethodGet, pipelines+"/"+id, "", 400)
	ask(http.MethodDelete, pipelines+"/"+id, "", 400)
}

package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"nightjar/schema"
)

// Every part of the API has the errors of the reference's part, and the `error`
// object beside them.
func TestErrorsSpeakTheDialectOfTheirPart(t *testing.T) {
	invalid := &schema.InvalidError{Details: []schema.Detail{{Target: "data.attributes.rule_query", Message: "rule query is invalid"}}}
	missing := &schema.NotFoundError{Kind: "suppression", ID: "abc-def-ghi"}
	for _, c := range []struct {
		path, want string
		err        error
	}{
		{"/api/v2/security_monitoring/configuration/suppressions/validation", `["input_validation_error(Field 'data.attributes.rule_query' is invalid: rule query is invalid)"]`, invalid},
		{"/api/v2/security_monitoring/configuration/suppressions/abc-def-ghi", `["not_found(Suppression with ID abc-def-ghi not found)"]`, missing},
		{"/api/v2/siem-historical-detections/jobs/x", `[{"detail":"invalid jobId","status":"400","title":"Generic Error"}]`, &Error{Message: "invalid jobId"}},
		{"/api/v2/reference-tables/tables/x", `[{"detail":"table not found","status":"404","title":"Not Found"}]`, &Error{Code: 5, Message: "table not found"}},
		{"/api/v2/remote_config/products/cws/agent_rules/x", `[{"title":"failed to get rule"}]`, &Error{Code: 5, Message: "failed to get rule"}},
		{"/api/v2/security_monitoring/rules", `["Invalid request","rule query is invalid"]`, invalid},
		{"/api/nightjar/v1/sql", `["the database does not answer; try again"]`, errors.Join(ErrUnavailable)},
	} {
		p := Describe(t.Context(), slog.New(slog.DiscardHandler), c.err)
		var body map[string]any
		if err := json.Unmarshal(p.body(dialectOf(c.path)), &body); err != nil {
			t.Fatal(err)
		}
		entries, _ := json.Marshal(body["errors"])
		if got := string(entries); got != c.want {
			t.Errorf("%s: errors are %s, want %s", c.path, got, c.want)
		}
		if body["error"].(map[string]any)["code"] == "" {
			t.Errorf("%s: no error object: %v", c.path, body)
		}
	}
}

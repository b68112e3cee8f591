package clickhouse_test

import (
	"strings"
	"testing"

	"nightjar/api/services/events"
)

// TestASearchThatFindsNothingIsToldWhatIsNear asks for what no event has.
func TestASearchThatFindsNothingIsToldWhatIsNear(t *testing.T) {
	s := newShelf(t)
	s.add(event(t, begin, "cloudtrail", `{"evt":{"name":"ConsoleLogin"},"network":{"client":{"ip":"192.0.2.1"}},"http":{"status_code":404},"kind":"File"}`, "env:prod"))
	s.add(event(t, begin, "sshd", `{"kind":"Process"}`))
	for query, want := range map[string][]string{
		`@http.status_cod:404`:            {"unknown_field", "did you mean @http.status_code?"},
		`@status_code:404`:                {"unknown_field", "did you mean @http.status_code?"},
		`network.client.ip:192.0.2.1`:     {"tag_or_attribute", "@network.client.ip"},
		`source:cloudtrial`:               {"unknown_value", "did you mean source:cloudtrail?"},
		`@evt.name:consolelogin`:          {"unknown_value", "ICASE(@evt.name, consolelogin)"},
		`@kind:Proces -@kind:File`:        {"unknown_value", "did you mean @kind:Process?"},
		`ANY(@htpp, @a:b)`:                {"unknown_field", "did you mean @http?"},
		`ANY(@evt, @nam:b)`:               {"unknown_field", "did you mean @evt.name?"},
		`soruce:sshd`:                     {"tag_or_field", "did you mean source?"},
		`host:web-1`:                      {"unknown_field", ""},
		`@http.status_code:404.0 env:dev`: {}, // is 404
		`@evt.name:ConsoleLogin env:dev`:  {},
	} {
		hints := s.logs().Hints(t.Context(), events.LogSearch{Query: parse(t, query)})
		if len(want) == 0 != (len(hints) == 0) {
			t.Errorf("%s: %+v", query, hints)
			continue
		}
		if len(want) > 0 && (hints[0].Code != want[0] || !strings.Contains(hints[0].Detail, want[1])) {
			t.Errorf("%s: %+v", query, hints)
		}
	}
}

package server

import (
	"context"
	"strings"
	"sync"
	"testing"

	"nightjar/api/access"
	"nightjar/api/access/audit"
	"nightjar/api/services/operations"
	"nightjar/schema"
)

// shelf is what is kept: settings that name a time let go of what it holds then.
type shelf struct {
	mu   sync.Mutex
	now  operations.Retention
	goes []operations.Letting
}

func (s *shelf) Retention() operations.Retention {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *shelf) WouldRetain(_ context.Context, k operations.Keeping) (operations.RetentionChange, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.Events == "soon" {
		return operations.RetentionChange{}, &schema.InvalidError{Details: []schema.Detail{{Target: "events", Message: "it is no time"}}}
	}
	out := operations.RetentionChange{InForce: k, Used: 7}
	if k.Events != "" {
		out.Goes = s.goes
	}
	return out, nil
}

func (s *shelf) Retain(_ context.Context, k operations.Keeping, by string, ifVersion int64) (operations.Retention, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ifVersion != 0 && ifVersion != s.now.Version {
		return operations.Retention{}, &schema.ConflictError{Kind: "retention", ID: "retention", Have: s.now.Version, Want: ifVersion}
	}
	s.now = operations.Retention{Set: k, InForce: k, Version: s.now.Version + 1, By: by, At: 5}
	return s.now, nil
}

// TestNothingIsDeletedByAChangeOfRetentionThatNobodyLookedAt: a change that deletes something
// takes what its preview answered, and no preview of something else.
func TestNothingIsDeletedByAChangeOfRetentionThatNobodyLookedAt(t *testing.T) {
	const path = "/api/nightjar/v1/retention"
	w := newWorld()
	w.shelf.goes = []operations.Letting{
		{Table: "events", What: "20260101", Rows: 1000, Bytes: 2_000_000, Reason: "age", Unevaluated: 3}, {Table: "events", What: "20260102", Rows: 234, Bytes: 1_200_000, Reason: "age"},
		{Table: "signals", What: "last seen before", Rows: 7, Reason: "age"},
	}
	s := w.start(t)
	refused := func(body, want string) {
		t.Helper()
		if status, answer := call(t, s, "PUT", path, body); status != 400 || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s, want %s", body, status, answer, want)
		}
		if w.shelf.Retention().Version != 0 {
			t.Fatalf("%s was done", body)
		}
	}
	refused(`{}`, "settings")
	refused(`{"settings":{"events":"soon"}}`, `"target":"events"`)
	refused(`{"settings":{"events":"30d"}}`, "1,234 rows of events (20260101 to 20260102, 3.2 MB), 7 rows of signals")
	_, preview := call(t, s, "POST", path+":preview", `{"settings":{"events":"30d"}}`)
	for _, want := range []string{
		`{"table":"events","reason":"age","rows":1234,"bytes":3200000,"partitions":2,"first":"20260101","last":"20260102","unevaluated":3}`,
		`{"table":"signals","reason":"age","rows":7,"bytes":0,"partitions":0`, `"used_bytes":7`,
	} {
		if !strings.Contains(preview, want) {
			t.Errorf("no %s in %s", want, preview)
		}
	}
	_, rest, _ := strings.Cut(preview, `"confirm":"`)
	confirm, _, _ := strings.Cut(rest, `"`)
	refused(`{"settings":{"events":"20d"},"confirm":"`+confirm+`"}`, "not what the preview said")
	w.shelf.mu.Lock()
	w.shelf.goes[2].Rows = 8 // row by row, and time goes on
	w.shelf.mu.Unlock()
	w.written()
	if status, answer := call(t, s, "PUT", path, `{"settings":{"events":"30d","disk_quota":"50GB"},"confirm":"`+confirm+`"}`); status != 400 {
		t.Errorf("of other settings: %d %s", status, answer)
	}
	if status, answer := call(t, s, "PUT", path, `{"settings":{"events":"30d"},"version":9,"confirm":"`+confirm+`"}`); status != 409 {
		t.Errorf("of another version: %d %s", status, answer)
	}
	w.written()
	status, answer := call(t, s, "PUT", path, `{"settings":{"events":"30d"},"confirm":"`+confirm+`"}`)
	if status != 200 || !strings.Contains(answer, `"by":"first key"`) || w.shelf.Retention().Set.Events != "30d" {
		t.Errorf("%d %s", status, answer)
	}
	if e := w.written(); len(e) != 2 || e[0].Kind != "deletion" || e[0].Detail != "events=30d" || e[1].Outcome != audit.Done {
		t.Errorf("written down: %+v", e)
	}
	if status, answer := call(t, s, "PUT", path, `{"settings":{}}`); status != 200 {
		t.Errorf("what deletes nothing needs no preview: %d %s", status, answer)
	}
	if e := w.written(); len(e) != 2 || e[0].Detail != "as the engine was started" {
		t.Errorf("written down: %+v", e)
	}
	for _, role := range []access.Role{access.Reader, access.Engineer, access.Responder} {
		key := w.keyOf(t, role)
		for _, c := range [][2]string{{"PUT", path}, {"POST", path + ":preview"}} {
			if status, _ := call(t, s, c[0], c[1], `{"settings":{}}`, "DD-API-KEY", key); status != 403 {
				t.Errorf("%s as %s: %d", c[0], role, status)
			}
		}
	}
}

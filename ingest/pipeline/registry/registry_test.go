package registry

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

func opened(t *testing.T, rows *objectstest.Table) *Registry {
	t.Helper()
	var shipped []*pipeline.Pipeline
	for _, id := range []string{"beta", "alpha"} {
		p, err := pipeline.Parse(`{"id":"`+id+`","name":"`+id+`","filter":{"query":"source:`+id+`"},"processors":[`+builds("by", id)+`]}`, pipeline.ParseOptions{Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		p.Version = 7
		shipped = append(shipped, p)
	}
	at := time.UnixMilli(1_600_000_000_000)
	r := New(Deps{BuiltIn: shipped, Objects: rows, Now: func() time.Time { at = at.Add(time.Second); return at }})
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// builds is a processor that writes a text.
func builds(target, text string) string {
	return `{"type":"string-builder-processor","is_enabled":true,"template":"` + text + `","target":"` + target + `"}`
}

func document(query, target, text string) []byte {
	return []byte(`{"name":"mine","is_enabled":true,"filter":{"query":"` + query + `"},"processors":[` + builds(target, text) + `]}`)
}

// made is what becomes of an event with this source.
func made(t *testing.T, p ingest.Pipelines, source string) string {
	t.Helper()
	d := ingest.Decoder{Now: time.UnixMilli(1_700_000_000_000), Pipelines: p}
	events, err := d.JSON([]byte(`{"ddsource":"` + source + `","message":"m"}`))
	if err != nil {
		t.Fatal(err)
	}
	return events[0].JSON
}

// TestAChangeIsInForceAtOnceAndAfterARestart changes pipelines and their order, and
// opens what was stored again.
func TestAChangeIsInForceAtOnceAndAfterARestart(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	r := opened(t, rows)
	want := func(source, text string) {
		t.Helper()
		for _, r := range []*Registry{r, opened(t, rows)} {
			if got := made(t, r, source); got != text {
				t.Fatalf("source %s: got %s, want %s", source, got, text)
			}
		}
	}
	want("alpha", `{"by":"alpha","nightjar":{"pipelines":["alpha@7"]}}`)
	want("x", `{}`)
	one, err := r.Create(ctx, document("source:x", "by", "one"))
	if err != nil {
		t.Fatal(err)
	}
	want("x", `{"by":"one","nightjar":{"pipelines":["`+one.ID+`@1"]}}`)
	if _, err := r.Update(ctx, one.ID, 1, document("source:x", "by", "changed"), OwnClient); err != nil {
		t.Fatal(err)
	}
	want("x", `{"by":"changed","nightjar":{"pipelines":["`+one.ID+`@2"]}}`)
	two, err := r.Create(ctx, document("source:x", "by", "two"))
	if err != nil {
		t.Fatal(err)
	}
	want("x", `{"by":"two","nightjar":{"pipelines":["`+one.ID+`@2","`+two.ID+`@1"]}}`)
	if _, err := r.SetOrder(ctx, []string{two.ID, "beta", one.ID, "alpha"}); err != nil {
		t.Fatal(err)
	}
	want("x", `{"by":"changed","nightjar":{"pipelines":["`+two.ID+`@1","`+one.ID+`@2"]}}`)
	if _, err := r.Enable(ctx, one.ID, false); err != nil {
		t.Fatal(err)
	}
	want("x", `{"by":"two","nightjar":{"pipelines":["`+two.ID+`@1"]}}`)
	if err := r.Delete(ctx, two.ID); err != nil {
		t.Fatal(err)
	}
	want("x", `{}`)
	if got := opened(t, rows).Order(ctx); !slices.Equal(got, []string{"beta", one.ID, "alpha"}) {
		t.Errorf("order %q", got)
	}
	versions, err := r.Versions(ctx, one.ID)
	if err != nil || len(versions) != 3 || versions[0].Version != 3 || versions[0].Enabled() || !versions[1].Enabled() {
		t.Errorf("versions %+v, %v", versions, err)
	}
}

// TestADeletedPipelineIsRestored deletes one with two versions, and brings each back.
func TestADeletedPipelineIsRestored(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	r := opened(t, rows)
	one, err := r.Create(ctx, document("source:x", "by", "one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Restore(ctx, one.ID, 2); err == nil || !strings.Contains(err.Error(), "no version 2") {
		t.Errorf("a version that it has not: %v", err)
	}
	if _, err := r.Update(ctx, one.ID, 1, document("source:x", "by", "two"), OwnClient); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(ctx, one.ID); err != nil {
		t.Fatal(err)
	}
	r = opened(t, rows) // versions outlive a restart, too
	if gone := r.Deleted(ctx); len(gone) != 1 || gone[0].ID != one.ID || gone[0].Version != 3 || gone[0].Pipeline.Name != "mine" {
		t.Fatalf("deleted: %+v", gone)
	}
	for i, c := range []struct {
		from int64
		text string
	}{{0, "two"}, {1, "one"}} {
		back, err := r.Restore(ctx, one.ID, c.from)
		if want := int64(4 + i); err != nil || back.Version != want || back.Deleted {
			t.Fatalf("version %d: %+v, %v", c.from, back, err)
		}
		for _, r := range []*Registry{r, opened(t, rows)} {
			if got := made(t, r, "x"); !strings.Contains(got, `"by":"`+c.text+`"`) || len(r.Deleted(ctx)) > 0 {
				t.Errorf("version %d: %s, deleted %+v", c.from, got, r.Deleted(ctx))
			}
		}
	}
	var missing *schema.NotFoundError
	if _, err := r.Restore(ctx, "nobody", 0); !errors.As(err, &missing) {
		t.Errorf("none of that id: %v", err)
	}
	if _, err := r.Restore(ctx, "alpha", 0); err == nil || !strings.Contains(err.Error(), "built in") {
		t.Errorf("a built-in one: %v", err)
	}
}

// TestBuiltInPipelinesAreSwitchedAndClonedAndNothingElse has the three ways to one's own.
func TestBuiltInPipelinesAreSwitchedAndClonedAndNothingElse(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	r := opened(t, rows)
	alpha, err := r.Get(ctx, "alpha")
	if err != nil || !alpha.BuiltIn || !alpha.Pipeline.ReadOnly {
		t.Fatalf("%+v, %v", alpha, err)
	}
	text, err := json.Marshal(alpha.Pipeline)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Update(ctx, "alpha", 0, []byte(strings.Replace(string(text), `"is_enabled":true`, `"is_enabled":false`, 1)), OwnClient); err != nil {
		t.Errorf("switched off through its document: %v", err)
	}
	if got := made(t, opened(t, rows), "alpha"); got != "{}" {
		t.Errorf("a disabled one made %s", got)
	}
	if _, err := r.Enable(ctx, "alpha", true); err != nil {
		t.Fatal(err)
	}
	if got := made(t, r, "alpha"); !strings.Contains(got, "alpha@7") {
		t.Errorf("an enabled one made %s", got)
	}
	var invalid *schema.InvalidError
	if _, err := r.Update(ctx, "alpha", 0, document("source:alpha", "by", "me"), OwnClient); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "clone") {
		t.Errorf("it was changed: %v", err)
	}
	if err := r.Delete(ctx, "alpha"); !errors.As(err, &invalid) {
		t.Errorf("it was deleted: %v", err)
	}
	copied, err := r.Clone(ctx, "alpha", "")
	if err != nil || copied.BuiltIn || copied.Enabled() || copied.Pipeline.Name != "alpha (copy)" {
		t.Fatalf("%+v, %v", copied, err)
	}
	if got := r.Order(ctx); !slices.Equal(got, []string{"beta", "alpha", copied.ID}) {
		t.Errorf("order %q", got)
	}
	if _, err := r.Update(ctx, copied.ID, 0, document("source:alpha", "by", "me"), OwnClient); err != nil {
		t.Error(err)
	}
}

// TestWhatDoesNotCompileIsRefusedWhole leaves what is in force, and the store, as they were.
func TestWhatDoesNotCompileIsRefusedWhole(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	r := opened(t, rows)
	one, err := r.Create(ctx, document("source:x", "by", "one"))
	if err != nil {
		t.Fatal(err)
	}
	stored, inForce := len(rows.Rows), r.Set()
	var bad *pipeline.DocumentError
	for _, text := range []string{"", "{", `{"name":"x","filter":{"query":"source:("}}`, `{"name":"x","processors":[{"type":"status-remapper"}]}`, `{"name":"x","processors":[{"type":"y"}]}`} {
		if _, err := r.Create(ctx, []byte(text)); !errors.As(err, &bad) {
			t.Errorf("%q is created: %v", text, err)
		}
		if _, err := r.Update(ctx, one.ID, 0, []byte(text), OwnClient); !errors.As(err, &bad) {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
	var order *OrderError
	for _, ids := range [][]string{nil, {"alpha"}, {"alpha", "beta", one.ID, "x"}, {"alpha", "beta", one.ID, one.ID}} {
		if _, err := r.SetOrder(ctx, ids); !errors.As(err, &order) {
			t.Errorf("order %q is taken: %v", ids, err)
		}
	}
	var conflict *schema.ConflictError
	if _, err := r.Update(ctx, one.ID, 9, document("source:x", "by", "y"), OwnClient); !errors.As(err, &conflict) {
		t.Errorf("another version was changed: %v", err)
	}
	rows.Fail = errors.New("the disk is full")
	if _, err := r.Create(ctx, document("source:x", "by", "two")); !errors.Is(err, rows.Fail) {
		t.Errorf("created though it was not stored: %v", err)
	}
	if rows.Fail = nil; len(rows.Rows) != stored || r.Set() != inForce {
		t.Error("a refused change left a trace")
	}
}

// TestTheReferencesClientsAreShownWhatTheyKnowAndLoseNothing: a processor that only
// nightjar has is hidden from them, and a change of theirs that would drop it is refused.
func TestTheReferencesClientsAreShownWhatTheyKnowAndLoseNothing(t *testing.T) {
	ctx := t.Context()
	r := opened(t, &objectstest.Table{})
	own := `{"name":"mine","is_enabled":true,"filter":{"query":"source:x"},"processors":[{"type":"scrub","is_enabled":true,"patterns":["email"]},` + builds("by", "x") + `]}`
	one, err := r.Create(ctx, []byte(own))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := r.Create(ctx, []byte(`{"name":"keeps","keep_said":true,"is_enabled":true,"filter":{"query":"source:keeps"},"processors":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	dropped := []byte(`{"name":"keeps","is_enabled":false,"filter":{"query":"source:keeps"},"processors":[]}`)
	if e, err := r.Update(ctx, kept.ID, 0, dropped, ReferenceClient); err != nil || !e.Pipeline.KeepSaid || e.Pipeline.Enabled {
		t.Errorf("a client that does not know keep_said: %+v, %v", e.Pipeline, err)
	}
	if e, err := r.Update(ctx, kept.ID, 0, dropped, OwnClient); err != nil || e.Pipeline.KeepSaid {
		t.Errorf("one that knows it: %+v, %v", e.Pipeline, err)
	}
	shown, hidden, err := ForReference(one.Pipeline)
	if err != nil || len(hidden) != 1 || strings.Contains(string(shown), "scrub") || !strings.Contains(string(shown), "string-builder") {
		t.Fatalf("shown %s, hidden %q, %v", shown, hidden, err)
	}
	var invalid *schema.InvalidError
	if _, err := r.Update(ctx, one.ID, 0, shown, ReferenceClient); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "processors[0] (scrub)") {
		t.Errorf("the scrubbing was lost: %v", err)
	}
	if _, err := r.Update(ctx, one.ID, 0, []byte(own), ReferenceClient); err != nil {
		t.Error(err)
	}
	if _, err := r.Update(ctx, one.ID, 0, shown, OwnClient); err != nil {
		t.Error(err)
	}
}

// TestADocumentOfANewerProgramIsOutOfForceAndTold: the engine starts all the same.
func TestADocumentOfANewerProgramIsOutOfForceAndTold(t *testing.T) {
	rows := &objectstest.Table{Rows: []objects.Object{{Kind: "pipeline", ID: "future", Version: 1, Written: 5, Body: `{"document":{"name":"f","processors":[{"type":"telepathy"}]}}`}}}
	r := opened(t, rows)
	e, err := r.Get(t.Context(), "future")
	if err != nil || e.Pipeline != nil || !strings.Contains(e.Broken, "telepathy") {
		t.Errorf("%+v, %v", e, err)
	}
	if got := made(t, r, "alpha"); !strings.Contains(got, "alpha@7") {
		t.Errorf("the others are not in force: %s", got)
	}
}

// TestAPreviewIsWhatWouldBeStored has an object, a line and a stored event, with what is
// in force and with a draft, and counts nothing.
func TestAPreviewIsWhatWouldBeStored(t *testing.T) {
	ctx := t.Context()
	r := opened(t, &objectstest.Table{})
	p, err := r.Preview(ctx, Input{Object: []byte(`{"ddsource":"alpha","message":"m"}`)}, nil)
	if err != nil || p.Before.JSON != "{}" || p.After.JSON != made(t, r, "alpha") {
		t.Errorf("%s became %s, %v", p.Before.JSON, p.After.JSON, err)
	}
	if len(p.Trace.Pipelines) != 2 || p.Trace.Pipelines[0].Matched || !p.Trace.Pipelines[1].Matched {
		t.Errorf("trace %+v", p.Trace)
	}
	draft := &Draft{Document: []byte(strings.Replace(string(document("*", "by", "draft")), `"is_enabled":true,"filter"`, `"is_enabled":false,"filter"`, 1))}
	if p, err = r.Preview(ctx, Input{Line: "m", Source: "alpha"}, draft); err != nil || p.After.JSON != `{"by":"draft","nightjar":{"pipelines":["alpha@7","draft@1"]}}` {
		t.Errorf("became %s, %v", p.After.JSON, err)
	}
	draft.InPlaceOf = "alpha"
	if p, err = r.Preview(ctx, Input{Line: "m", Source: "alpha"}, draft); err != nil || p.After.JSON != `{"by":"draft","nightjar":{"pipelines":["alpha@1"]}}` {
		t.Errorf("became %s, %v", p.After.JSON, err)
	}
	stored := p.After
	stored.At = schema.MillisOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) // one that counts
	stored.Seen = stored.At
	if p, err = r.Preview(ctx, Input{Stored: &stored}, nil); err != nil || p.Before.JSON != "{}" || p.After.JSON != made(t, r, "alpha") {
		t.Errorf("read again: %s became %s, %v", p.Before.JSON, p.After.JSON, err)
	}
	if c := r.Counts()["alpha"]; c.Events != 2 { // made's own
		t.Errorf("previews were counted: %+v", c)
	}
}

package feeds

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// tables are reference tables, by name.
type tables struct {
	all map[string]reference.Table
	in  map[string]string // what was imported
}

func (t *tables) List() (out []reference.Table) {
	for _, one := range t.all {
		out = append(out, one)
	}
	return out
}

func (t *tables) Create(_ context.Context, def reference.Table) (reference.Table, error) {
	def.ID = def.Name
	t.all[def.Name] = def
	return def, nil
}

func (t *tables) Delete(_ context.Context, id string) error {
	delete(t.all, id)
	return nil
}

func (t *tables) Import(_ context.Context, id string, file *reference.CSV, _ string) (reference.Report, error) {
	t.in[id] = "imported"
	return reference.Report{}, nil
}

func (t *tables) ListRows(context.Context, string, int, string) ([]reference.Row, string, error) {
	return nil, "", nil
}

func feedsOf(t *testing.T) (*Feeds, *tables, *objects.Store[configuration.ThreatList]) {
	t.Helper()
	lists := objects.New(configuration.ThreatLists, &objectstest.Table{}, time.Now)
	if err := lists.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := outbound.New(outbound.Config{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	kept := &tables{all: map[string]reference.Table{}, in: map[string]string{}}
	return New(Deps{Lists: lists, Tables: kept, Client: client, Dir: t.TempDir(), Now: time.Now, Log: slog.New(slog.DiscardHandler)}), kept, lists
}

// TestEventsDoNotShowTheKeyOfAList that its URL holds.
func TestEventsDoNotShowTheKeyOfAList(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "203.0.113.9\n") }))
	defer server.Close()
	f, _, lists := feedsOf(t)
	if _, err := lists.Create(t.Context(), configuration.ThreatList{Name: "l", URL: server.URL + "/list?apikey=hush#hush", Enabled: true}); err != nil {
		t.Fatal(err)
	}
	f.pass(t.Context(), "")
	var e schema.Event
	e.Attributes, _ = schema.ParseAttributes(`{"network":{"client":{"ip":"203.0.113.9"}}}`)
	if !f.Mark(&e) || strings.Contains(e.JSON, "hush") || !strings.Contains(e.JSON, server.URL+"/list") {
		t.Errorf("the event says %s", e.JSON)
	}
}

// TestATableOfAUsersIsNoLists, though it has the name.
func TestATableOfAUsersIsNoLists(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "203.0.113.9\n") }))
	defer server.Close()
	f, kept, lists := feedsOf(t)
	kept.all["threat_l"] = reference.Table{ID: "threat_l", Name: "threat_l", Description: "ours"}
	v, err := lists.Create(t.Context(), configuration.ThreatList{Name: "l", URL: server.URL, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	f.pass(t.Context(), "")
	if len(kept.in) > 0 || !strings.Contains(f.States()[v.ID].Error, "not this list's") {
		t.Errorf("imported into %v: %+v", kept.in, f.States())
	}
	rename := func(name string) {
		t.Helper()
		if _, err := lists.Update(t.Context(), v.ID, 0, func(l *configuration.ThreatList) error { l.Name = name; return nil }); err != nil {
			t.Fatal(err)
		}
		f.pass(t.Context(), "")
	}
	rename("m")
	rename("n")
	if len(kept.all) != 2 || kept.all["threat_l"].ID == "" || kept.all["threat_n"].ID == "" {
		t.Errorf("after it was renamed twice there are %v", kept.all)
	}
	if err := lists.Delete(t.Context(), v.ID); err != nil {
		t.Fatal(err)
	}
	f.pass(t.Context(), "")
	if len(kept.all) != 1 || kept.all["threat_l"].ID == "" {
		t.Errorf("after it was deleted there are %v", kept.all)
	}
}

// TestAListsKeyIsSentToItsPlacesOnly: what a list leads to, as a feed of MISP to its events,
// is asked for with the key where the operator lets it go.
func TestAListsKeyIsSentToItsPlacesOnly(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{"5d2ee8a0-1111-4222-8333-444455556666":{"info":"x","timestamp":"1"}}`)
	}))
	defer server.Close()
	t.Setenv("NIGHTJAR_SECRET_FEED", "hush")
	f, _, lists := feedsOf(t)
	_, place, err := outbound.ParsePlace("feed=" + server.URL + "/feed/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	f.deps.Secrets.Places = map[string][]outbound.Place{"feed": {place}}
	v, err := lists.Create(t.Context(), configuration.ThreatList{Name: "l", URL: server.URL + "/feed/manifest.json", Format: "misp", Headers: map[string]string{"Authorization": "secret:feed"}, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	f.pass(t.Context(), "")
	if said := f.States()[v.ID].Error; len(asked) != 1 || asked[0] != "/feed/manifest.json hush" || !strings.Contains(said, "--outbound-secret feed=ADDRESS") {
		t.Errorf("asked %q: %s", asked, said)
	}
}

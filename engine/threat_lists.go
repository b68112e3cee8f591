package engine

import (
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/api/services/operations"
	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/ingest/intel/feeds"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// threatLists are the lists of indicators, as the API asks for them.
type threatLists struct{ *feeds.Feeds }

func newThreatLists(lc fx.Lifecycle, e *engine, c *configuration.Stores, tables *reference.Tables, client *outbound.Client, mark *marker, registry *prometheus.Registry) (threatLists, error) {
	dir := filepath.Join(e.config.DataDir, "intel")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return threatLists{}, err
	}
	f := feeds.New(feeds.Deps{
		Lists: c.ThreatLists, Tables: tables, Client: client, Secrets: e.secrets(), Dir: dir, Now: now, Log: e.log,
	})
	mark.lists.Store(f)
	registry.MustRegister(f)
	e.run(lc, "threat lists", f.Run)
	return threatLists{f}, nil
}

// States implements api.ThreatLists.
func (t threatLists) States() map[string]operations.ThreatListState {
	out := map[string]operations.ThreatListState{}
	for id, s := range t.Feeds.States() {
		out[id] = operations.ThreatListState{
			Indicators: s.Report.Indicators, Skipped: s.Report.Skipped, Problems: s.Report.Problems, Refreshed: s.Refreshed, Tried: s.Tried, Error: s.Error,
		}
	}
	return out
}

// Find implements api.ThreatLists.
func (t threatLists) Find(value string) (out []operations.ThreatIndicator) {
	for _, i := range t.Feeds.Find(value) {
		out = append(out, operations.ThreatIndicator{
			Type: string(i.Type), Value: i.Value, Category: i.Category, Intention: i.Intention, List: i.Source, SourceURL: i.SourceURL, About: i.About,
		})
	}
	return out
}

// marker marks events with the lists that there are: the intake is made before them.
type marker struct{ lists atomic.Pointer[feeds.Feeds] }

// Mark implements ingest.Marker.
func (m *marker) Mark(e *schema.Event) bool {
	f := m.lists.Load()
	return f != nil && f.Mark(e)
}

func newMarker() *marker { return &marker{} }

package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.uber.org/fx"

	apistore "nightjar/api/clickhouse"
	"nightjar/ingest"
	"nightjar/ingest/profile"
	"nightjar/schema"
)

// watchDrift writes an event where the events of a source change.
func watchDrift(lc fx.Lifecycle, e *engine, d *database, store sink, intake *ingest.Intake) {
	past := past{add: store.profile.Add, logs: apistore.NewLogs(d.people, apistore.LogsConfig{Catalogue: store.Catalogue()}), of: map[string]bool{}}
	e.run(lc, "drift of sources", func(ctx context.Context) error {
		told := false
		for remembered := false; ; {
			if !remembered {
				err := past.remember(ctx)
				if remembered = err == nil; !remembered && !told && ctx.Err() == nil {
					told = true
					e.log.Warn("cannot look at what sources had before; it is tried again", "error", err)
				}
			}
			select {
			case <-time.After(driftEvery):
			case <-ctx.Done():
				return nil
			}
			tellDrifts(ctx, store.profile.Drifts(schema.MillisOf(now())), intake, e.log)
		}
	})
}

const (
	driftEvery = 5 * time.Second
	// remembered are how many events of a source are looked at before each of pastMoments.
	remembered = profile.PerBlock
)

// pastMoments are how long ago events are looked at when the engine starts.
var pastMoments = []time.Duration{
	24 * time.Hour, 16 * time.Hour, 8 * time.Hour, 4 * time.Hour, 2 * time.Hour, time.Hour, 40 * time.Minute, 30 * time.Minute, 20 * time.Minute, 10 * time.Minute, 0,
}

// past gives a profile what was stored before this start.
type past struct {
	add  func([]schema.Event)
	logs storedEvents
	of   map[string]bool // the sources of which it has them
}

// storedEvents reads what is stored, as api/clickhouse does.
type storedEvents interface {
	StoredSources(context.Context) ([]string, error)
	Newest(ctx context.Context, source string, from, to schema.Millis, limit int) ([]schema.Event, error)
}

// remember gives the profile some of the events of the last day. After an error it goes on
// where it was: the profile has what it was given, and each event once.
func (p past) remember(ctx context.Context) error {
	sources, err := p.logs.StoredSources(ctx)
	if err != nil {
		return err
	}
	for _, source := range sources[:min(len(sources), profile.MaxSources)] {
		if p.of[source] {
			continue
		}
		var blocks [][]schema.Event
		from := now().Add(-2 * pastMoments[0])
		for _, ago := range pastMoments {
			to := now().Add(-ago)
			events, err := p.logs.Newest(ctx, source, schema.MillisOf(from), schema.MillisOf(to), remembered)
			if err != nil {
				return err
			}
			blocks = append(blocks, events)
			from = to
		}
		for _, events := range blocks {
			p.add(events)
		}
		p.of[source] = true
	}
	return nil
}

// tellDrifts writes an event of source:nightjar for each.
func tellDrifts(ctx context.Context, drifts []profile.Drift, intake *ingest.Intake, log *slog.Logger) {
	var events []schema.Event
	for _, d := range drifts {
		if len(d.Vanished) > 0 {
			events = append(events, driftEvent("attribute_vanished", d, d.Vanished, "vanished from"))
		}
		if len(d.Returned) > 0 {
			events = append(events, driftEvent("attribute_returned", d, d.Returned, "came back to"))
		}
	}
	for _, e := range events {
		log.Warn("a source changed", "what", e.Message)
	}
	if len(events) == 0 {
		return
	}
	if _, err := intake.Submit(ctx, ingest.Batch{Events: events}); err != nil && ctx.Err() == nil {
		log.Error("cannot write that sources changed", "error", err)
	}
}

// mostNamed is how many attributes the message of a drift names.
const mostNamed = 5

func driftEvent(name string, d profile.Drift, attributes []profile.Attribute, verb string) schema.Event {
	var paths []string
	for _, a := range attributes {
		paths = append(paths, a.Path)
	}
	shown := "@" + strings.Join(paths[:min(len(paths), mostNamed)], ", @")
	if more := len(paths) - mostNamed; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	first := attributes[0]
	e := schema.Event{
		At: schema.MillisOf(now()), Source: "nightjar", Service: "catalogue", Status: "warn",
		Message: fmt.Sprintf("%s %s the events of source:%s: %.1f %% of %d events had it, and %.1f %% of %d since %s have",
			shown, verb, d.Source, 100*first.Before, d.Before, 100*first.Now, d.Now, d.Since),
	}
	if name == "attribute_returned" {
		e.Status = "info"
	}
	text, err := json.Marshal(map[string]any{
		"evt":       map[string]any{"name": name},
		"catalogue": map[string]any{"source": d.Source, "attributes": paths, "since": d.Since.String(), "before": first.Before, "now": first.Now},
	})
	if err == nil {
		e.Attributes, err = schema.ParseAttributes(string(text))
	}
	if err != nil {
		panic(err) // cannot be: plain values
	}
	return e
}

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
	logs := apistore.NewLogs(d.people, apistore.LogsConfig{Catalogue: store.Catalogue()})
	e.run(lc, "drift of sources", func(ctx context.Context) error {
		if err := remember(ctx, store.profile, logs); err != nil && ctx.Err() == nil {
			e.log.Warn("cannot look at what sources had before; what vanished before this start is not noticed", "error", err)
		}
		for {
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

// remember gives the profile some of the events of the last day.
func remember(ctx context.Context, p *profile.Profile, logs *apistore.Logs) error {
	sources, err := logs.StoredSources(ctx)
	if err != nil {
		return err
	}
	for _, source := range sources[:min(len(sources), profile.MaxSources)] {
		from := now().Add(-2 * pastMoments[0])
		for _, ago := range pastMoments {
			to := now().Add(-ago)
			events, err := logs.Newest(ctx, source, schema.MillisOf(from), schema.MillisOf(to), remembered)
			if err != nil {
				return err
			}
			p.Add(events)
			from = to
		}
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

package clickhouse_test

import (
	"testing"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/facets"
	"nightjar/compiler/search"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

// BenchmarkFacets counts a million signals and a million events as a page of them asks.
func BenchmarkFacets(b *testing.B) {
	conn := testenv.ClickHouse(b)
	fillSignals(b, conn)
	fillEvents(b, conn, 1_000_000)
	if _, err := migrations.Apply(b.Context(), conn, schema.Tables); err != nil {
		b.Fatal(err)
	}
	states := adapter.NewStates(conn)
	if err := states.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	general := adapter.NewFacets(adapter.NewLogs(conn, adapter.LogsConfig{}), conn)
	store := adapter.NewFacets(adapter.NewLogs(conn, adapter.LogsConfig{}), conn).By(states)
	signals := func(text string) facets.Selection {
		q, err := search.ParseForSignals(text)
		if err != nil {
			b.Fatal(err)
		}
		return facets.Selection{Query: q}
	}
	lastDay := signals("*")
	lastDay.From, lastDay.To = new(begin+(benchSignals-86_400)*1000), new(begin+benchSignals*1000)
	events := facets.Selection{Of: facets.Events, Query: parse(b, "*"), From: &begin, To: new(begin + 31*86_400_000)}
	counted := func(name string, s facets.Selection, place func(string) schema.Field, names ...string) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := store.Facets(b.Context(), facets.Question{Selection: s, Fields: facetFields(place, names...), Limit: 10}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	counted("signals/severity and state", signals("*"), search.SignalField, "severity", "state")
	counted("signals/six facets", signals("*"), search.SignalField, "severity", "state", "rule_id", "host", "service", "team")
	byStates := store
	store = general
	counted("signals/six facets without states", signals("*"), search.SignalField, "severity", "state", "rule_id", "host", "service", "team")
	store = byStates
	counted("signals/rule names", signals("*"), search.SignalField, "rule_name")
	counted("signals/six facets of a day", lastDay, search.SignalField, "severity", "state", "rule_id", "host", "service", "team")
	counted("events/source and status", events, schema.ParseField, "source", "status")
	one := facets.Selection{Of: facets.Events, Query: parse(b, "@usr.id:u77"), From: events.From, To: events.To}
	counted("entity/what it was seen with", one, schema.ParseField, "source", "service", "host", "status", "@network.client.ip")
	b.Run("entity/first and last", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := store.Span(b.Context(), one); err != nil {
				b.Fatal(err)
			}
		}
	})
	counted("events/six facets", events, schema.ParseField, "source", "status", "host", "service", "@http.method", "@usr.id")
	histogram := func(name string, s facets.Selection, groups ...facets.Field) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				from, to, err := store.Span(b.Context(), s)
				if err != nil {
					b.Fatal(err)
				}
				q := facets.HistogramQuestion{Selection: s, Groups: groups}
				for i := range schema.Millis(61) {
					q.Bounds = append(q.Bounds, from+i*(to-from)/60)
				}
				if _, err := store.Histogram(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	histogram("signals/over time", signals("*"), facetFields(search.SignalField, "severity", "state")...)
	histogram("signals/over a day", lastDay, facetFields(search.SignalField, "severity", "state")...)
	histogram("events/over time", events, facetFields(schema.ParseField, "status")...)
}

package clickhouse

import (
	"context"
	"time"

	"nightjar/api/services/facets"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// newest counts the newest of a selection of events, stretch by stretch, for as long as it
// may take. A stretch is as wide as promises to be counted in half of what is left. What is
// told is exact for the time since when it is.
type newest[T any] struct {
	logs *Logs
	// count counts a part of the selection.
	count func(context.Context, facets.Selection) (T, error)
	// join is what two parts have together, of which the first is the later one. Without it,
	// each stretch ends where the selection does and is counted anew.
	join func(later, earlier T) T
}

// within counts. From is nil where nothing is left.
func (n newest[T]) within(ctx context.Context, of facets.Selection, most time.Duration) (found T, from *schema.Millis, err error) {
	if of.Of != facets.Events || most == 0 || of.From == nil || of.To == nil {
		found, err = n.count(ctx, of)
		return found, nil, err
	}
	until := time.Now().Add(most)
	end, err := n.logs.end(ctx, *of.From, *of.To)
	if err != nil {
		return found, nil, err
	}
	of.To = &end
	bounded := ctx // the first stretch is counted, however long it takes
	for width := firstWidth; width > 0; {
		began := time.Now()
		part := n.part(of, from, width)
		counted, err := n.count(bounded, part)
		switch {
		case err != nil && from != nil && ctx.Err() == nil && bounded.Err() != nil:
			return found, from, nil
		case err != nil:
			return found, nil, err
		case from != nil && n.join != nil:
			counted = n.join(found, counted)
		}
		if *part.From == *of.From {
			return counted, nil, nil
		}
		if from == nil {
			var cancel context.CancelFunc
			bounded, cancel = context.WithCancel(ctx) // a deadline would be the statement's, which has one of its own
			defer cancel()
			defer time.AfterFunc(time.Until(until), cancel).Stop()
		}
		found, from = counted, part.From
		width = n.nextWidth(width, time.Since(began), time.Until(until))
	}
	return found, from, nil
}

// exactFrom is since when a count is exact; nil where a statement was broken off, since nobody
// knows which of its events were counted.
func exactFrom(from *schema.Millis, brokenOff bool) *schema.Millis {
	if brokenOff {
		return nil
	}
	return from
}

// end is where the range ends or, if that is earlier, the moment after the newest event of
// all: there is nothing to count from there on.
func (l *Logs) end(ctx context.Context, from, to schema.Millis) (schema.Millis, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Time+grace)
	defer cancel()
	last, found, err := l.first(ctx, &search.Params{}, "", false)
	if !found {
		last = from
	}
	return min(max(from, last)+1, to), err
}

// part is the next stretch, after all since from was counted.
func (n newest[T]) part(of facets.Selection, from *schema.Millis, width schema.Millis) facets.Selection {
	end := *of.To
	if n.join != nil && from != nil {
		end = *from
		of.To = from
	}
	of.From = new(max(*of.From, end-width))
	return of
}

// nextWidth is of the next stretch; 0: none is worth it.
func (n newest[T]) nextWidth(width schema.Millis, took, left time.Duration) schema.Millis {
	const most = 64 // what took little may have been next to nothing
	factor := min(most, float64(left)/2/float64(max(took, time.Millisecond)))
	if factor <= 0 || n.join == nil && factor < 2 {
		return 0
	}
	return max(1, min(schema.Millis(float64(width)*factor), schema.MaxMillis-schema.MinMillis))
}

// joined is what two stretches have in every series.
func joined(later, earlier facets.Histogram) facets.Histogram {
	at := map[string]int{}
	for i, s := range later.Series {
		at[pathOf(s.By)] = i
	}
	for _, s := range earlier.Series {
		i, known := at[pathOf(s.By)]
		if !known {
			later.Series = append(later.Series, s)
			continue
		}
		into := &later.Series[i]
		into.Total += s.Total
		for k, c := range s.Counts {
			into.Counts[k] += c
		}
	}
	later.Partial = later.Partial || earlier.Partial
	return later
}

package control

import (
	"slices"

	"nightjar/schema"
)

// doubles finds out whether two agents run with one identity: a run comes back after
// another took its place.
type doubles struct {
	runs  []string      // the last ones, the present one at the end
	since schema.Millis // when two were seen last; 0: never
	told  schema.Millis // when that was told
}

const (
	rememberedRuns = 8
	// doubledFor is how long two are taken for two after one came back.
	doubledFor schema.Millis = 5 * 60_000
	// doubledAgain is after how long it is told again.
	doubledAgain schema.Millis = 24 * 3600_000
)

// see notes that a run is heard of. It reports whether two run now, and whether that is to
// be told.
func (d *doubles) see(run string, now schema.Millis) (doubled, news bool) {
	at := slices.Index(d.runs, run)
	if at >= 0 && at < len(d.runs)-1 && run != "" {
		d.since = now
	}
	if at >= 0 {
		d.runs = slices.Delete(d.runs, at, at+1)
	}
	d.runs = append(d.runs, run)
	if len(d.runs) > rememberedRuns {
		d.runs = d.runs[1:]
	}
	doubled = d.since != 0 && now-d.since < doubledFor
	news = doubled && (d.told == 0 || now-d.told >= doubledAgain)
	if news {
		d.told = now
	}
	return doubled, news
}

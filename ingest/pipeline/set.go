package pipeline

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/grok"
	"nightjar/ingest/record"
	"nightjar/schema"
)

// DefaultBudget is how long a pipeline may work on one record.
const DefaultBudget = 5 * time.Millisecond

// Deps are what a set uses from outside. All may be absent.
type Deps struct {
	// Locator says where addresses are; nil: nothing is known of any.
	Locator Locator
	// Tables are the reference tables; nil: there are none.
	Tables Tables
	// HashKey is the key of hashes that stand for what was redacted; empty: one that ends
	// with the process.
	HashKey []byte
	// Counts is where what pipelines do is counted; nil: nowhere.
	Counts *Counts
	// Budget is how long a pipeline may work on a record; 0: DefaultBudget, below 0:
	// without end.
	Budget time.Duration
	// Dates is which dates date remappers take.
	Dates DateRange
}

// Locator knows where addresses are. What it gives is shared and not changed.
type Locator interface {
	Locate(netip.Addr) (*fastjson.Value, error)
}

// Set is pipelines in their order.
type Set struct {
	Deps
	pipelines []*Pipeline
	may       []func(*schema.Event) bool
	counts    []*Count
	names     []string // id@version
	// ofSource tells of each whether it may be for events of a source, and sources are the
	// indexes of those that may, by the sources that were asked for.
	ofSource []func(source string) bool
	sources  atomic.Pointer[map[string][]int]
	budget   time.Duration
	runs     sync.Pool
}

// maxSources is for how many sources a set remembers its pipelines.
const maxSources = 1000

// NewSet puts pipelines together. Those that are disabled do nothing.
func NewSet(pipelines []*Pipeline, d Deps) *Set {
	s := &Set{Deps: d, pipelines: pipelines, budget: d.Budget}
	if s.budget == 0 {
		s.budget = DefaultBudget
	}
	s.runs.New = func() any { return new(run) }
	s.sources.Store(&map[string][]int{})
	for _, p := range pipelines {
		s.may = append(s.may, p.Filter.query.MayMatcher())
		s.ofSource = append(s.ofSource, p.Filter.query.MayBeOf)
		s.counts = append(s.counts, d.Counts.of(p.ID))
		s.names = append(s.names, fmt.Sprintf("%s@%d", p.ID, p.Version))
	}
	return s
}

// Pipelines are those of the set, in their order.
func (s *Set) Pipelines() []*Pipeline { return s.pipelines }

// TableNames are the names of the reference tables that pipelines which are enabled look up.
func (s *Set) TableNames() []string {
	names := map[string]bool{}
	for _, p := range s.pipelines {
		if p.Enabled {
			tablesOf(p.Processors, names)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func tablesOf(list []Processor, names map[string]bool) {
	for _, p := range list {
		switch p := p.(type) {
		case *ReferenceLookup:
			names[p.Table] = names[p.Table] || p.enabled()
		case *Nested:
			if p.enabled() {
				tablesOf(p.Processors, names)
			}
		}
	}
	maps.DeleteFunc(names, func(_ string, asked bool) bool { return !asked })
}

// candidates are the indexes of the pipelines that may be for a source.
func (s *Set) candidates(source string) []int {
	known := s.sources.Load()
	if at, ok := (*known)[source]; ok {
		return at
	}
	at := []int{}
	for i, p := range s.pipelines {
		if p.Enabled && s.ofSource[i](source) {
			at = append(at, i)
		}
	}
	if len(*known) < maxSources {
		more := maps.Clone(*known)
		more[strings.Clone(source)] = at
		s.sources.CompareAndSwap(known, &more) // another one's is as good
	}
	return at
}

// Wants reports whether a pipeline may be for an event, of which only the reserved
// fields and the tags are looked at.
func (s *Set) Wants(e *schema.Event) bool {
	for _, i := range s.candidates(e.Source) {
		if s.may[i](e) {
			return true
		}
	}
	return false
}

// Run takes the record through all pipelines.
func (s *Set) Run(r *record.Record) record.Applied { return s.run(r, nil) }

// Trace is Run, and tells what each pipeline did, and of those that did nothing why.
func (s *Set) Trace(r *record.Record) (Trace, record.Applied) {
	t := Trace{Pipelines: []*TracedPipeline{}}
	applied := s.run(r, &t)
	return t, applied
}

func (s *Set) run(r *record.Record, t *Trace) (done record.Applied) {
	x := s.runs.Get().(*run)
	*x = run{Record: r, set: s, said: r.Timed, came: cameWith(r), grok: grok.Context{Received: r.Received, Year: r.Year, Zone: r.Zone, Arena: r.Arena}}
	defer func() {
		*x = run{}
		s.runs.Put(x)
	}()
	at := s.candidates(r.Source)
	if t != nil {
		at = at[:0:0]
		for i := range s.pipelines {
			at = append(at, i)
		}
	}
	for _, i := range at {
		p := s.pipelines[i]
		told := t.pipeline(p)
		if !p.Enabled || !x.matches(&p.Filter) {
			continue
		}
		failures := s.apply(x, i, told)
		done.Names = append(done.Names, s.names[i])
		for _, f := range failures {
			done.Errors = append(done.Errors, p.ID+": "+f)
		}
	}
	done.Redacted = redaction(x.redact)
	return done
}

// apply runs one pipeline.
func (s *Set) apply(x *run, i int, told *TracedPipeline) (failures []string) {
	x.spent, x.steps, x.failures, x.redacted, x.trace, x.stopped = startWatch(), 0, nil, 0, nil, false
	x.looked = false
	x.LookAnew()
	x.begin(s.pipelines[i])
	defer x.spent.stop()
	var steps *[]*Step
	if told != nil {
		told.Matched, told.Outcome, steps = true, Applied, &told.Steps
	}
	x.process(s.pipelines[i].Processors, steps)
	if x.stopped {
		stopped := fmt.Sprintf("stopped after %v, which is the most a pipeline may work on a record; what was done stays", s.budget)
		x.failures = append(x.failures, stopped)
		if told != nil {
			told.Stopped = stopped
		}
	}
	took := x.spent.wall()
	if told != nil {
		told.Microseconds = micros(took)
	}
	s.counts[i].add(took, len(x.failures) > 0, x.redacted)
	return x.failures
}

// redaction is all that was redacted, for other texts of the event; nil: nothing was.
func redaction(all []func(string) string) func(string) string {
	all = slices.DeleteFunc(all, func(f func(string) string) bool { return f == nil })
	if len(all) == 0 {
		return nil
	}
	return func(text string) string {
		for _, f := range all {
			text = f(text)
		}
		return text
	}
}

func (t *Trace) pipeline(p *Pipeline) *TracedPipeline {
	if t == nil {
		return nil
	}
	told := &TracedPipeline{ID: p.ID, Version: p.Version, Name: p.Name, Query: p.Filter.Query, Outcome: Skipped, Steps: []*Step{}}
	if !p.Enabled {
		told.Outcome = Disabled
	}
	t.Pipelines = append(t.Pipelines, told)
	return told
}

package scheduler

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Worlds are kept whole and are thrown away at once: collecting their garbage took a third
// of the time of these tests.
func init() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(1 << 30)
}

// world is a store in memory that can fail: before an effect, after it, or
// halfway through it, as a server that is killed does.
type world struct {
	rand          *rand.Rand
	faults        float64 // how likely a call fails
	events        []schema.Event
	matches       map[uint64][]StoredMatch
	signals       map[string]schema.Signal
	versions      map[string][]Published // every state that was ever visible, by id
	whole         map[string]Published
	groupsSignals map[uint64]map[string]*schema.Signal // those of a group, by its key
	through       map[string]Checkpoint
	objects       []objects.Object
	evaluationLog []Entry
	values        map[string]map[detect.SeenValue]bool
	groups        map[string]map[detect.SeenKey]detect.SeenGroup
	models        map[string]map[detect.SeenKey]detect.SeriesModel
	modelled      map[string]schema.Millis
	stored        uint64
	clock         time.Time     // virtual
	mono          time.Duration // of the steady clock, likewise
	away          uint64        // senders turned away
	until         schema.Millis // up to when silence is judged in the end; 0: it is not
	broken        string        // id of a rule that can't be evaluated
	recent        *Recent       // nil: none, and all is found in the store
	gaps          []Gap         // of what is stored; of those not filled, nothing is found
	cached        int           // MaxCached
	budget        Budget
	lateness      time.Duration
	tables        Tables // nil: none
	// related is the highest incident that an analyst's signal is known to be
	// related to, by id; incident is the one that was tried last.
	related  map[string]int64
	incident int64
	// meanwhile is what happens once more events have arrived, before they are evaluated;
	// nil: nothing. It returns the scheduler that goes on.
	meanwhile func(*Scheduler) *Scheduler
}

var errFault = errors.New("injected fault")

// locked is a source of chance for several goroutines: triage asks the store while
// another one evaluates.
type locked struct {
	mu sync.Mutex
	of rand.Source
}

func (l *locked) Uint64() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of.Uint64()
}

// baseSeed is what all chance of these tests begins with: NIGHTJAR_SEED, or 0, so that a
// test which fails fails again. `make chaos` draws one and prints it: a world that has
// always the same accidents proves less with every year.
func baseSeed() uint64 {
	seed, _ := strconv.ParseUint(os.Getenv("NIGHTJAR_SEED"), 10, 64)
	return seed
}

func newWorld(seed uint64) *world {
	return &world{
		rand: rand.New(&locked{of: rand.NewPCG(seed, 1+baseSeed())}), lateness: 100 * 365 * 24 * time.Hour,
		matches: map[uint64][]StoredMatch{}, signals: map[string]schema.Signal{}, versions: map[string][]Published{}, whole: map[string]Published{}, groupsSignals: map[uint64]map[string]*schema.Signal{},
		values: map[string]map[detect.SeenValue]bool{}, groups: map[string]map[detect.SeenKey]detect.SeenGroup{}, models: map[string]map[detect.SeenKey]detect.SeriesModel{}, modelled: map[string]schema.Millis{},
		through: map[string]Checkpoint{}, related: map[string]int64{},
	}
}

func (w *world) fault() error {
	if w.rand.Float64() < w.faults {
		return errFault
	}
	return nil
}

// faultHalfway reports whether a call that stores so many things fails before one of them.
func (w *world) faultHalfway(of int) bool { return w.rand.Float64() < w.faults/float64(of) }

func (w *world) deps() Deps {
	return Deps{
		Events: worldEvents{w}, Windows: worldWindows{w}, Signals: worldSignals{w}, Journal: worldJournal{w}, EvaluationLog: worldEvaluationLog{w},
		Knowledge: worldKnowledge{w}, Models: worldModels{w}, Objects: worldObjects{w}, Arrivals: worldArrivals{w}, Gaps: worldGaps{w},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Lateness: w.lateness, Pace: time.Millisecond, Recent: w.recent, MaxCached: w.cached, Tables: w.tables,
		Budget: w.budget,
		Now:    func() time.Time { return w.clock }, TurnedAway: func() uint64 { return w.away },
	}
}

// attend lets the clock jump to a moment, and then so much time go by, with the
// engine awake, that silence can be judged up to there. It never goes back.
func (w *world) attend(s *Scheduler, m schema.Millis) {
	if m.Time().Before(w.clock) {
		return
	}
	w.clock = m.Time()
	for end := w.clock.Add(DefaultSilenceDelay); ; w.clock, w.mono = w.clock.Add(lookEvery), w.mono+lookEvery {
		s.attention.prove(w.mono)
		if !w.clock.Before(end) {
			return
		}
	}
}

type worldArrivals struct{ *world }

func (w worldArrivals) Acknowledged() uint64           { return uint64(len(w.events)) }
func (w worldArrivals) Stored() uint64                 { return w.stored }
func (w worldArrivals) StoredChanged() <-chan struct{} { return nil }

type worldGaps struct{ *world }

func (w worldGaps) Gaps() []Gap { return slices.Clone(w.gaps) }

func (w worldGaps) Evaluated(g Gap) error {
	if err := w.fault(); err != nil {
		return err
	}
	w.world.gaps = slices.DeleteFunc(w.world.gaps, func(x Gap) bool { return x.In == g.In })
	return w.fault()
}

// missing reports whether an event is not in the store.
func (w *world) missing(seq uint64) bool {
	return slices.ContainsFunc(w.gaps, func(g Gap) bool { return g.In.From < seq && seq <= g.In.To && !g.Filled })
}

// tear makes a gap of some of the events that were stored last.
func (w *world) tear(from, to uint64) {
	for _, g := range w.gaps {
		from = max(from, g.In.To)
	}
	if from < to {
		w.gaps = append(w.gaps, Gap{In: Interval{from, to}, Events: to - from, Seen: w.events[from].Seen, Since: w.events[to-1].Seen, Reason: "x"})
		if w.recent != nil {
			w.recent.Forget(to)
		}
	}
}

// mend fills some of the gaps, or all.
func (w *world) mend(all bool) {
	for i := range w.gaps {
		w.gaps[i].Filled = w.gaps[i].Filled || all || w.rand.IntN(2) == 0
	}
}

type worldEvents struct{ *world }

func (w worldEvents) Find(_ context.Context, st *compiler.MatchStatement, in Interval, _ time.Duration) ([]Found, error) {
	if err := w.fault(); err != nil {
		return nil, err
	}
	var out []Found
	for _, e := range w.events[in.From:in.To] {
		if w.missing(e.Seq) {
			continue
		}
		f := Found{Event: e}
		for h, refs := range st.LabelsOf {
			plan := st.Plans[refs[0].Plan]
			if plan.Rule.ID == w.broken {
				return nil, errFault
			}
			if plan.Labels[refs[0].Label].Match(&e) {
				f.Filters = append(f.Filters, int32(h))
			}
		}
		if len(f.Filters) > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

func (w worldEvents) fetch(refs []compiler.Match) ([]schema.Event, error) {
	return w.Fetch(context.Background(), refs)
}

func (w worldEvents) Fetch(_ context.Context, refs []compiler.Match) ([]schema.Event, error) {
	var out []schema.Event
	for _, r := range refs {
		out = append(out, w.events[r.Seq-1])
	}
	return out, w.fault()
}

type worldWindows struct{ *world }

func (w worldWindows) Append(_ context.Context, matches []StoredMatch) error {
	for i, m := range matches {
		if w.faultHalfway(len(matches)) {
			return errFault // some of them are stored
		}
		_ = i
		list := w.matches[m.Key]
		known := false
		for _, have := range list {
			known = known || have.Seq == m.Seq && have.Label == m.Label && detect.GroupKey(have.Group) == detect.GroupKey(m.Group)
		}
		if !known {
			w.matches[m.Key] = append(list, m)
		}
	}
	return w.fault()
}

func (w worldWindows) Load(_ context.Context, spans []Span) (map[uint64][]StoredMatch, error) {
	out := map[uint64][]StoredMatch{}
	for _, s := range spans {
		for _, m := range w.matches[s.Key] {
			if m.At >= s.From {
				out[s.Key] = append(out[s.Key], m)
			}
		}
		list := out[s.Key]
		sort.Slice(list, func(i, j int) bool {
			if list[i].At != list[j].At {
				return list[i].At < list[j].At
			}
			return list[i].Seq < list[j].Seq
		})
	}
	return out, w.fault()
}

func (w worldWindows) Groups(_ context.Context, ruleKey string, from, to schema.Millis) ([][]string, error) {
	seen := map[string][]string{}
	for _, list := range w.matches {
		for _, m := range list {
			if m.RuleKey == ruleKey && m.At >= from && m.At < to {
				seen[detect.GroupKey(m.Group)] = m.Group
			}
		}
	}
	var out [][]string
	for _, g := range seen {
		out = append(out, g)
	}
	return out, w.fault()
}

func (w worldWindows) Recent(_ context.Context, back map[string]time.Duration, _ int) ([]StoredMatch, map[string]schema.Millis, error) {
	froms := map[string]schema.Millis{}
	for _, list := range w.matches {
		for _, m := range list {
			if b, ok := back[m.RuleKey]; ok {
				froms[m.RuleKey] = max(froms[m.RuleKey], m.At-schema.Millis(b.Milliseconds()))
			}
		}
	}
	var out []StoredMatch
	for _, list := range w.matches {
		for _, m := range list {
			if from, ok := froms[m.RuleKey]; ok && m.At >= from {
				out = append(out, m)
			}
		}
	}
	return out, froms, w.fault()
}

type worldSignals struct{ *world }

func (w worldSignals) Recent(_ context.Context, ended map[string]schema.Millis) ([]schema.Signal, error) {
	var out []schema.Signal
	for _, sig := range w.signals {
		if from, ok := ended[sig.RuleKey]; ok && sig.Ends() >= from {
			out = append(out, sig)
		}
	}
	return out, w.fault()
}

func (w worldSignals) Load(_ context.Context, spans []Span) (map[uint64][]schema.Signal, error) {
	out := map[uint64][]schema.Signal{}
	for _, s := range spans {
		for _, sig := range w.groupsSignals[s.Key] {
			if sig.Ends() >= s.From {
				out[s.Key] = append(out[s.Key], *sig)
			}
		}
	}
	return out, w.fault()
}

func (w worldSignals) ByID(_ context.Context, ids []string) (map[string]schema.Signal, error) {
	out := map[string]schema.Signal{}
	for _, id := range ids {
		if sig, ok := w.signals[id]; ok {
			out[id] = sig
		}
	}
	return out, w.fault()
}

func (w worldSignals) Whole(_ context.Context, ids []string) (map[string]Published, error) {
	out := map[string]Published{}
	for _, id := range ids {
		if p, ok := w.whole[id]; ok {
			out[id] = p
		}
	}
	return out, w.fault()
}

func (w worldSignals) Newest(context.Context) (uint64, error) {
	newest := uint64(0)
	for _, versions := range w.versions {
		for _, p := range versions {
			newest = max(newest, p.Place)
		}
	}
	return newest, nil
}

func (w worldSignals) Versions(_ context.Context, rules []string, after, through uint64) ([]Published, error) {
	var out []Published
	for _, versions := range w.versions {
		if slices.ContainsFunc(versions, func(p Published) bool {
			return slices.Contains(rules, p.RuleID) && p.Place > after && p.Place <= through
		}) {
			out = append(out, versions...)
		}
	}
	return out, w.fault()
}

func (w worldSignals) Standing(_ context.Context, rules []string, from schema.Millis) ([]FirstPublished, error) {
	var out []FirstPublished
	for id, versions := range w.versions {
		p := w.whole[id]
		if slices.Contains(rules, p.RuleID) && p.FirstSeen >= from && !p.Gone() {
			out = append(out, FirstPublished{p, versions[0].Place})
		}
	}
	return out, w.fault()
}

func (w worldSignals) Publish(_ context.Context, list []Published) error {
	correlated := slices.ContainsFunc(w.objects, func(o objects.Object) bool { return strings.Contains(o.Body, `"signal_correlation"`) })
	for _, p := range list {
		if w.faultHalfway(len(list)) {
			return errFault
		}
		if have, ok := w.signals[p.ID]; !ok || have.Version < p.Version {
			w.signals[p.ID], w.whole[p.ID] = p.Signal, p
			was := p
			if !correlated { // nobody reads it again
				was.Samples, was.Attributes = "", schema.Attributes{}
			}
			w.versions[p.ID] = append(w.versions[p.ID], was)
			key := detect.StateKeyOfRule(p.RuleKey, p.Group)
			if w.groupsSignals[key] == nil {
				w.groupsSignals[key] = map[string]*schema.Signal{}
			}
			sig := p.Signal
			w.groupsSignals[key][p.ID] = &sig
		}
	}
	return w.fault()
}

type worldJournal struct{ *world }

func (w worldJournal) Load(context.Context) (map[string]Checkpoint, error) {
	return maps.Clone(w.through), nil
}

// Save keeps what a table that is merged keeps: the row that is furthest through.
func (w worldJournal) Save(_ context.Context, checkpoints map[string]Checkpoint) error {
	if err := w.fault(); err != nil && w.rand.IntN(2) == 0 {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(checkpoints)) {
		if w.faultHalfway(len(checkpoints)) {
			return errFault
		}
		c := checkpoints[k]
		if have := w.through[k]; c.Through >= have.Through {
			w.through[k] = Checkpoint{
				Through: c.Through, SilenceFrom: max(c.SilenceFrom, have.SilenceFrom),
				Judged: max(c.Judged, have.Judged), Horizon: max(c.Horizon, have.Horizon),
			}
		}
	}
	return w.fault()
}

type worldObjects struct{ *world }

func (w worldObjects) All(_ context.Context, kind string) ([]objects.Object, error) {
	var out []objects.Object
	for _, o := range w.objects {
		if o.Kind == kind {
			out = append(out, o)
		}
	}
	return out, nil
}

func (w worldObjects) Versions(_ context.Context, _, id string) (out []objects.Object, err error) {
	for _, o := range w.objects {
		if o.ID == id {
			out = append(out, o)
		}
	}
	return out, nil
}

func (w worldObjects) Append(_ context.Context, o objects.Object) error {
	w.world.objects = append(w.world.objects, o)
	return nil
}

type worldEvaluationLog struct{ *world }

func (w worldEvaluationLog) Note(_ context.Context, entries []Entry) error {
	for _, e := range entries {
		if w.faultHalfway(len(entries)) {
			return errFault
		}
		w.world.evaluationLog = append(w.world.evaluationLog, e)
	}
	return w.fault()
}

func (w worldEvaluationLog) Entries(_ context.Context, id string) ([]Entry, error) {
	var out []Entry
	for _, e := range w.world.evaluationLog {
		if e.RuleID == id {
			out = append(out, e)
		}
	}
	return out, nil
}

func (w worldEvaluationLog) Aside(context.Context) ([]Entry, error) {
	var out []Entry
	for _, e := range w.world.evaluationLog {
		if e.State == CoverageAside && !slices.ContainsFunc(w.world.evaluationLog, func(f Entry) bool {
			return f.State == CoverageFinished && f.RuleKey == e.RuleKey && f.In == e.In
		}) {
			out = append(out, e)
		}
	}
	return out, nil
}

type worldKnowledge struct{ *world }

func (w worldKnowledge) Load(_ context.Context, rule string, values func(detect.SeenValue), groups func(detect.SeenGroup)) error {
	for v := range w.values[rule] {
		values(v)
	}
	for _, g := range w.groups[rule] {
		g.First = slices.Clone(g.First)
		groups(g)
	}
	return w.fault()
}

func (w worldKnowledge) Learn(_ context.Context, rule string, values []detect.SeenValue, groups []detect.SeenGroup) error {
	if w.values[rule] == nil {
		w.values[rule], w.groups[rule] = map[detect.SeenValue]bool{}, map[detect.SeenKey]detect.SeenGroup{}
	}
	for _, v := range values {
		if w.faultHalfway(len(values)) {
			return errFault
		}
		for have := range w.values[rule] {
			if have.Key == v.Key && have.Start == v.Start {
				delete(w.values[rule], have)
			}
		}
		if !v.Gone {
			w.values[rule][v] = true
		}
	}
	for _, g := range groups {
		if w.faultHalfway(len(groups)) {
			return errFault
		}
		g.First = slices.Clone(g.First) // who learns goes on with its own
		w.groups[rule][g.Key] = g
	}
	return w.fault()
}

type worldModels struct{ *world }

func (w worldModels) LoadModels(_ context.Context, rule string) ([]detect.SeriesModel, schema.Millis, error) {
	var out []detect.SeriesModel
	for _, m := range w.models[rule] {
		out = append(out, m)
	}
	through, ok := w.modelled[rule]
	if !ok {
		through = schema.MinMillis
	}
	return out, through, w.fault()
}

func (w worldModels) SaveModels(_ context.Context, rule string, models []detect.SeriesModel, through schema.Millis) error {
	if w.models[rule] == nil {
		w.models[rule] = map[detect.SeenKey]detect.SeriesModel{}
	}
	for _, m := range models {
		if w.faultHalfway(len(models)) {
			return errFault
		}
		w.models[rule][detect.LabelKey(m.Label, m.Group...)] = m
	}
	if through != 0 {
		w.modelled[rule] = through
	}
	return w.fault()
}

func (w worldModels) Buckets(_ context.Context, rule string, width time.Duration, from schema.Millis, through uint64, except []uint64, use func(detect.BucketMatches)) error {
	for _, list := range w.matches {
		for _, m := range list {
			if m.RuleKey != rule || m.At < from || m.Seq > through || slices.Contains(except, m.Seq) {
				continue
			}
			b := detect.BucketMatches{Label: m.Label, Group: m.Group, Bucket: int64(m.At) / width.Milliseconds(), Count: 1, Tuples: m.Values}
			if m.HasNumber {
				b.Numbers = []float64{m.Number}
			}
			use(b)
		}
	}
	return w.fault()
}

const hour = schema.Millis(3_600_000)

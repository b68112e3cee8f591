package rehearsal

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"nightjar/agent/respond"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// Config is what an agent would have had.
type Config struct {
	Protect []string       // programs that are protected beside those that always are
	Denied  []string       // files whose execution or opening the rule denies before it happens
	Limits  respond.Limits // of the disarmer
}

// Rehearsal is that of one rule. Its events come in the order in which they happened.
type Rehearsal struct {
	rule      string
	protected *respond.Protected
	limits    respond.Limits
	denied    []string
	disarmers map[string]*respond.Disarmer // by host
	out       Outcome
	counts    map[string]map[string]uint64
	trips     map[string]int // places in out.Trips
}

// Outcome is what would have been done, had the rule's policy been blocking.
type Outcome struct {
	Asked       uint64  `json:"asked"`       // matches because of which the rule would have wanted to kill
	Killed      uint64  `json:"killed"`      // kills that would have been made
	Protected   uint64  `json:"protected"`   // that would not, because the process is protected
	Disarmed    uint64  `json:"disarmed"`    // that would not, because the rule had killed too much too fast
	Deniable    uint64  `json:"deniable"`    // of those asked: about a file that is denied before it happens, where the host can: nobody is killed then, and the disarmer does not count it
	Executables []Count `json:"executables"` // of the processes killed, as are the next two; the most frequent first
	Users       []Count `json:"users"`
	Containers  []Count `json:"containers,omitempty"`
	Spared      []Count `json:"spared,omitempty"` // why, of the protected
	Trips       []Trip  `json:"trips,omitempty"`  // when the disarmer would have stopped the rule, the first ones
	MoreTrips   uint64  `json:"more_trips,omitempty"`
	Scope       string  `json:"scope,omitempty"` // the widest of its kill actions, if wider than the process
}

// Count is how often something was met. The last one may be Others.
type Count struct {
	Name  string `json:"name"`
	Times uint64 `json:"times"`
}

// Others is the name under which what is not listed by itself is counted.
const Others = "(others)"

// Trip is a moment at which the disarmer would have stopped the rule.
type Trip struct {
	At     time.Time      `json:"at"`
	Host   string         `json:"host,omitempty"`
	Status respond.Status `json:"status"`
	Type   string         `json:"disarmer_type"` // executable or container
	Target string         `json:"target"`
	Spared uint64         `json:"spared"` // kills that would not have been made because of it
}

// Bounds of what is listed, and of what is counted by itself.
const (
	mostListed  = 20
	mostCounted = 10_000
	mostTrips   = 20
)

// Of begins the rehearsal of a rule.
func Of(rule string, c Config) *Rehearsal {
	return &Rehearsal{
		rule: rule, protected: respond.ProtectedAnywhere(c.Protect), limits: c.Limits, denied: c.Denied, disarmers: map[string]*respond.Disarmer{},
		counts: map[string]map[string]uint64{}, trips: map[string]int{},
	}
}

// Add decides about a kill that the rule would have wanted because of an event. Of a
// recorded event, only the event may say in which container it was.
func (r *Rehearsal) Add(host string, k *policy.KillDef, e *event.Event) {
	if e.Process.Container == "" && e.Container.ID != "" {
		process := *e.Process
		process.Container = e.Container.ID
		kept := e.Copy()
		kept.Process, e = &process, &kept
	}
	r.out.Asked++
	if slices.Contains(r.denied, fileOf(e)) {
		r.out.Deniable++
	}
	if k.Scope != "" && k.Scope != respond.ScopeProcess {
		r.out.Scope = k.Scope
	}
	d := r.disarmers[host]
	if d == nil {
		d = respond.NewDisarmer(r.limits)
		r.disarmers[host] = d
	}
	ask := respond.AskOf(r.rule, k, e)
	spared := ""
	no := respond.Decide(ask, func() (why string, ok bool) { spared, ok = r.protected.Of(e.Process); return spared, ok }, d)
	switch {
	case no == nil:
		r.out.Killed++
		r.count("executables", cmp.Or(ask.Executable, "(unknown)"))
		r.count("users", cmp.Or(e.Process.User, strconv.FormatInt(e.Process.UID, 10)))
		if ask.Container != "" {
			r.count("containers", ask.Container)
		}
	case no.Status == respond.Aborted:
		r.out.Protected++
		r.count("spared", spared)
	default:
		r.out.Disarmed++
		r.trip(host, ask, no)
	}
}

// fileOf is the file that an event is about: that was executed, or opened.
func fileOf(e *event.Event) string {
	if e.Type == "exec" {
		return e.Process.File.Path
	}
	return e.File.Path
}

// trip notes that the disarmer stops the rule: one trip for as long as it lasts.
func (r *Rehearsal) trip(host string, ask respond.Ask, no *respond.Refusal) {
	target := ask.Executable
	if no.Type == "container" {
		target = ask.Container
	}
	if no.Status == respond.RuleDismantled {
		target = "" // it is out of service for all
	}
	key := host + "\x00" + string(no.Status) + "\x00" + no.Type + "\x00" + target + "\x00" + no.Until.String()
	at, known := r.trips[key]
	switch {
	case known:
		r.out.Trips[at].Spared++
	case len(r.out.Trips) < mostTrips:
		r.trips[key] = len(r.out.Trips)
		r.out.Trips = append(r.out.Trips, Trip{At: ask.At, Host: host, Status: no.Status, Type: no.Type, Target: target, Spared: 1})
	default:
		r.out.MoreTrips++
	}
}

func (r *Rehearsal) count(what, name string) {
	counts := r.counts[what]
	if counts == nil {
		counts = map[string]uint64{}
		r.counts[what] = counts
	}
	if _, known := counts[name]; !known && len(counts) >= mostCounted {
		name = Others
	}
	counts[name]++
}

// Outcome is what would have become of all that was added.
func (r *Rehearsal) Outcome() Outcome {
	out := r.out
	out.Executables, out.Users = r.most("executables"), r.most("users")
	out.Containers, out.Spared = r.most("containers"), r.most("spared")
	out.Trips = slices.Clone(out.Trips)
	return out
}

// most lists the most frequent names, and counts the rest.
func (r *Rehearsal) most(what string) []Count {
	counts := r.counts[what]
	out := make([]Count, 0, len(counts))
	rest := counts[Others]
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if name != Others {
			out = append(out, Count{Name: name, Times: counts[name]})
		}
	}
	slices.SortStableFunc(out, func(a, b Count) int { return cmp.Compare(b.Times, a.Times) })
	for len(out) > mostListed {
		rest += out[len(out)-1].Times
		out = out[:len(out)-1]
	}
	if rest > 0 {
		out = append(out, Count{Name: Others, Times: rest})
	}
	return out
}

package respond

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"nightjar/secl/policy"
)

// Limits say how much a rule may kill.
type Limits struct {
	Kills  int           // of one executable, and in one container, in a window; 0: 5
	Spread int           // different executables, and containers, in a window; 0: 5
	Window time.Duration // 0: a minute
}

// DefaultLimits are those of an agent that is not told otherwise.
var DefaultLimits = Limits{Kills: 5, Spread: 5, Window: time.Minute}

// Ask is a kill that a rule wants.
type Ask struct {
	Rule                  string // its id
	Executable, Container string // of the process; the container is empty for the host
	At                    time.Time
	NoExecutableDisarmer  bool // as the kill action says
	NoContainerDisarmer   bool
	Mode                  policy.Mode // of the rule: in monitoring nothing is killed, and all is counted
}

// verb says what a rule has done with what it was asked for.
func (a *Ask) verb() string {
	if a.Mode == policy.Blocking {
		return "has killed"
	}
	return "would have killed"
}

// Refusal is why a rule may not kill now.
type Refusal struct {
	Status Status // RuleDisarmed or RuleDismantled
	Type   string // executable or container
	Why    string
	Until  time.Time // zero: until somebody arms it
	first  bool      // because of this kill, and not of an earlier one
}

// Disarmer keeps rules from killing too much too fast. A rule that has killed an
// executable, or in a container, as often as it may within a window is disarmed for it
// until a window has passed; one that has hit more different executables or containers
// than it may is dismantled, until it is armed or its definition changes: it means more
// than its author thought. It reads no clock; any goroutine may use it.
type Disarmer struct {
	limits Limits
	mu     sync.Mutex
	rules  map[string]*ruleBook
}

// ruleBook is what a rule has killed of late.
type ruleBook struct {
	kinds      [2]map[string]*targetBook // by executable, by container
	dismantled *Refusal
	since      time.Time
}

// targetBook is how often a rule has killed one executable, or in one container.
type targetBook struct {
	kills []time.Time // within a window, the last Limits.Kills of them
	until time.Time   // disarmed until then
	why   string      // it is
}

var disarmerTypes = [2]string{"executable", "container"}

// NewDisarmer makes a disarmer whose limits have the defaults where they are zero.
func NewDisarmer(l Limits) *Disarmer {
	for _, v := range []struct{ have, otherwise *int }{{&l.Kills, &DefaultLimits.Kills}, {&l.Spread, &DefaultLimits.Spread}} {
		if *v.have == 0 {
			*v.have = *v.otherwise
		}
	}
	if l.Window == 0 {
		l.Window = DefaultLimits.Window
	}
	return &Disarmer{limits: l, rules: map[string]*ruleBook{}}
}

// Allow counts a kill, and says why it may not be; nil: it may.
func (d *Disarmer) Allow(a Ask) *Refusal {
	d.mu.Lock()
	defer d.mu.Unlock()
	book := d.rules[a.Rule]
	if book == nil {
		book = &ruleBook{kinds: [2]map[string]*targetBook{{}, {}}}
		d.rules[a.Rule] = book
	}
	if book.dismantled != nil && !a.ignores(book.dismantled.Type) {
		return book.dismantled
	}
	var books []*targetBook
	for i, target := range [2]string{a.Executable, a.Container} {
		kind := disarmerTypes[i]
		if a.ignores(kind) || kind == "container" && target == "" {
			continue
		}
		one, refusal := d.look(book, i, target, &a)
		if refusal != nil {
			return refusal
		}
		books = append(books, one)
	}
	for _, one := range books {
		one.kills = append(one.kills, a.At)
	}
	return nil
}

func (a *Ask) ignores(kind string) bool {
	return kind == "executable" && a.NoExecutableDisarmer || kind == "container" && a.NoContainerDisarmer
}

// look finds what was killed of one target, unless that is enough.
func (d *Disarmer) look(book *ruleBook, i int, target string, a *Ask) (*targetBook, *Refusal) {
	at := a.At
	targets, kind, old := book.kinds[i], disarmerTypes[i], at.Add(-d.limits.Window)
	for name, t := range targets {
		t.kills = slices.DeleteFunc(t.kills, func(k time.Time) bool { return !k.After(old) })
		if len(t.kills) == 0 && !t.until.After(at) {
			delete(targets, name)
		}
	}
	one, tripped := targets[target], false
	switch {
	case one == nil && len(targets) >= d.limits.Spread:
		book.since = at
		no := Refusal{Status: RuleDismantled, Type: kind, Why: fmt.Sprintf(
			"the rule was about to kill more than %d different %ss within %s; it is out of service until `nightjar agent arm`, or until its policy changes", d.limits.Spread, kind, d.limits.Window)}
		book.dismantled = &no
		first := no
		first.first = true
		return nil, &first
	case one == nil:
		one = &targetBook{}
		targets[target] = one
	case len(one.kills) >= d.limits.Kills && !one.until.After(at):
		one.until, tripped = at.Add(d.limits.Window), true
		one.why = fmt.Sprintf("the rule %s the %s %s %d times within %s", a.verb(), kind, target, d.limits.Kills, d.limits.Window)
	}
	if one.until.After(at) {
		return nil, &Refusal{Status: RuleDisarmed, Type: kind, Until: one.until, first: tripped, Why: fmt.Sprintf(
			"%s; it is disarmed for it until %s", one.why, one.until.UTC().Format(time.RFC3339))}
	}
	return one, nil
}

// left is how many more a rule may kill at once, of a lease of the kernel: of the file
// with a path or a name, of files that it has not hit yet, or in containers.
func (d *Disarmer) left(rule string, which int, text string, at time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	book := d.rules[rule]
	if book == nil {
		return d.limits.Kills
	}
	if book.dismantled != nil {
		return 0
	}
	switch which {
	case leaseFile:
		return d.fewest(book.kinds[0], at, func(executable string) bool {
			return executable == text || path.Base(executable) == text
		})
	case leaseRule:
		return max(0, d.limits.Spread-d.recent(book.kinds[0], at))
	}
	containers := book.kinds[1]
	return min(d.fewest(containers, at, func(string) bool { return true }), max(0, d.limits.Spread-d.recent(containers, at)))
}

// fewest is how often each of some targets may still be hit.
func (d *Disarmer) fewest(targets map[string]*targetBook, at time.Time, of func(string) bool) int {
	least := d.limits.Kills
	for name, t := range targets {
		switch {
		case !of(name):
		case t.until.After(at):
			return 0
		default:
			least = min(least, d.limits.Kills-t.within(at.Add(-d.limits.Window)))
		}
	}
	return max(0, least)
}

// recent is how many targets were hit within a window.
func (d *Disarmer) recent(targets map[string]*targetBook, at time.Time) int {
	n := 0
	for _, t := range targets {
		if t.within(at.Add(-d.limits.Window)) > 0 {
			n++
		}
	}
	return n
}

// within is how often a target was hit since.
func (t *targetBook) within(since time.Time) int {
	n := 0
	for _, k := range t.kills {
		if k.After(since) {
			n++
		}
	}
	return n
}

// DisarmedRule is a rule that may not kill something.
type DisarmedRule struct {
	Rule   string    `json:"rule"`
	Status Status    `json:"status"`
	Type   string    `json:"disarmer_type"`
	Target string    `json:"target,omitempty"` // the executable or container; a dismantled rule has none
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"` // a dismantled rule: until it is armed
	Why    string    `json:"why"`
}

// Disarmed are the rules that may not kill something now, in their order.
func (d *Disarmer) Disarmed(now time.Time) []DisarmedRule {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []DisarmedRule
	for id, book := range d.rules {
		if book.dismantled != nil {
			out = append(out, DisarmedRule{Rule: id, Status: RuleDismantled, Type: book.dismantled.Type, Since: book.since, Why: book.dismantled.Why})
		}
		for i, targets := range book.kinds {
			for name, t := range targets {
				if t.until.After(now) {
					out = append(out, DisarmedRule{Rule: id, Status: RuleDisarmed, Type: disarmerTypes[i], Target: name, Since: t.until.Add(-d.limits.Window), Until: t.until, Why: t.why})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b DisarmedRule) int {
		return strings.Compare(a.Rule+" "+a.Type+" "+a.Target, b.Rule+" "+b.Type+" "+b.Target)
	})
	return out
}

// knows reports whether a rule has killed anything of late, or may not.
func (d *Disarmer) knows(rule string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rules[rule] != nil
}

// Arm forgets what a rule has killed; of "", what all have.
func (d *Disarmer) Arm(rule string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if rule == "" {
		clear(d.rules)
	} else {
		delete(d.rules, rule)
	}
}

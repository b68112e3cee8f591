package notify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"nightjar/compiler/search"
	"nightjar/configuration"
	"nightjar/scheduler"
	"nightjar/schema"
)

// Store keeps news, and how far signals were looked at.
type Store interface {
	// Place is how far that is; not ok: nobody has looked yet.
	Place(context.Context) (place uint64, ok bool, err error)
	SavePlace(ctx context.Context, place uint64) error
	// Changed are the newest versions of signals that were published in (after, through],
	// in that order, a page of them; next is where the page ends.
	Changed(ctx context.Context, after, through uint64) (page []scheduler.Published, next uint64, err error)
	// Of is all news of these signals.
	Of(ctx context.Context, signals []string) ([]News, error)
	// InDigest is all news that a target is told under one key of a digest.
	InDigest(ctx context.Context, target, digest string) ([]News, error)
	// Named is the news of this id for a target; not ok: there is none.
	Named(ctx context.Context, target, id string) (n News, ok bool, err error)
	// Waiting is all news that is to be told.
	Waiting(context.Context) ([]News, error)
	// Put writes versions of news; the same one twice changes nothing.
	Put(context.Context, []News) error
}

// Deps are what a Notifier needs.
type Deps struct {
	Store    Store
	Settings *configuration.Stores
	// Shown is a revision up to which all published signals can be read.
	Shown func() uint64
	// URL is what links begin with.
	URL string
	Now func() time.Time
	Log *slog.Logger
	// Wake is told when there is news to be sent.
	Wake func([]News)
}

// Notifier finds out what is to be told to whom.
type Notifier struct {
	deps  Deps
	place uint64
	rates map[string][]schema.Millis // by target and rule: when news was made in the last minute
}

// New makes a Notifier.
func New(d Deps) *Notifier { return &Notifier{deps: d, rates: map[string][]schema.Millis{}} }

// pace is how often it looks.
const pace = 500 * time.Millisecond

// Run looks until the context ends.
func (n *Notifier) Run(ctx context.Context) error {
	for begun, wait := false, pace; ; wait = pace {
		var err error
		if !begun {
			if err = n.begin(ctx); err == nil {
				begun = true
			}
		}
		if begun {
			err = n.Step(ctx)
		}
		if err != nil && ctx.Err() == nil {
			n.deps.Log.Error("cannot find out who is to be told; it is tried again", "error", err)
			wait = 5 * time.Second
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// begin goes on where the last run stopped; the first one begins with what is published
// from now on.
func (n *Notifier) begin(ctx context.Context) error {
	place, ok, err := n.deps.Store.Place(ctx)
	if err != nil {
		return err
	}
	if !ok {
		place = n.deps.Shown()
		if err := n.deps.Store.SavePlace(ctx, place); err != nil {
			return err
		}
	}
	n.place = place
	return nil
}

// Step looks at what was published since the last one.
func (n *Notifier) Step(ctx context.Context) error {
	for through := n.deps.Shown(); n.place < through; {
		page, next, err := n.deps.Store.Changed(ctx, n.place, through)
		if err != nil {
			return err
		}
		if err := n.look(ctx, page); err != nil {
			return err
		}
		if err := n.deps.Store.SavePlace(ctx, next); err != nil {
			return err
		}
		n.place = next
	}
	return nil
}

// look makes the news of a page of signals.
func (n *Notifier) look(ctx context.Context, page []scheduler.Published) error {
	if len(page) == 0 {
		return nil
	}
	ids := make([]string, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	told, err := n.deps.Store.Of(ctx, ids)
	if err != nil {
		return err
	}
	bySignal := map[string][]News{}
	for _, t := range told {
		bySignal[t.About.SignalID] = append(bySignal[t.About.SignalID], t)
	}
	d := n.decision(ctx)
	var made []News
	for i := range page {
		made = append(made, d.of(&page[i], bySignal[page[i].ID])...)
	}
	if len(made) == 0 {
		return nil
	}
	n.group(made)
	if err := n.deps.Store.Put(ctx, made); err != nil {
		return err
	}
	n.deps.Wake(made)
	return nil
}

// digestAfter is how many signals of a rule a target is told of one by one in a minute.
const digestAfter = 20

// group puts what is too much for one by one under keys of digests, which are told when
// their minute is over.
func (n *Notifier) group(made []News) {
	now := schema.MillisOf(n.deps.Now())
	for key, times := range n.rates {
		if times = slices.DeleteFunc(times, func(at schema.Millis) bool { return at <= now-60_000 || at > now }); len(times) == 0 {
			delete(n.rates, key)
		} else {
			n.rates[key] = times
		}
	}
	for i := range made {
		m := &made[i]
		if m.State != Waiting || m.Digest != "" || !m.mayBeGrouped() {
			continue
		}
		key := m.Target + "\x00" + m.About.RuleID + "\x00" + string(m.Kind)
		n.rates[key] = append(n.rates[key], now)
		if len(n.rates[key]) > digestAfter {
			minute := now / 60_000
			m.Digest = fmt.Sprintf("%s %d", m.About.RuleID, minute)
			if m.Kind != Opened {
				m.Digest += " " + string(m.Kind)
			}
			m.Due = max(m.Due, (minute+1)*60_000)
		}
	}
}

// mayBeGrouped reports whether the news may be told together with others of its kind. Of
// what follows an opening, those who keep an alert or an issue of each signal are told
// one by one: each is another call of theirs.
func (n *News) mayBeGrouped() bool {
	switch n.Kind {
	case Opened:
		return true
	case Escalated, Responded:
		return false
	}
	return !slices.Contains(holdsAlerts, typeOf(n.Target))
}

// decision is what is configured when a page is looked at.
type decision struct {
	targets map[string]configuration.NotificationTarget // by handle
	rules   []notificationRule
	mutes   []mute
	url     string
	now     schema.Millis
}

type notificationRule struct {
	id string
	configuration.NotificationRule
	match func(*schema.Event) bool // nil: all
}

type mute struct {
	configuration.Mute
	match func(*schema.Event) bool
}

func (n *Notifier) decision(ctx context.Context) *decision {
	d := &decision{targets: Targets(ctx, n.deps.Settings), url: n.deps.URL, now: schema.MillisOf(n.deps.Now())}
	rules, _ := n.deps.Settings.SignalNotifications.List(ctx) // from memory: never fails
	for _, v := range rules {
		if !v.Body.Enabled || v.Body.Selectors.TriggerSource != "security_signals" {
			continue
		}
		r := notificationRule{id: v.ID, NotificationRule: v.Body}
		if v.Body.Selectors.Query != "" {
			q, err := search.Parse(v.Body.Selectors.Query)
			if err != nil {
				continue // it was checked when it was stored
			}
			r.match = q.Matcher()
		}
		d.rules = append(d.rules, r)
	}
	mutes, _ := n.deps.Settings.Mutes.List(ctx)
	for _, v := range mutes {
		if q, err := search.Parse(v.Body.Query); err == nil && v.Body.From <= d.now && d.now < v.Body.Until {
			d.mutes = append(d.mutes, mute{v.Body, q.Matcher()})
		}
	}
	return d
}

// Targets are the enabled targets, by handle.
func Targets(ctx context.Context, c *configuration.Stores) map[string]configuration.NotificationTarget {
	out := map[string]configuration.NotificationTarget{}
	all, _ := c.NotificationTargets.List(ctx)
	for _, v := range all {
		if v.Body.Enabled {
			out[v.Body.Handle()] = v.Body
		}
	}
	return out
}

// TargetOf is the target of a handle, among those that there are. An address of e-mail
// stands for itself: the first target of e-mail, by its handle, says how mails to it are
// sent, and from whom. Without one, there is no target.
func TargetOf(targets map[string]configuration.NotificationTarget, handle string) (t configuration.NotificationTarget, there bool) {
	if t, there = targets[handle]; there || !IsAddress(handle) {
		return t, there
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if t := targets[name]; t.Type == email {
			t.To = []string{strings.TrimPrefix(handle, "@")}
			return t, true
		}
	}
	return configuration.NotificationTarget{}, false
}

// email is the type of targets that mails are sent by.
const email = "email"

// IsAddress reports whether a handle is an address of e-mail: @jane@example.org.
func IsAddress(handle string) bool {
	text := strings.TrimPrefix(handle, "@")
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text
}

// addressee is who is notified.
type addressee struct {
	handle string
	rule   *notificationRule // nil: the signal's rule names it
}

// addressees are who is to be told of a signal, each once.
func (d *decision) addressees(p *scheduler.Published, e *schema.Event) (out []addressee) {
	add := func(handle string, r *notificationRule) {
		handle = schema.Handle(handle)
		if _, there := TargetOf(d.targets, handle); there && !slices.ContainsFunc(out, func(a addressee) bool { return a.handle == handle }) {
			out = append(out, addressee{handle, r})
		}
	}
	for i := range d.rules {
		if r := &d.rules[i]; r.selects(p, e) {
			for _, t := range r.Targets {
				add(t, r)
			}
		}
	}
	for _, l := range p.Attributes.Lookup("nightjar.notifications") {
		add(l.Str, nil)
	}
	return out
}

func (r *notificationRule) selects(p *scheduler.Published, e *schema.Event) bool {
	s := r.Selectors
	if len(s.Severities) > 0 && !slices.Contains(s.Severities, p.Status) {
		return false
	}
	if len(s.RuleTypes) > 0 && !slices.Contains(s.RuleTypes, text(p, "workflow.rule.type")) {
		return false
	}
	return r.match == nil || r.match(e)
}

func text(p *scheduler.Published, path string) string {
	for _, l := range p.Attributes.Lookup(path) {
		return l.Text()
	}
	return ""
}

// of is the news of a signal, given what was told of it.
func (d *decision) of(p *scheduler.Published, told []News) (out []News) {
	// By version, for the clock may have been moved back.
	slices.SortStableFunc(told, func(a, b News) int {
		return cmp.Or(cmp.Compare(a.About.Version, b.About.Version), cmp.Compare(a.Created, b.Created))
	})
	state, reason := p.Standing()
	about := aboutOf(p, state, reason, d.url)
	add := func(target string, kind Kind) *News {
		same := 0
		for _, t := range told {
			if t.Target == target && t.Kind == kind {
				same++
			}
		}
		due := d.now
		if last := newest(told, target); last != nil && last.State == Waiting {
			due = max(due, last.Due+1) // what was before it is told before it
		}
		out = append(out, News{
			ID: newsID(p.ID, target, kind, same), Version: 1, Target: target, Kind: kind, State: Waiting, Created: d.now, Due: due, About: about,
		})
		return &out[len(out)-1]
	}
	if state == schema.StateOpen || state == schema.StateUnderReview {
		e := p.Event()
		for _, a := range d.addressees(p, e) {
			if last := newest(told, a.handle); last == nil || last.Kind == Resolved || last.Kind == Archived {
				d.opening(add, a, e, about)
			} else if target, _ := TargetOf(d.targets, a.handle); last.State != Muted && last.State != Dropped && last.About.Severity != about.Severity && target.Wants("changed") {
				add(a.handle, Changed)
			}
		}
	}
	for _, handle := range addressed(told) {
		target, there := TargetOf(d.targets, handle)
		last := newest(told, handle)
		if !there || last == nil || last.Kind == Resolved || last.Kind == Archived || last.State == Muted || last.State == Dropped {
			continue
		}
		switch {
		case state == schema.StateArchived && slices.Contains([]string{schema.ReasonMerged, schema.ReasonRetracted, schema.ReasonSuppressed}, reason),
			state == schema.StateSuppressed, p.Silence != nil && p.Silence.Until != 0 && !p.Silence.Absence:
			add(handle, Resolved)
		case state == schema.StateArchived && (target.Resolves() || target.Wants("archived")):
			add(handle, Archived)
		}
	}
	out = append(out, d.responses(p, told, about)...)
	slices.SortStableFunc(out, func(a, b News) int { return cmp.Compare(a.Target, b.Target) })
	return out
}

// responses are the news of what was done about a signal, and has ended: each is told once
// to every target that was told of the signal and asked for such news.
func (d *decision) responses(p *scheduler.Published, told []News, about About) (out []News) {
	for _, handle := range addressed(told) {
		target, there := TargetOf(d.targets, handle)
		last := newest(told, handle)
		if !there || !target.Wants(string(Responded)) || last == nil || last.State == Muted || last.State == Dropped ||
			last.Kind.Ends() && target.Resolves() { // it would open an alert anew
			continue
		}
		for _, r := range p.Triage.Responses {
			if r.Ended == 0 || slices.ContainsFunc(told, func(n News) bool { return n.Target == handle && n.tells(r) }) {
				continue
			}
			a := about
			a.Response = &r
			out = append(out, News{
				ID: newsID(p.ID, handle, Responded+Kind(" "+r.ID+" "+r.State), 0), Version: 1, Target: handle, Kind: Responded, State: Waiting,
				Created: d.now, Due: max(d.now, last.Due), About: a,
			})
		}
	}
	return out
}

// tells reports whether the news is that a response ended so.
func (n *News) tells(r schema.SignalResponse) bool {
	t := n.About.Response
	return n.Kind == Responded && t != nil && t.ID == r.ID && t.State == r.State
}

// addressed are the targets that were told, each once.
func addressed(told []News) (out []string) {
	for _, t := range told {
		if !slices.Contains(out, t.Target) {
			out = append(out, t.Target)
		}
	}
	return out
}

// newest is what a target was told last; nil: nothing.
func newest(told []News, target string) *News {
	for i := len(told) - 1; i >= 0; i-- {
		if told[i].Target == target && told[i].Kind != Escalated && told[i].Kind != Responded {
			return &told[i]
		}
	}
	return nil
}

// opening tells that a signal opened, or keeps that it is muted.
func (d *decision) opening(add func(string, Kind) *News, a addressee, e *schema.Event, about About) {
	m := add(a.handle, Opened)
	for _, mute := range d.mutes {
		if mute.match(e) {
			m.State, m.Answer = Muted, "muted until "+mute.Until.String()+": "+mute.Reason
			return
		}
	}
	r := a.rule
	if r == nil {
		return
	}
	if r.Interval > 0 {
		step := schema.Millis(r.Interval) * 1000
		m.Digest, m.Due = fmt.Sprintf("%s %d", r.id, d.now/step), (d.now/step+1)*step
	}
	if after := r.EscalateAfter; after > 0 {
		for _, handle := range r.EscalateTo {
			handle = schema.Handle(handle)
			if _, there := TargetOf(d.targets, handle); there {
				add(handle, Escalated).Due = d.now + schema.Millis(after)*1000
			}
		}
	}
}

// Bounds of what is told.
const (
	maxMessage = 3000
	maxSamples = 3
	maxSample  = 500
)

func aboutOf(p *scheduler.Published, state, reason, base string) About {
	a := About{
		SignalID: p.ID, Version: p.Version, Title: text(p, "title"), Severity: p.Status, RuleID: p.RuleID, RuleName: text(p, "workflow.rule.name"),
		Message: cut(p.Message, maxMessage), FirstSeen: p.FirstSeen, LastSeen: p.LastSeen, Events: p.Events, State: state, Reason: reason,
		Tags: p.Tags, URL: base + "/signals/" + p.ID, Group: []string{},
	}
	for _, l := range p.Attributes.Lookup("nightjar.group") {
		a.Group = append(a.Group, l.Text())
	}
	for _, l := range p.Attributes.Lookup("nightjar.group_by") {
		a.GroupBy = append(a.GroupBy, l.Text())
	}
	for _, s := range schema.ReadSamples(p.Samples) {
		if m := s.Content.Message; m != "" && len(a.Samples) < maxSamples {
			a.Samples = append(a.Samples, cut(m, maxSample))
		}
	}
	return a
}

// NewsOf is that a signal opened, as it is now: for previews and tests.
func NewsOf(p *scheduler.Published, base string, at schema.Millis) News {
	state, reason := p.Standing()
	about := aboutOf(p, state, reason, base)
	return News{ID: newsID(p.ID, "preview", Opened, int(at)), Target: "preview", Kind: Opened, Created: at, Due: at, About: about}
}

// Example is such news of a signal that is made up.
func Example(base string, at schema.Millis) News {
	a := About{
		SignalID: "example", Title: "A test of this target", Severity: "info", RuleID: "example", RuleName: "A test", Group: []string{"nobody"},
		Message: "Somebody tries whether signals arrive here. Nothing happened.", FirstSeen: at, LastSeen: at, Events: 1, State: schema.StateOpen, Tags: []string{}, URL: base + "/signals/example",
	}
	return News{ID: newsID(a.SignalID, "preview", Opened, int(at)), Target: "preview", Kind: Opened, Created: at, Due: at, About: a}
}

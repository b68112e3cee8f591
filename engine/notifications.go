package engine

import (
	"context"
	"errors"
	"maps"
	"slices"

	"go.uber.org/fx"

	"nightjar/api"
	notificationservice "nightjar/api/services/notifications"
	"nightjar/compiler"
	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/notify"
	notifystore "nightjar/notify/clickhouse"
	notifysink "nightjar/notify/sink"
	"nightjar/scheduler"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
)

// notifications tell whom signals are for, and show what was told.
type notifications struct {
	store    notifystore.Store
	teller   notifysink.Teller
	settings *configuration.Stores
	signals  func(ctx context.Context, ids []string) (map[string]scheduler.Published, error)
	url      string
	sender   *notify.Sender
}

func newNotifications(lc fx.Lifecycle, e *engine, d *database, status *scheduler.Status, c *configuration.Stores, client *outbound.Client) notifications {
	stored := rulestore.New(d.conn).Signals()
	n := notifications{
		store: notifystore.Store{Conn: d.conn, Signals: stored}, settings: c, signals: stored.Whole, url: e.publicURL(),
		teller: notifysink.Teller{Client: client, Secrets: e.secrets(), Now: now},
	}
	sender := notify.NewSender(notify.SenderDeps{
		Store: n.store, Teller: n.teller, Settings: c, IsTriaged: n.isTriaged, Now: now, Log: e.log,
	})
	n.sender = sender
	var running context.Context
	notifier := notify.New(notify.Deps{
		Store: n.store, Settings: c, Shown: status.LastShown, URL: n.url, Now: now, Log: e.log,
		Wake: func(news []notify.News) { sender.Wake(running, news) },
	})
	e.run(lc, "notifications", func(ctx context.Context) error {
		running = ctx
		done := make(chan error, 1)
		go func() { done <- sender.Run(ctx) }()
		return errors.Join(notifier.Run(ctx), <-done)
	})
	return n
}

// isTriaged reports whether somebody took care of a signal, or it is gone.
func (n notifications) isTriaged(ctx context.Context, id string) (bool, error) {
	found, err := n.signals(ctx, []string{id})
	if err != nil {
		return false, err
	}
	p, ok := found[id]
	if !ok {
		return true, nil
	}
	state, _ := p.Standing()
	return state != schema.StateOpen || p.Triage.Assignee.UUID != "", nil
}

// publicURL is what links to this engine begin with.
func (e *engine) publicURL() string {
	if e.config.PublicURL != "" {
		return e.config.PublicURL
	}
	if e.config.Inbound.TLS.Certificate != "" {
		return "https://" + e.config.HTTP
	}
	return "http://" + e.config.HTTP
}

// List implements api.Notifications.
func (n notifications) List(ctx context.Context, q notificationservice.NotificationQuery) (out []notificationservice.Notification, err error) {
	all, err := n.store.List(ctx, notifystore.Query{Signal: q.Signal, Target: q.Target, State: q.State, Key: q.Key, Limit: q.Limit})
	for _, m := range all {
		out = append(out, notificationservice.Notification{
			ID: m.ID, Target: m.Target, Signal: m.About.SignalID, Title: m.About.Title, Kind: string(m.Kind), State: string(m.State), Key: m.Key(), Answer: m.Answer,
			Digest: m.Digest != "", Created: m.Created, Due: m.Due, Tried: m.Tried, Attempts: int(m.Attempts),
		})
	}
	return out, err
}

// example is the news of a signal as it is now, or of one that is made up.
func (n notifications) example(ctx context.Context, signal string) ([]notify.News, error) {
	if signal == "" {
		return []notify.News{notify.Example(n.url, schema.MillisOf(now()))}, nil
	}
	found, err := n.signals(ctx, []string{signal})
	if err != nil {
		return nil, err
	}
	p, ok := found[signal]
	if !ok {
		return nil, &schema.NotFoundError{Kind: "signal", ID: signal}
	}
	return []notify.News{notify.NewsOf(&p, n.url, schema.MillisOf(now()))}, nil
}

// Preview implements api.Notifications.
func (n notifications) Preview(ctx context.Context, t configuration.NotificationTarget, signal string) (out []notificationservice.NotificationRequest, err error) {
	news, err := n.example(ctx, signal)
	if err != nil {
		return nil, err
	}
	requests, err := n.teller.Preview(t, news[0].Key(), news)
	for _, r := range requests {
		out = append(out, notificationservice.NotificationRequest{Method: r.Method, URL: r.URL, Headers: r.Headers, Body: string(r.Body)})
	}
	return out, err
}

// Test implements api.Notifications.
func (n notifications) Test(ctx context.Context, t configuration.NotificationTarget, signal string) (delivered bool, answer string, err error) {
	news, err := n.example(ctx, signal)
	if err != nil {
		return false, "", err
	}
	o := n.teller.Tell(ctx, t, news[0].Key(), news)
	return o.Done, o.Answer, nil
}

// Again implements api.Notifications.
func (n notifications) Again(ctx context.Context, target, id string) (int, bool, error) {
	told, ok, err := n.sender.Again(ctx, target, id)
	if not := new(notify.NotAgainError); errors.As(err, &not) {
		err = api.BadRequest("notification_id", "%s", not.Error())
	}
	return told, ok, err
}

// KeepSecret implements api.Notifications.
func (n notifications) KeepSecret(name, value string) (string, error) {
	return n.teller.Secrets.Keep(name, value)
}

// unknownHandles are whom a rule names and who is no target: nobody is told.
func unknownHandles(ctx context.Context, c *configuration.Stores, r *schema.Rule) (out []schema.Idle) {
	places, handles := compiler.HandlesOfRule(r)
	if len(handles) == 0 {
		return nil
	}
	targets := notify.Targets(ctx, c)
	names := slices.Collect(maps.Keys(targets))
	for i, h := range handles {
		if _, there := notify.TargetOf(targets, h); there || h == "" {
			continue
		}
		reason := "there is no target " + h + ": nobody is told"
		if notify.IsAddress(h) {
			reason = "there is no target of type email, whose server would send mails to " + h + ": nobody is told"
		} else if near := schema.Closest(h, names, 3); near != "" {
			reason += "; did you mean " + near + "?"
		}
		out = append(out, schema.Idle{Kind: "rule", ID: r.ID, Name: r.Name, Field: places[i], Reason: reason})
	}
	return out
}

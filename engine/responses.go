package engine

import (
	"context"
	"fmt"
	"strings"

	"go.uber.org/fx"

	"nightjar/agent/control"
	"nightjar/agent/orders"
	"nightjar/agent/responses"
	"nightjar/api/access"
	"nightjar/api/access/audit"
	responseservice "nightjar/api/services/responses"
	"nightjar/scheduler"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
)

// newResponses keeps what people have done to hosts, and writes it into the histories of
// their signals and, as it ends, into the audit log.
func newResponses(lc fx.Lifecycle, e *engine, d *database, triage *scheduler.Triage, in *entrance) *responses.Book {
	book := responses.NewBook(responses.Deps{
		Table: rulestore.New(d.conn).Deps().Objects, Now: now, Log: e.log,
		History: func(ctx context.Context, signal string, line schema.SignalResponse) error {
			_, err := triage.Triage(ctx, []scheduler.TriageEdit{{ID: signal, Edit: func(sig *schema.Signal) error {
				sig.Triage.Responded(line)
				return nil
			}}})
			return err
		},
		Note: func(id string, r *responses.Response) error {
			// What was done stands, also where it can't be written down: that it was asked for is.
			if err := in.audit.Write(endOf(id, r)); err != nil {
				e.log.Error("how a response ended can't be written to the audit log", "response", id, "error", err)
				in.audit.Note(endOf(id, r)) // which counts it as lost, or has it later
			}
			return nil
		},
	})
	lc.Append(fx.StartHook(book.Load))
	e.run(lc, "responses", book.Run)
	return book
}

// endOf is the entry of the audit log that says how a response ended, by its agent, or that
// one goes on with an agent.
func endOf(id string, r *responses.Response) audit.Entry {
	a := audit.Entry{
		Kind: string(access.Response), Action: "response " + string(r.State), Outcome: audit.Failed, CallerID: r.Agent, Role: string(access.Agent),
		Object: fmt.Sprintf("%s: %s %s", id, r.Action, r.Target()),
	}
	switch r.State {
	case responses.Done:
		a.Outcome = audit.Done
	case responses.Waiting: // it goes on, of a host that enrolled anew
		a.Outcome = audit.Begun
	}
	if r.Result == nil && (r.State == responses.Done || r.State == responses.Waiting) {
		a.Detail = r.Reason
	}
	if r.Result != nil {
		a.Detail = r.Result.Status
		if r.Result.Error != "" {
			a.Detail += ": " + r.Result.Error
		}
	}
	if len(r.Also) > 0 {
		a.Detail = strings.TrimPrefix(a.Detail+"; for the host's earlier agents too: "+strings.Join(r.Also, ", "), "; ")
	}
	return a
}

// enrolled are the agents, as responses need them, and responses, as the agents' registry
// needs them.
type enrolled struct {
	fleet *control.Registry
	book  *responses.Book
}

// newEnrolled has agents hear of responses at once.
func newEnrolled(lc fx.Lifecycle, e *engine, fleet *control.Registry, book *responses.Book) enrolled {
	both := enrolled{fleet, book}
	fleet.Respond(both)
	e.run(lc, "responses to agents", func(ctx context.Context) error {
		for changed := book.Changed(); ; fleet.Wake() {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
				changed = book.Changed() // before agents are woken, so that nothing is missed
			}
		}
	})
	return both
}

// For implements control.Responses.
func (b enrolled) For(agent string) (out control.Response) {
	var off *responses.Arming
	out.Commands, out.Isolation, off = b.book.Of(agent)
	if out.Disarmed = off != nil; out.Disarmed {
		out.Why = fmt.Sprintf("by %s: %s", off.By, off.Reason)
		if b.book.Arming().Disarmed {
			out.Why = "all agents, " + out.Why
		}
	}
	return out
}

// Answer implements control.Responses.
func (b enrolled) Answer(ctx context.Context, agent string, results []orders.Result) error {
	return b.book.Answered(ctx, agent, results)
}

// Enrolled implements control.Responses.
func (b enrolled) Enrolled(ctx context.Context, agent, host string) error {
	return b.book.Enrolled(ctx, agent, host)
}

// Agents implements responseservice.Agents.
func (b enrolled) Agents() []responseservice.Agent {
	shown := b.fleet.Agents()
	out := make([]responseservice.Agent, len(shown))
	for i, a := range shown {
		out[i] = responseservice.Agent{ID: a.ID, Host: a.Host, LastContact: a.Contact, Enrolled: a.Enrolled}
		if a.Last != nil {
			out[i].Disarmed, out[i].Isolated = a.Last.Disarmed, a.Last.Isolated
		}
	}
	return out
}

package respond

import (
	"sync/atomic"
	"time"

	"nightjar/secl"
	"nightjar/secl/event"
)

// postponed are the kills of one match, which wait until the memory of their process is
// written down. Who writes it has stopped the process.
type postponed struct {
	kills   []func(*secl.Context)
	context *secl.Context // with an event of its own
	left    atomic.Int32  // what is still being written
	until   time.Time
}

// dumpTime bounds how long kills wait for that.
const dumpTime = 2 * time.Second

// after makes the kills wait for the report of an action.
func (p *postponed) after(done func(Report)) func(Report) {
	p.left.Add(1)
	var told atomic.Bool
	return func(r Report) {
		done(r)
		if told.CompareAndSwap(false, true) {
			p.left.Add(-1)
		}
	}
}

// killAfter kills at once where there is nothing to wait for.
func (r *Responder) killAfter(p *postponed, c *secl.Context) {
	p.context = c
	switch {
	case len(p.kills) == 0:
	case p.left.Load() == 0:
		p.kill()
	default:
		kept := c.Event.(*event.Event).Copy()
		p.context = &secl.Context{Event: &kept, Now: c.Now, Scope: c.Scope}
		p.until = r.Now().Add(dumpTime)
		r.later = append(r.later, p)
	}
}

func (p *postponed) kill() {
	for _, kill := range p.kills {
		kill(p.context)
	}
}

// killPostponed kills where there is nothing to wait for any more, or it has taken too
// long.
func (r *Responder) killPostponed(now time.Time) {
	var still []*postponed
	for _, p := range r.later {
		if p.left.Load() > 0 && p.until.After(now) {
			still = append(still, p)
		} else {
			p.kill()
		}
	}
	r.later = still
}

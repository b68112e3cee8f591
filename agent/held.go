package agent

import (
	"encoding/json"
	"slices"
	"time"

	"nightjar/agent/respond"
	"nightjar/secl/event"
	"nightjar/secl/ruleset"
)

// held are matches that wait, in their order, for what becomes of their actions, or for
// an earlier one that waits. None is lost: what takes too long goes out with what is known.
type held struct {
	queue []*heldMatch
	bytes int
}

// heldMatch is a match whose JSON lacks what became of the actions.
type heldMatch struct {
	rule      *ruleset.Rule
	event     event.Event // a copy: the agent's own is used again
	json      []byte
	agentEnds int // see Agent.json
	taken     *respond.Taken
	until     time.Time
}

// Bounds of what waits.
const (
	holdTime     = 6 * time.Second // for one match: longer than any action takes
	maxHeldBytes = 16 << 20        // of JSON; beyond it the oldest goes out as it is
)

// tell hands a match to the sink, at once if nothing about it is still to come.
func (a *Agent) tell(rule *ruleset.Rule, taken *respond.Taken) {
	text, agentEnds := a.json(rule)
	if len(a.held.queue) == 0 && taken.Done() {
		a.config.Sink.Match(Match{Rule: rule, Event: &a.event, JSON: complete(text, agentEnds, taken)})
		return
	}
	a.held.queue = append(a.held.queue, &heldMatch{
		rule: rule, event: a.event.Copy(), json: text, agentEnds: agentEnds, taken: taken, until: time.Now().Add(holdTime),
	})
	a.held.bytes += len(text)
	for a.held.bytes > maxHeldBytes {
		a.releaseFirst()
	}
}

// release hands on the matches about which everything is known, or that have waited
// long enough, up to the first that must wait.
func (a *Agent) release(now time.Time) {
	for len(a.held.queue) > 0 && (a.held.queue[0].taken.Done() || !a.held.queue[0].until.After(now)) {
		a.releaseFirst()
	}
}

// releaseAll waits for what is still to come, and hands on everything.
func (a *Agent) releaseAll() {
	for len(a.held.queue) > 0 {
		now := time.Now()
		a.responder.Tick(now)
		a.release(now)
		if len(a.held.queue) > 0 {
			const look = 10 * time.Millisecond
			time.Sleep(look)
		}
	}
}

func (a *Agent) releaseFirst() {
	m := a.held.queue[0]
	a.held.queue[0] = nil
	a.held.queue = a.held.queue[1:]
	a.held.bytes -= len(m.json)
	a.config.Sink.Match(Match{Rule: m.rule, Event: &m.event, JSON: complete(m.json, m.agentEnds, m.taken)})
}

// complete puts what became of its actions into the JSON of a match.
func complete(text []byte, agentEnds int, taken *respond.Taken) []byte {
	reports := taken.Reports()
	if len(reports) == 0 {
		return text
	}
	if list, err := json.Marshal(reports); err == nil {
		text = slices.Insert(text, agentEnds, append([]byte(`,"rule_actions":`), list...)...)
	}
	for _, r := range reports {
		if r.Finish != nil {
			text = r.Finish(text)
		}
	}
	return text
}

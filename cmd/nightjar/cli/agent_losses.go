package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"nightjar/agent"
)

// lossTeller tells people what an agent lost and held back since it last did.
type lossTeller struct {
	to       io.Writer
	last     agent.Report
	lost     agent.Report // what was last told of losses
	heldBack agent.Report // and of matches that were held back, of which nothing is lost
}

// How often losses are told at most, and what limits of rules hold back: that is what they
// are for.
const (
	tellLossesEvery   = 10 * time.Second
	tellHeldBackEvery = time.Minute
)

// report takes the account so far.
func (l *lossTeller) report(now agent.Report) {
	l.last = now
	var parts []string
	if now.Time.Sub(l.lost.Time) >= tellLossesEvery {
		parts = l.takeLosses()
	}
	if now.Time.Sub(l.heldBack.Time) >= tellHeldBackEvery {
		parts = append(parts, l.takeHeldBack()...)
	}
	l.tell(parts)
}

// end tells what is not told yet.
func (l *lossTeller) end() { l.tell(append(l.takeLosses(), l.takeHeldBack()...)) }

func (l *lossTeller) takeLosses() (parts []string) {
	for cause, n := range l.last.Lost {
		if d := n - l.lost.Lost[cause]; d > 0 {
			parts = append(parts, fmt.Sprintf("%d events lost (%s)", d, cause))
		}
	}
	if d := l.last.Dropped - l.lost.Dropped; d > 0 {
		parts = append(parts, fmt.Sprintf("%d matches dropped: where they go is too slow, or away", d))
	}
	l.lost = l.last
	slices.Sort(parts)
	return parts
}

func (l *lossTeller) takeHeldBack() (parts []string) {
	if d := l.last.HeldBack - l.heldBack.HeldBack; d > 0 {
		parts = append(parts, fmt.Sprintf("%d matches held back by limits of rules", d))
		l.heldBack = l.last
	}
	return parts
}

func (l *lossTeller) tell(parts []string) {
	if len(parts) > 0 {
		fmt.Fprintln(l.to, strings.Join(parts, "; "))
	}
}

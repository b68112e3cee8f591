package agent

import (
	"cmp"
	"maps"
	"slices"

	"nightjar/secl/event"
)

// top counts events by what caused them.
type top struct {
	causes map[cause]uint64
	other  uint64
}

type cause struct{ event, file string }

// maxCauses bounds what is counted apart; the rest counts together.
const maxCauses = 4096

func (t *top) start() { t.causes = map[cause]uint64{} }

func (t *top) add(e *event.Event) {
	k := cause{e.Type, e.Process.File.Path}
	if _, known := t.causes[k]; !known && len(t.causes) >= maxCauses {
		t.other++
		return
	}
	t.causes[k]++
}

// Cause is how many events of a type an executable caused.
type Cause struct {
	Event      string `json:"event"`
	Executable string `json:"executable"`
	Events     uint64 `json:"events"`
}

// most lists the causes of most events.
func (t *top) most(n int) []Cause {
	all := make([]Cause, 0, len(t.causes))
	for k := range maps.Keys(t.causes) {
		all = append(all, Cause{k.event, k.file, t.causes[k]})
	}
	slices.SortFunc(all, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Executable, b.Executable), cmp.Compare(a.Event, b.Event))
	})
	return all[:min(n, len(all))]
}

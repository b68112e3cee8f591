package schema

import (
	"strings"
	"testing"
)

// A dash in front makes a flag of an id; one that was published so is still found
// by what its signal is named now.
func TestSignalIDsBeginWithNoDash(t *testing.T) {
	former := 0
	for i := range 2000 {
		id := SignalID("rule/key", 0, []string{"g"}, Millis(i), 0)
		if strings.HasPrefix(id, "-") {
			t.Fatalf("%s begins with a dash", id)
		}
		if old := FormerSignalID(id); old != "" {
			former++
			if len(old) != 24 || old[0] != '-' || "s"+old != id {
				t.Errorf("%s was %s", id, old)
			}
		}
	}
	if former == 0 {
		t.Error("no id of 2,000 would have begun with a dash: this test shows nothing")
	}
}

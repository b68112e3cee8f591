package schema

import "testing"

// TestRulesAreOfATypeAndAMethodWhereTheyNameNone has the words that no word means, and
// those that there are not.
func TestRulesAreOfATypeAndAMethodWhereTheyNameNone(t *testing.T) {
	var r Rule
	if got := r.Type.OrDefault(); got != RuleLogDetection || !got.Known() {
		t.Errorf("no type is %q", got)
	}
	if got := r.Options.Method(); got != MethodThreshold || !got.Known() {
		t.Errorf("no method is %q", got)
	}
	if RuleType("").Known() || RuleType("log").Known() || Method("").Known() || Method("average").Known() || Severity("").Known() || Severity("High").Known() {
		t.Error("a word is known that there is not")
	}
	for _, known := range RuleTypes {
		if got := known.OrDefault(); got != known {
			t.Errorf("%q is %q", known, got)
		}
	}
}

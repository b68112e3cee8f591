package signals

import (
	"testing"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

// TestAWayThatDidNotEndInTheSignalIsNotTold: steps are told all, or none of them.
func TestAWayThatDidNotEndInTheSignalIsNotTold(t *testing.T) {
	standing := &pb.GroupExplanation{Steps: []*pb.StepExplanation{{Name: "failures", Reached: new("2026-01-02T03:04:05Z")}, {Name: "login"}}}
	out := &pb.SignalSummary{What: "as it was"}
	tellSteps(out, standing, &schema.SignalDetails{})
	if len(out.Steps) > 0 || out.What != "as it was" {
		t.Errorf("half of the steps are told: %v, %q", out.Steps, out.What)
	}
	standing.Steps[1].Reached = new("2026-01-02T03:04:35Z")
	if tellSteps(out, standing, &schema.SignalDetails{}); len(out.Steps) != 2 || out.What != "failures, then login 30s later" {
		t.Errorf("told %v, %q", out.Steps, out.What)
	}
}

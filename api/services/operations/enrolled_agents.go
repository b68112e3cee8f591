package operations

import (
	"cmp"
	"slices"

	"nightjar/agent/control"
	pb "nightjar/api/v1"
)

// withEnrolled puts what is known of enrolled agents to their reports, and adds those that
// did not report.
func withEnrolled(reports []*pb.Agent, enrolled []control.Shown) []*pb.Agent {
	for _, e := range enrolled {
		at := slices.IndexFunc(reports, func(a *pb.Agent) bool { return a.Id == "" && a.Instance != "" && a.Instance == e.Instance })
		if at < 0 {
			at = len(reports)
			reports = append(reports, &pb.Agent{Host: e.Host, Instance: e.Instance, Version: e.Version, Kernel: e.Kernel})
		}
		enrolledAgent(reports[at], e)
	}
	slices.SortStableFunc(reports, func(a, b *pb.Agent) int { return cmp.Compare(a.Host, b.Host) })
	return reports
}

// AgentEnrolled is the state of an agent that was not heard of since it enrolled.
const AgentEnrolled = "enrolled"

// enrolledAgent says of an agent what it says of itself when it asks for orders.
func enrolledAgent(a *pb.Agent, e control.Shown) {
	a.Id, a.Tags, a.PoliciesWanted, a.Refused, a.CpuPercent = e.ID, e.Tags, e.Wanted, e.Problems, 100*e.CPU
	if a.State = string(e.State); e.State == control.Enrolled {
		a.State = AgentEnrolled
	}
	if e.Contact != 0 {
		a.LastContact = e.Contact.String()
	}
	last := e.Last
	if last == nil {
		return
	}
	a.PoliciesInForce, a.Disarmed, a.Isolated, a.Abilities = last.InForce, last.Disarmed, last.Isolated, last.Abilities
	a.Kills, a.Denials, a.RssBytes = last.Counts.Kills, last.Counts.Denials, last.Counts.RSS
	if a.LastReport == "" {
		a.Generated, a.Delivered, a.Lost = last.Counts.Generated, last.Counts.Delivered, last.Counts.Lost
	}
	if last.Refused != nil {
		a.Refused = append(a.Refused, last.Refused.Errors...)
	}
	if last.OrdersRefused != "" {
		a.Refused = append(a.Refused, last.OrdersRefused)
	}
}

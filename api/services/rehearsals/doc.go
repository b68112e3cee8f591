// Package rehearsals serves what policies of agents would have matched and killed in stored
// events. Start at RehearsalService; how a rule is rehearsed is in agent/rehearsal.
package rehearsals

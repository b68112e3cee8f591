// Package agents serves what agents are told: their rules, and the policies that say
// which hosts get them. Start at AgentRuleService. What agents report of themselves is
// in services/operations.
package agents

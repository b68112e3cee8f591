// Package operations serves what operators ask: how the engine is, which arrivals a
// rule has read, which agents report, events that are read again, and lists of threat
// intelligence. Start at StatusService.
package operations

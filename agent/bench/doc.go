// Package bench measures what an agent with 60 rules costs the programs of its
// host: the user and system time of workloads, in pairs of runs without and with
// one. Its README has the figures.
package bench

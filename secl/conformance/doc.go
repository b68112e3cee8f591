// Package conformance evaluates a file of cases of the language: expressions,
// models, events and what is expected. The models are described in the file; the
// compiler that runs over them is the one of the agent.
package conformance

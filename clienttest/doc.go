// Package clienttest drives a running engine with Datadog's own Go client: every
// kind of object through its life, and never an answer that the client cannot
// read. It is a module of its own because that client takes minutes to build
// (`make test-clients`).
package clienttest

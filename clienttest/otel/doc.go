// Package otel sends logs to an engine with OpenTelemetry's own exporters, of Go and
// of JavaScript. It is a module of its own because of what they need.
package otel

// Command otel sends COUNT logs through OpenTelemetry's SDK for Go to the engine at
// ADDRESS with the key KEY: `otel http` or `otel grpc`. It ends with 0 when the
// exporter says that all are sent. It is a module of its own because of what it needs.
package main

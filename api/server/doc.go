// Package server is the one way in for users: the services over gRPC and, by package
// rest, over HTTP, in the wire form of Datadog's security-monitoring API. Start at New;
// services.go makes and registers every service, once for both.
//
// It owns the addresses, the bounds of calls (grpc_bounds.go) and the asking who calls
// over gRPC. Its tests are those of the API as a whole, over real HTTP and gRPC against
// a world in memory (world_test.go).
package server

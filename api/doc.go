// Package api is what all rooms of the API share: the protocols' door (Door), who
// calls (Access, Caller), what HTTP said of a call (Exchange), and what an error says
// to a caller. Start at errors.go: it is the one place where our errors meet gRPC and
// HTTP, and no service imports either.
//
// The rooms, from the bottom:
//
//	v1          the messages and services, generated from .proto
//	codec       the REST form of the messages
//	limits      how much callers may ask for at once: queries, memory
//	ruledoc     the document of a rule, as clients write and read it
//	sqlguard    which SQL a user may run
//	terraform   what users configured, as Terraform
//	services    the services, a package for each group of them
//	rest        HTTP: the gateway, /openapi.json, doors of other protocols
//	server      gRPC and HTTP on their addresses; its Deps are all that the API needs
//	clickhouse  what services read of ClickHouse
//
// Every service declares the interfaces that it needs, beside itself. None of these
// packages evaluates a rule, and only clickhouse knows the database.
package api

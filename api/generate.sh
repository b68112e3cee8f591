#!/bin/sh
# Regenerates api/v1/*.pb.go, *.pb.gw.go and descriptors.binpb (the .proto files
# with their comments, for /openapi.json) from api/v1/*.proto and gateway.yaml.
# Needs protoc (Debian: protobuf-compiler); the plugins are pinned in tools.mod.
set -eu
cd "$(dirname "$0")/.."

command -v protoc >/dev/null || {
	echo "api/generate.sh needs protoc: apt-get install -y protobuf-compiler" >&2
	exit 1
}

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
# The outer directory's module is nightjar; the plugins live in tools.mod.
go build -modfile=tools.mod -o "$bin/" \
	google.golang.org/protobuf/cmd/protoc-gen-go \
	google.golang.org/grpc/cmd/protoc-gen-go-grpc \
	github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway

rm -f api/v1/*.pb.go api/v1/*.pb.gw.go api/v1/descriptors.binpb
PATH="$bin:$PATH" protoc -I api/v1 -I /usr/include \
	--go_out=paths=source_relative:api/v1 \
	--go-grpc_out=paths=source_relative:api/v1 \
	--descriptor_set_out=api/v1/descriptors.binpb --include_imports --include_source_info \
	--grpc-gateway_out=paths=source_relative,allow_delete_body=true,grpc_api_configuration=api/v1/gateway.yaml:api/v1 \
	api/v1/*.proto
gofmt -w api/v1/*.pb.go api/v1/*.pb.gw.go

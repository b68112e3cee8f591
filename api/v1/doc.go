// Package nightjarv1 is the API as generated from the .proto files beside it
// (api/generate.sh). Written by hand are those, gateway.yaml, which binds the
// services to HTTP, and this file.
package nightjarv1

import _ "embed"

// Gateway is gateway.yaml.
//
//go:embed gateway.yaml
var Gateway []byte

// Descriptors is a FileDescriptorSet of the .proto files, comments included.
//
//go:embed descriptors.binpb
var Descriptors []byte

// Package codec is the REST form of our messages: JSON whose keys, lists and null are
// as the reference's clients read them. Start at JSON, the marshaler of the gateway.
//
// What a field looks like is decided by its kind and by the options of wire.proto,
// nowhere else. A key that no field has is an error that names its place and the key
// that was probably meant. Any JSON is its text in our messages, so that no digit is
// lost (raw_json.go); gRPC has it typed.
//
// It knows no service and no rule (ruledoc does).
package codec

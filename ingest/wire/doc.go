// Package wire reads what senders' protocols are written in, without making trees of
// it: messages of protobuf field by field, as they stand in a body. A body of empty
// records would be two hundred times as large as a tree of structs, and one text that
// is no UTF-8 would refuse all of it.
//
// Held by TestManyEmptyRecordsCostLittle in ingest/otlp.
package wire

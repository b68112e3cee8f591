package otlp

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages are read as they stand on the wire, one record after the other: a
// request of empty records would be two hundred times as large as a tree of structs,
// and one string that is no UTF-8 would refuse all of it. Numbers are the fields' of
// opentelemetry-proto.

// errWire is bytes that are no message of this kind.
var errWire = errors.New("broken protobuf")

// eachField calls visit with the fields of a message, in order. The bytes are those of
// a length-delimited field, and nil for any other, which has a number.
func eachField(message []byte, visit func(field protowire.Number, text []byte, number uint64) error) error {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errWire
		}
		message = message[n:]
		var text []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			text, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var small uint32
			small, n = protowire.ConsumeFixed32(message)
			number = uint64(small)
		default:
			field, n = 0, protowire.ConsumeFieldValue(field, kind, message)
		}
		if n < 0 {
			return errWire
		}
		message = message[n:]
		if err := visit(field, text, number); err != nil {
			return err
		}
	}
	return nil
}

// eachText calls visit with the bytes of one field of a message, as often as it is
// there.
func eachText(message []byte, number protowire.Number, visit func(text []byte) error) error {
	return eachField(message, func(field protowire.Number, text []byte, _ uint64) error {
		if field != number || text == nil {
			return nil
		}
		return visit(text)
	})
}

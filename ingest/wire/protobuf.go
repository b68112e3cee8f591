package wire

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrBroken is bytes that are no message of this kind.
var ErrBroken = errors.New("broken protobuf")

// EachField calls visit with the fields of a message, in order. The bytes are those of
// a length-delimited field, and nil for any other, which has a number.
func EachField(message []byte, visit func(field protowire.Number, text []byte, number uint64) error) error {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return ErrBroken
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
			return ErrBroken
		}
		message = message[n:]
		if err := visit(field, text, number); err != nil {
			return err
		}
	}
	return nil
}

// Pair is the fields 1 and 2 of a message, as pairs of a key and a value have them;
// of several, the last counts.
func Pair(message []byte) (key, value []byte, err error) {
	err = EachField(message, func(field protowire.Number, text []byte, _ uint64) error {
		switch field {
		case 1:
			key = text
		case 2:
			value = text
		}
		return nil
	})
	return key, value, err
}

// EachText calls visit with the bytes of one field of a message, as often as it is
// there.
func EachText(message []byte, number protowire.Number, visit func(text []byte) error) error {
	return EachField(message, func(field protowire.Number, text []byte, _ uint64) error {
		if field != number || text == nil {
			return nil
		}
		return visit(text)
	})
}

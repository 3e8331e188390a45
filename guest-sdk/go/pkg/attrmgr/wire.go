package attrmgr

// Messages are parsed without the protobuf library: a contract that does not use the library itself starts faster. This
// code is not a separate package, because lists of vendored packages would not contain it.
import (
	"encoding/binary"
	"errors"
)

// The supported kinds of fields.
const (
	kindVarint = 0
	kindFixed8 = 1
	kindBytes  = 2
	kindFixed4 = 5
)

// Field is one field of a message.
type Field struct {
	Number int
	// The value of a number field.
	Varint uint64
	// The value of any field with a length.
	Bytes []byte
}

var errMalformed = errors.New("proto: cannot parse invalid wire-format data")

// Fields returns the fields of a message, in their order.
func Fields(message []byte) ([]Field, error) {
	var fields []Field
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return nil, errMalformed
		}
		message = message[n:]
		field := Field{Number: int(tag >> 3)}
		length := 0
		switch tag & 7 {
		case kindVarint:
			if field.Varint, length = binary.Uvarint(message); length <= 0 {
				return nil, errMalformed
			}
		case kindFixed8:
			length = 8
		case kindFixed4:
			length = 4
		case kindBytes:
			size, n := binary.Uvarint(message)
			if n <= 0 || size > uint64(len(message)-n) {
				return nil, errMalformed
			}
			length = n + int(size)
			field.Bytes = message[n:length]
		default:
			return nil, errMalformed
		}
		if length > len(message) {
			return nil, errMalformed
		}
		message = message[length:]
		fields = append(fields, field)
	}
	return fields, nil
}

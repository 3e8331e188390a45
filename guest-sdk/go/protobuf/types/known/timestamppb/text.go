package timestamppb

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TextOf returns a message in protobuf's text format, on one line: what String of each message
// returns. It is here because no package may be added that the modules of messages do not have, and
// the others import this one. A message is a pointer to a struct; fields have their names in the
// tags for JSON.
func TextOf(message any) string {
	pointer := reflect.ValueOf(message)
	if pointer.IsNil() {
		return "<nil>"
	}
	value := pointer.Elem()
	var fields []string
	for i := 0; i < value.NumField(); i++ {
		if field := value.Field(i); !field.IsZero() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			if text := textOfValue(field); text != "" {
				fields = append(fields, name+":"+text)
			}
		}
	}
	return strings.Join(fields, " ")
}

// The empty text for bytes that are none.
func textOfValue(value reflect.Value) string {
	switch value.Kind() {
	case reflect.String:
		return quoted(value.String())
	case reflect.Slice:
		if value.Len() == 0 {
			return ""
		}
		return quoted(string(value.Bytes()))
	case reflect.Pointer:
		return "{" + TextOf(value.Interface()) + "}"
	default:
		return fmt.Sprint(value.Interface())
	}
}

// As internal/encoding/text of protobuf does it.
func quoted(text string) string {
	out := []byte{'"'}
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, text[0])
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r < ' ' || r == 0x7f:
			out = fmt.Appendf(out, `\x%02x`, r)
		case r >= utf8.RuneSelf && r <= 0x9f:
			out = append(out, `\u00`...)
			out = strconv.AppendUint(out, uint64(r), 16)
		default:
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return string(append(out, '"'))
}

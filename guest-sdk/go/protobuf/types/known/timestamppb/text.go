package timestamppb

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TextOf returns a message in protobuf's text format on one line, for the String function of each message. A message is
// a pointer to a struct; its fields have their names in the JSON tags. The function is in this package because all
// others import it, and the modules of messages must not have additional packages.
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

// Returns the text of a value; empty for missing bytes.
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

// Quotes a text like protobuf's internal/encoding/text.
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

package shim

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// Begins a composite key and ends each of its parts.
	separator = rune(0)
	// The greatest character, which ends the range of a partial composite key.
	greatest = utf8.MaxRune
)

// CreateCompositeKey joins a type and attributes into one key, which sorts by its parts.
func (s *ChaincodeStub) CreateCompositeKey(objectType string, attributes []string) (string, error) {
	return CreateCompositeKey(objectType, attributes)
}

// SplitCompositeKey returns the type and the attributes of a composite key.
func (s *ChaincodeStub) SplitCompositeKey(compositeKey string) (string, []string, error) {
	end := len(compositeKey) - 1
	if end < 1 || compositeKey[0] != 0 || compositeKey[end] != 0 {
		return "", nil, fmt.Errorf("%q is not a composite key", compositeKey)
	}
	parts := strings.Split(compositeKey[1:end], string(separator))
	return parts[0], parts[1:], nil
}

// CreateCompositeKey joins a type and attributes into one key, which sorts by its parts.
func CreateCompositeKey(objectType string, attributes []string) (string, error) {
	var key strings.Builder
	key.WriteRune(separator)
	for i := -1; i < len(attributes); i++ {
		part := objectType
		if i >= 0 {
			part = attributes[i]
		}
		if err := partOfKey(part); err != nil {
			return "", err
		}
		key.WriteString(part)
		key.WriteRune(separator)
	}
	return key.String(), nil
}

func partOfKey(part string) error {
	if !utf8.ValidString(part) {
		return fmt.Errorf("not a valid utf8 string: [%x]", part)
	}
	for position, character := range part {
		if character == separator || character == greatest {
			return fmt.Errorf("input contains unicode %#U starting at position [%d]. %#U and %#U are not allowed in the input attribute of a composite key",
				character, position, separator, greatest)
		}
	}
	return nil
}

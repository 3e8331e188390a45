package shim

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestACompositeKeyGoesThereAndBack(t *testing.T) {
	stub := &ChaincodeStub{}
	for _, attributes := range [][]string{{}, {"a"}, {"", "b"}, {"\u00e9", ""}} {
		key, err := stub.CreateCompositeKey("color~id", attributes)
		if err != nil {
			t.Fatal(err)
		}
		kind, parts, err := stub.SplitCompositeKey(key)
		if err != nil || kind != "color~id" || !slices.Equal(parts, attributes) {
			t.Error(err, kind, parts)
		}
	}
}

func TestATextThatIsNoCompositeKeyIsRefused(t *testing.T) {
	stub := &ChaincodeStub{}
	for _, key := range []string{"", "\x00", "plain", "pl\x00x\x00", "\x00a\x00b", "\xff\x00"} {
		kind, parts, err := stub.SplitCompositeKey(key)
		if err == nil || !utf8.ValidString(err.Error()) {
			t.Errorf("%q: %q, %q, %v", key, kind, parts, err)
		}
	}
}

func TestTheSeparatorsAreRefused(t *testing.T) {
	for part, want := range map[string]string{
		"a\x00":      "input contains unicode U+0000 starting at position [1]. U+0000 and U+10FFFF are not allowed",
		"\U0010ffff": "input contains unicode U+10FFFF starting at position [0]. U+0000 and U+10FFFF are not allowed",
		"\xff":       "not a valid utf8 string: [ff]",
	} {
		for _, parts := range [][]string{{part}, {"kind", part}} {
			_, err := CreateCompositeKey(parts[0], parts[1:])
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q: %v", part, err)
			}
		}
	}
}

func TestThereIsOneChaincode(t *testing.T) {
	if err := Start(nil); err == nil {
		t.Error("a chaincode is needed")
	}
}

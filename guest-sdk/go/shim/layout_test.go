package shim

import "testing"

func TestAnEmptyElementIsNotNil(t *testing.T) {
	if (list{}).element() == nil {
		t.Error("an argument is nil")
	}
	if value, has := mapOf([]pair{{}})[""]; !has || value == nil {
		t.Error("an entry is nil")
	}
	if mapOf(nil) != nil {
		t.Error("a map without entries is not nil")
	}
	if (list{}).bytes() != nil {
		t.Error("bytes that are not there are not nil")
	}
}

func TestANegativePageHasNoEnd(t *testing.T) {
	for size, want := range map[int32]uint32{-1: 1<<31 - 1, -1 << 31: 1<<31 - 1, 0: 0, 7: 7} {
		if got := page(size); got != want {
			t.Errorf("%d is %d", size, got)
		}
	}
}

func TestStartKeepsWhyItDidNothing(t *testing.T) {
	t.Cleanup(func() { started, refused = nil, nil })
	_ = Start(nil)
	if refused == nil || refused.Error() != "chaincode must be specified" {
		t.Error(refused)
	}
}

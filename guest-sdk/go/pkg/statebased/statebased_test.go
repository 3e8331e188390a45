package statebased

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// Returns the policy of one organization's peers, as Fabric's libraries encode it.
func policyOf(name string) []byte {
	n := byte(len(name))
	rule := []byte{0x12, 8, 0x12, 6, 8, 1, 0x12, 2, 8, 0}
	identity := append([]byte{0x1a, n + 6, 0x12, n + 4, 0x0a, n}, name...)
	return append(rule, append(identity, 0x10, 3)...)
}

func TestAPolicyIsWrittenAsFabricDoes(t *testing.T) {
	policy, err := NewStateEP(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := policy.AddOrgs(RoleTypePeer, "Org2MSP", "Org1MSP"); err != nil {
		t.Fatal(err)
	}
	policy.DelOrgs("Org2MSP", "Org3MSP")
	written, err := policy.Policy()
	if err != nil || !bytes.Equal(written, policyOf("Org1MSP")) {
		t.Fatalf("%v %x", err, written)
	}
}

func TestAPolicyIsReadAsItWasWritten(t *testing.T) {
	policy, _ := NewStateEP(policyOf("Org1MSP"))
	if err := policy.AddOrgs(RoleTypeMember, "Org0MSP"); err != nil {
		t.Fatal(err)
	}
	written, _ := policy.Policy()
	again, err := NewStateEP(written)
	if err != nil || !slices.Equal(again.ListOrgs(), []string{"Org0MSP", "Org1MSP"}) {
		t.Fatal(err, again.ListOrgs())
	}
	if twice, _ := again.Policy(); !bytes.Equal(twice, written) {
		t.Fatalf("%x is not %x", twice, written)
	}
}

func TestWhatIsNoPolicyIsRefused(t *testing.T) {
	for _, bad := range [][]byte{{0x1a}, {0x1a, 200}, {0xff}, {0x1a, 2, 0x12, 9}, {0x1b, 1}} {
		if _, err := NewStateEP(bad); err == nil {
			t.Errorf("%x", bad)
		}
	}
	policy, _ := NewStateEP(nil)
	var unknown *RoleTypeDoesNotExistError
	if err := policy.AddOrgs("ADMIN", "Org1MSP"); !errors.As(err, &unknown) {
		t.Error(err)
	}
}

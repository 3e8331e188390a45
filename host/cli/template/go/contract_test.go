package main

import (
	"strings"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// A stub for native tests: a map as the ledger, and a call. Methods that the contract does not use are
// missing: a call of them panics.
type stub struct {
	shim.ChaincodeStubInterface
	state  map[string][]byte
	caller string
	args   []string
}

func (s *stub) GetFunctionAndParameters() (string, []string) { return s.args[0], s.args[1:] }
func (s *stub) GetState(key string) ([]byte, error)          { return s.state[key], nil }
func (s *stub) SetEvent(string, []byte) error                { return nil }

func (s *stub) PutState(key string, value []byte) error {
	s.state[key] = value
	return nil
}

func (s *stub) DelState(key string) error {
	delete(s.state, key)
	return nil
}

// A msp.SerializedIdentity with an organization, but without a certificate.
func (s *stub) GetCreator() ([]byte, error) {
	return append([]byte{10, byte(len(s.caller))}, s.caller...), nil
}

func (s *stub) call(args ...string) *peer.Response {
	s.args = args
	return AssetTransfer{}.Invoke(s)
}

func ledger(t *testing.T) *stub {
	s := &stub{state: map[string][]byte{}, caller: "Org1MSP"}
	if answer := s.call("CreateAsset", "asset1", "blue", "300"); answer.Status != shim.OK {
		t.Fatal(answer.Message)
	}
	return s
}

func TestAnAssetIsWrittenAsJSON(t *testing.T) {
	want := `{"ID":"asset1","Color":"blue","Owner":"Org1MSP","AppraisedValue":300}`
	if got := string(ledger(t).state["asset1"]); got != want {
		t.Errorf("%s is not %s", got, want)
	}
}

func TestWhatTheContractRefuses(t *testing.T) {
	s := ledger(t)
	for line, want := range map[string]string{
		"CreateAsset asset1 red 7":   "the asset asset1 already exists",
		"CreateAsset asset2 red x":   "the value x is no number",
		"ReadAsset asset2":           "the asset asset2 does not exist",
		"ReadAsset":                  "ReadAsset takes 1 arguments, not 0",
		"TransferAsset asset2 Org2":  "the asset asset2 does not exist",
		"NoSuchFunction with words ": "there is no function NoSuchFunction",
	} {
		if got := s.call(strings.Fields(line)...); got.Status != shim.ERROR || got.Message != want {
			t.Errorf("%s: %v", line, got)
		}
	}
	s.caller = "Org2MSP"
	if got := s.call("DeleteAsset", "asset1"); got.Message != "the asset asset1 belongs to Org1MSP" {
		t.Error(got)
	}
}

func TestADeletedAssetIsGone(t *testing.T) {
	s := ledger(t)
	s.call("DeleteAsset", "asset1")
	if got := s.call("ReadAsset", "asset1"); got.Message != "the asset asset1 does not exist" {
		t.Error(got)
	}
}

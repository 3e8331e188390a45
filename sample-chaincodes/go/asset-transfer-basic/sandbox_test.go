package main

import (
	"testing"

	"wasmcc/sandbox"
)

// Returns a peer with the contract as a component and its six assets.
func network(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	network := sandbox.New(t, sandbox.Options{})
	if err := network.Deploy("basic", sandbox.Component(t), sandbox.Deployment{}); err != nil {
		t.Fatal(err)
	}
	if _, err := network.Submit(call("InitLedger")); err != nil {
		t.Fatal(err)
	}
	return network
}

func call(args ...string) sandbox.Call { return sandbox.Call{Chaincode: "basic", Args: args} }

func TestAnAssetIsTransferred(t *testing.T) {
	network := network(t)
	transferred, err := network.Submit(call("TransferAsset", "asset1", "Ann"))
	if err != nil || transferred.Text() != "Tomoko" {
		t.Fatal(err, transferred.Text())
	}
	asset := Asset{}
	answer, err := network.Evaluate(call("ReadAsset", "asset1"))
	if err != nil || answer.JSON(&asset) != nil || asset.Owner != "Ann" {
		t.Fatal(err, asset)
	}
}

func TestWhatTheContractRefuses(t *testing.T) {
	network := network(t)
	for want, args := range map[string][]string{
		"the asset asset0 does not exist":                                                         {"ReadAsset", "asset0"},
		"the asset asset1 already exists":                                                         {"CreateAsset", "asset1", "pink", "1", "Ann", "9"},
		"incorrect number of params. Expected 5, received 1":                                      {"CreateAsset", "asset1"},
		"Function Nothing not found in contract AssetTransfer":                                    {"Nothing"},
		"error managing parameter param2. conversion error. cannot convert passed value x to int": {"UpdateAsset", "asset1", "pink", "x", "Ann", "9"},
	} {
		answer, err := network.Endorse(call(args...))
		if err != nil || answer.Status != 500 || answer.Message != want {
			t.Error(want, err, answer)
		}
	}
}

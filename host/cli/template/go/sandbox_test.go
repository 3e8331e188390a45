package main

import (
	"errors"
	"testing"

	"wasmcc/sandbox"
)

const chaincode = "my-contract"

// A channel of two organizations, with the deployed contract and one asset. Each test has its own.
func network(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	network := sandbox.New(t, sandbox.Options{Orgs: 2})
	if err := network.Deploy(chaincode, sandbox.Component(t), sandbox.Deployment{}); err != nil {
		t.Fatal(err)
	}
	submit(t, network, by("Org1MSP", "CreateAsset", "asset1", "blue", "300"))
	return network
}

func by(org string, args ...string) sandbox.Call {
	return sandbox.Call{Chaincode: chaincode, Org: org, Args: args}
}

func submit(t *testing.T, network *sandbox.Sandbox, call sandbox.Call) *sandbox.Submitted {
	t.Helper()
	submitted, err := network.Submit(call)
	if err != nil {
		t.Fatal(err)
	}
	return submitted
}

func owner(t *testing.T, network *sandbox.Sandbox) string {
	t.Helper()
	answer, err := network.Evaluate(by("", "ReadAsset", "asset1"))
	asset := Asset{}
	if err = errors.Join(err, answer.JSON(&asset)); err != nil {
		t.Fatal(err)
	}
	return asset.Owner
}

func TestAnAssetGoesFromOneOrganizationToAnother(t *testing.T) {
	network := network(t)
	transferred := submit(t, network, by("Org1MSP", "TransferAsset", "asset1", "Org2MSP"))
	if old := transferred.Text(); old != "Org1MSP" {
		t.Errorf("it returns the old owner, not %s", old)
	}
	if now := owner(t, network); now != "Org2MSP" {
		t.Errorf("it belongs to %s", now)
	}
	submit(t, network, by("Org2MSP", "TransferAsset", "asset1", "Org1MSP"))
}

func TestOfTwoTransfersAtTheSameTimeTheSecondIsNotValid(t *testing.T) {
	network := network(t)
	// Both are endorsed on the same state, then ordered into one block.
	first, err := network.Endorse(by("", "TransferAsset", "asset1", "Org2MSP"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := network.Endorse(by("", "TransferAsset", "asset1", "Org3MSP"))
	if err != nil {
		t.Fatal(err)
	}
	both, err := network.Commit(first, second)
	if err != nil {
		t.Fatal(err)
	}
	if both[0].Code != "VALID" || both[1].Code != "MVCC_READ_CONFLICT" {
		t.Error(both[0].Code, both[1].Code)
	}
	if now := owner(t, network); now != "Org2MSP" {
		t.Errorf("it belongs to %s", now)
	}
}

func TestWhatTheContractRefusesIsNotCommitted(t *testing.T) {
	network := network(t)
	before, _ := network.Height()
	_, err := network.Submit(by("Org2MSP", "DeleteAsset", "asset1"))
	var refused *sandbox.Error
	if !errors.As(err, &refused) || refused.Text != "the asset asset1 belongs to Org1MSP" {
		t.Error(err)
	}
	if after, _ := network.Height(); after != before {
		t.Error(before, after)
	}
}

func TestANewAssetIsWrittenAndAnnounced(t *testing.T) {
	endorsed, err := network(t).Endorse(by("", "CreateAsset", "asset2", "red", "7"))
	if err != nil {
		t.Fatal(err)
	}
	writes := endorsed.Rwset[chaincode].Writes
	want := `{"ID":"asset2","Color":"red","Owner":"Org1MSP","AppraisedValue":7}`
	if len(writes) != 1 || string(writes[0].Value) != want {
		t.Error(writes)
	}
	if event := endorsed.Event; event == nil || event.Name != "CreateAsset" {
		t.Error(event)
	}
}

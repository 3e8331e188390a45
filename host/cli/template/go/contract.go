// Assets: create, read, transfer and delete them.
//
// All endorsers must write the same bytes: take the time from the stub, and do not write in the order of a
// map.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// Asset is an asset in its form on the ledger: JSON with the members in this order.
type Asset struct {
	ID    string // Its key on the ledger.
	Color string // Such as blue.
	Owner string // The organization that may transfer and delete it.
	// Its estimated value.
	AppraisedValue int
}

// AssetTransfer is the contract. It has no fields: the ledger is its state.
type AssetTransfer struct{}

// Init does nothing: a channel's definition does not require it.
func (AssetTransfer) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// Invoke calls the function that the first argument names.
func (AssetTransfer) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	name, args := stub.GetFunctionAndParameters()
	answer, err := call(stub, name, args)
	if err != nil {
		return shim.Error(err.Error())
	}
	switch answer := answer.(type) {
	case nil:
		return shim.Success(nil)
	case string:
		return shim.Success([]byte(answer))
	}
	payload, err := json.Marshal(answer)
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

func call(stub shim.ChaincodeStubInterface, name string, args []string) (any, error) {
	wanted := map[string]int{"CreateAsset": 3, "ReadAsset": 1, "TransferAsset": 2, "DeleteAsset": 1, "GetAllAssets": 0}
	count, known := wanted[name]
	switch {
	case !known:
		return nil, fmt.Errorf("there is no function %s", name)
	case len(args) != count:
		return nil, fmt.Errorf("%s takes %d arguments, not %d", name, count, len(args))
	}
	switch name {
	case "CreateAsset":
		value, err := strconv.Atoi(args[2])
		if err != nil {
			return nil, fmt.Errorf("the value %s is no number", args[2])
		}
		return createAsset(stub, args[0], args[1], value)
	case "ReadAsset":
		return readAsset(stub, args[0])
	case "TransferAsset":
		return transferAsset(stub, args[0], args[1])
	case "DeleteAsset":
		return nil, deleteAsset(stub, args[0])
	}
	return getAllAssets(stub)
}

// Issues a new asset, which belongs to the caller's organization.
func createAsset(stub shim.ChaincodeStubInterface, id, color string, value int) (*Asset, error) {
	found, err := stub.GetState(id)
	if err != nil {
		return nil, err
	}
	if found != nil {
		return nil, fmt.Errorf("the asset %s already exists", id)
	}
	owner, err := cid.GetMSPID(stub)
	if err != nil {
		return nil, err
	}
	asset := &Asset{ID: id, Color: color, Owner: owner, AppraisedValue: value}
	return asset, errors.Join(put(stub, asset), stub.SetEvent("CreateAsset", []byte(id)))
}

// Returns the asset with this id.
func readAsset(stub shim.ChaincodeStubInterface, id string) (*Asset, error) {
	value, err := stub.GetState(id)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, fmt.Errorf("the asset %s does not exist", id)
	}
	asset := &Asset{}
	return asset, json.Unmarshal(value, asset)
}

// Transfers an asset of the caller's organization to another one; returns the old owner.
func transferAsset(stub shim.ChaincodeStubInterface, id, newOwner string) (string, error) {
	asset, err := ownAsset(stub, id)
	if err != nil {
		return "", err
	}
	oldOwner := asset.Owner
	asset.Owner = newOwner
	return oldOwner, put(stub, asset)
}

// Deletes an asset of the caller's organization; its history stays on the ledger.
func deleteAsset(stub shim.ChaincodeStubInterface, id string) error {
	if _, err := ownAsset(stub, id); err != nil {
		return err
	}
	return stub.DelState(id)
}

// Returns all assets, sorted by id.
func getAllAssets(stub shim.ChaincodeStubInterface) ([]*Asset, error) {
	// Two empty bounds mean the whole namespace of this chaincode.
	rows, err := stub.GetStateByRange("", "")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	assets := []*Asset{}
	for rows.HasNext() {
		row, err := rows.Next()
		if err != nil {
			return nil, err
		}
		asset := &Asset{}
		if err := json.Unmarshal(row.Value, asset); err != nil {
			return nil, err
		}
		assets = append(assets, asset)
	}
	return assets, nil
}

func ownAsset(stub shim.ChaincodeStubInterface, id string) (*Asset, error) {
	asset, err := readAsset(stub, id)
	if err != nil {
		return nil, err
	}
	caller, err := cid.GetMSPID(stub)
	if err != nil {
		return nil, err
	}
	if asset.Owner != caller {
		return nil, fmt.Errorf("the asset %s belongs to %s", id, asset.Owner)
	}
	return asset, nil
}

func put(stub shim.ChaincodeStubInterface, asset *Asset) error {
	value, err := json.Marshal(asset)
	if err != nil {
		return err
	}
	return stub.PutState(asset.ID, value)
}

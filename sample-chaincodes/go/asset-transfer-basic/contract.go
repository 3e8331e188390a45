package main

import (
	"encoding/json"
	"fmt"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Asset is an asset, stored under its id. Endorsers compare the written bytes, and JSON has the members in the order of
// the struct. The order is alphabetical, as in all languages of the samples.
type Asset struct {
	AppraisedValue int
	Color          string
	ID             string
	Owner          string
	Size           int
}

// Puts six assets on the ledger.
func initLedger(stub shim.ChaincodeStubInterface, _ arguments) (any, error) {
	for _, asset := range []Asset{
		{300, "blue", "asset1", "Tomoko", 5},
		{400, "red", "asset2", "Brad", 5},
		{500, "green", "asset3", "Jin Soo", 10},
		{600, "yellow", "asset4", "Max", 10},
		{700, "black", "asset5", "Adriana", 15},
		{800, "white", "asset6", "Michel", 15},
	} {
		if err := put(stub, asset); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// Issues a new asset. Arguments: id, color, size, owner, value.
func createAsset(stub shim.ChaincodeStubInterface, args arguments) (any, error) {
	asset, err := assetOf(args)
	if err != nil {
		return nil, err
	}
	if exists, err := has(stub, asset.ID); err != nil || exists {
		return nil, or(err, fmt.Errorf("the asset %s already exists", asset.ID))
	}
	return nil, put(stub, asset)
}

// Returns the asset with this id.
func readAsset(stub shim.ChaincodeStubInterface, args arguments) (any, error) {
	return read(stub, args[0])
}

// Replaces all fields of an asset except its id.
func updateAsset(stub shim.ChaincodeStubInterface, args arguments) (any, error) {
	asset, err := assetOf(args)
	if err != nil {
		return nil, err
	}
	if exists, err := has(stub, asset.ID); err != nil || !exists {
		return nil, or(err, doesNotExist(asset.ID))
	}
	return nil, put(stub, asset)
}

// Deletes an asset; its history stays on the ledger.
func deleteAsset(stub shim.ChaincodeStubInterface, args arguments) (any, error) {
	if exists, err := has(stub, args[0]); err != nil || !exists {
		return nil, or(err, doesNotExist(args[0]))
	}
	return nil, stub.DelState(args[0])
}

// Returns true if an asset with this id exists.
func assetExists(stub shim.ChaincodeStubInterface, args arguments) (any, error) {
	return has(stub, args[0])
}

// Transfers an asset to a new owner; returns the old owner.
func transferAsset(stub shim.ChaincodeStubInterface, args arguments) (any, error) {
	asset, err := read(stub, args[0])
	if err != nil {
		return nil, err
	}
	oldOwner := asset.Owner
	asset.Owner = args[1]
	return oldOwner, put(stub, *asset)
}

// Returns all assets, sorted by id.
func getAllAssets(stub shim.ChaincodeStubInterface, _ arguments) (any, error) {
	// Two empty bounds select the chaincode's whole namespace.
	rows, err := stub.GetStateByRange("", "")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	assets := []Asset{}
	for rows.HasNext() {
		row, err := rows.Next()
		if err != nil {
			return nil, err
		}
		var asset Asset
		if err := json.Unmarshal(row.Value, &asset); err != nil {
			return nil, err
		}
		assets = append(assets, asset)
	}
	return assets, nil
}

func assetOf(args arguments) (Asset, error) {
	size, err := args.number(2)
	if err != nil {
		return Asset{}, err
	}
	value, err := args.number(4)
	return Asset{AppraisedValue: value, Color: args[1], ID: args[0], Owner: args[3], Size: size}, err
}

func has(stub shim.ChaincodeStubInterface, id string) (bool, error) {
	value, err := stub.GetState(id)
	if err != nil {
		return false, fmt.Errorf("failed to read from world state: %v", err)
	}
	return value != nil, nil
}

func read(stub shim.ChaincodeStubInterface, id string) (*Asset, error) {
	value, err := stub.GetState(id)
	if err != nil {
		return nil, fmt.Errorf("failed to read from world state: %v", err)
	}
	if value == nil {
		return nil, doesNotExist(id)
	}
	asset := &Asset{}
	return asset, json.Unmarshal(value, asset)
}

func put(stub shim.ChaincodeStubInterface, asset Asset) error {
	value, err := json.Marshal(asset)
	if err != nil {
		return err
	}
	return stub.PutState(asset.ID, value)
}

func doesNotExist(id string) error { return fmt.Errorf("the asset %s does not exist", id) }

// Returns the first error, if there is one.
func or(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

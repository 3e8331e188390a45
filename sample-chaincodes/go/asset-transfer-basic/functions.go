package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// A function of the contract: the number of its arguments, and its implementation. It returns a value that becomes
// JSON, a text that is not changed, or nil.
type function struct {
	params int
	call   func(stub shim.ChaincodeStubInterface, args arguments) (any, error)
}

var functions = map[string]function{
	"InitLedger":    {0, initLedger},
	"CreateAsset":   {5, createAsset},
	"ReadAsset":     {1, readAsset},
	"UpdateAsset":   {5, updateAsset},
	"DeleteAsset":   {1, deleteAsset},
	"AssetExists":   {1, assetExists},
	"TransferAsset": {2, transferAsset},
	"GetAllAssets":  {0, getAllAssets},
}

// The arguments of a function as text.
type arguments []string

// Returns the number at an index; an empty text is zero. The error text is that of Fabric's contract API.
func (args arguments) number(at int) (int, error) {
	if args[at] == "" {
		return 0, nil
	}
	number, err := strconv.Atoi(args[at])
	if err != nil {
		return 0, fmt.Errorf("error managing parameter param%d. conversion error. cannot convert passed value %s to int", at, args[at])
	}
	return number, nil
}

// AssetTransfer is the contract. It has no fields: the ledger is its state.
type AssetTransfer struct{}

// Init does nothing.
func (AssetTransfer) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// Invoke calls the function in the first argument.
func (AssetTransfer) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	name, args := stub.GetFunctionAndParameters()
	function, known := functions[name]
	switch {
	case !known:
		return shim.Error(fmt.Sprintf("Function %s not found in contract AssetTransfer", name))
	case len(args) < function.params:
		return shim.Error(fmt.Sprintf("incorrect number of params. Expected %d, received %d", function.params, len(args)))
	}
	answer, err := function.call(stub, args)
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

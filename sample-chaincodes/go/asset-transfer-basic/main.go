// Fabric's first sample on Fabric's Go shim: assets that are created, read, updated, transferred and
// deleted. Names, JSON and messages are those of asset-transfer-basic in fabric-samples, so its
// applications work with this chaincode unchanged.
package main

import (
	"log"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

func main() {
	if err := shim.Start(AssetTransfer{}); err != nil {
		log.Fatal(err)
	}
}

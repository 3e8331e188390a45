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

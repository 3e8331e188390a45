module github.com/hyperledger/fabric-chaincode-go/v2

go 1.24

require (
	github.com/hyperledger/fabric-protos-go-apiv2 v0.3.7
	google.golang.org/protobuf v1.36.12
)

// For the tests of this module; a contract has its own.
replace (
	github.com/hyperledger/fabric-protos-go-apiv2 => ./protos
	google.golang.org/protobuf => ./protobuf
)

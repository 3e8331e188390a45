module github.com/hyperledger/fabric-chaincode-go/v2

// The versions are those of Fabric's shim 2.0.0. Higher ones would raise those of contracts: the
// version of the language, on which the rules of loops depend, and modules that go.sum vouches for.
go 1.21

require (
	github.com/hyperledger/fabric-protos-go-apiv2 v0.3.3
	google.golang.org/protobuf v1.34.2
)

// For the tests of this module; a contract has its own.
replace (
	github.com/hyperledger/fabric-protos-go-apiv2 => ./protos
	google.golang.org/protobuf => ./protobuf
)

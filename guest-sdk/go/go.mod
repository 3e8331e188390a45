module github.com/hyperledger/fabric-chaincode-go/v2

go 1.24

require (
	github.com/hyperledger/fabric-protos-go-apiv2 v0.3.7
	google.golang.org/protobuf v1.36.12
)

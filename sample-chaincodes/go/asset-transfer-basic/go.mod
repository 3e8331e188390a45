module asset-transfer-basic

go 1.24

require (
	github.com/hyperledger/fabric-chaincode-go/v2 v2.3.0
	github.com/hyperledger/fabric-protos-go-apiv2 v0.3.7
	wasmcc/sandbox v0.2.0
)

require google.golang.org/protobuf v1.36.12 // indirect

replace (
	github.com/hyperledger/fabric-chaincode-go/v2 => ../../../guest-sdk/go
	github.com/hyperledger/fabric-protos-go-apiv2 => ../../../guest-sdk/go/protos
	google.golang.org/protobuf => ../../../guest-sdk/go/protobuf
	wasmcc/sandbox => ../../../guest-sdk/go/sandbox
)

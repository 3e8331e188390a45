module github.com/hyperledger/fabric-protos-go-apiv2

go 1.21

require google.golang.org/protobuf v1.34.2

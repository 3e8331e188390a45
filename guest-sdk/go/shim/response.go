package shim

import "github.com/hyperledger/fabric-protos-go-apiv2/peer"

const (
	// OK is the status of success; every status below ERRORTHRESHOLD is endorsed.
	OK = 200
	// ERRORTHRESHOLD is the lowest status of an error, which is not endorsed.
	ERRORTHRESHOLD = 400
	// ERROR is the default status of an error.
	ERROR = 500
)

// Success returns the answer of a successful transaction.
func Success(payload []byte) *peer.Response {
	return &peer.Response{Status: OK, Payload: payload}
}

// Error returns the answer that refuses a transaction.
func Error(msg string) *peer.Response {
	return &peer.Response{Status: ERROR, Message: msg}
}

package shim

import "github.com/hyperledger/fabric-protos-go-apiv2/peer"

const (
	// OK is the status of success; every status below ERRORTHRESHOLD is endorsed.
	OK = 200
	// ERRORTHRESHOLD is where errors begin, which are not endorsed.
	ERRORTHRESHOLD = 400
	// ERROR is the usual status of an error.
	ERROR = 500
)

// Success is the answer of a transaction that worked.
func Success(payload []byte) *peer.Response {
	return &peer.Response{Status: OK, Payload: payload}
}

// Error is the answer of a transaction that is refused.
func Error(msg string) *peer.Response {
	return &peer.Response{Status: ERROR, Message: msg}
}

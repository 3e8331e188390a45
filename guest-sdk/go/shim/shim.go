// Package shim runs chaincodes for Fabric's Go shim in a component. It has the shim's import path and functions. Where
// the shim sends messages to a peer, it calls imports of the component.
package shim

import "errors"

var (
	// The chaincode that main started.
	started Chaincode
	// The error of Start, which main may have ignored.
	refused error
)

func register(cc Chaincode) error {
	switch {
	case cc == nil:
		refused = errors.New("chaincode must be specified")
	case started != nil:
		// `wasmcc build` searches for this text to detect a call of this function. Assigning it to a variable that is read
		// keeps it in the module, even if main ignores the error.
		refused = errors.New("a second chaincode is started: a component is one chaincode")
	default:
		started, refused = cc, nil
	}
	return refused
}

// Called by Start with a valid chaincode. In a component it does not return, as under Fabric.
var serve = func() {}

func startChaincode(cc Chaincode) error {
	err := register(cc)
	if err == nil {
		serve()
	}
	return err
}

// Start sets the component's chaincode, which the peer calls for each transaction.
func Start(cc Chaincode) error { return startChaincode(cc) }

// TLSProperties have no effect in a component, which has no connections.
type TLSProperties struct {
	Disabled      bool
	Key           []byte
	Cert          []byte
	ClientCACerts []byte
}

// ChaincodeServer starts a chaincode that runs as a service. A component has no server: its Start calls the function
// Start with CC.
type ChaincodeServer struct {
	CCID     string
	Address  string
	CC       Chaincode
	TLSProps TLSProperties
	KaOpts   any
}

// Start sets the component's chaincode.
func (cs *ChaincodeServer) Start() error { return startChaincode(cs.CC) }

// GetMSPID returns the organization of the peer. It differs between endorsers: do not write it to the
// ledger.
func GetMSPID() (string, error) {
	var id option
	importGetPeerMSPID(&id)
	if id.isSome == 0 {
		return "", errors.New("'CORE_PEER_LOCALMSPID' is not set")
	}
	return id.value.text(), nil
}

// Package shim runs chaincodes that are written for Fabric's Go shim inside of a component. It has
// the shim's import path and functions; where the shim sends messages to a peer, this calls the
// imports of a component.
package shim

import "errors"

var (
	// The chaincode that main has started.
	started Chaincode
	// Why Start did nothing: main may leave its error alone.
	refused error
)

func register(cc Chaincode) error {
	switch {
	case cc == nil:
		refused = errors.New("chaincode must be specified")
	case started != nil:
		// `wasmcc build` looks for this text: what has it calls this function. It is in the module
		// even if main leaves the error alone, since that is written to a variable which is read.
		refused = errors.New("a second chaincode is started: a component is one chaincode")
	default:
		started, refused = cc, nil
	}
	return refused
}

// What Start does once it knows the chaincode. In a component it does not return, as where Fabric
// runs the program.
var serve = func() {}

func startChaincode(cc Chaincode) error {
	err := register(cc)
	if err == nil {
		serve()
	}
	return err
}

// Start says which chaincode the component is: the peer calls it for each transaction.
func Start(cc Chaincode) error { return startChaincode(cc) }

// TLSProperties are of no use in a component, which has no connections.
type TLSProperties struct {
	Disabled      bool
	Key           []byte
	Cert          []byte
	ClientCACerts []byte
}

// ChaincodeServer is how a chaincode that runs as a service is started. In a component there is no
// server: Start does what the function Start does with CC.
type ChaincodeServer struct {
	CCID     string
	Address  string
	CC       Chaincode
	TLSProps TLSProperties
	KaOpts   any
}

// Start says which chaincode the component is.
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

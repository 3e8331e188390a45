package shim

import (
	"runtime"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The name of the key's own endorsement policy among its metadata.
const validationParameter = "VALIDATION_PARAMETER"

// ChaincodeStub is a transaction's access to its peer.
type ChaincodeStub struct {
	TxID      string
	ChannelID string
	args      [][]byte
	// True while writes are held back.
	batching bool
}

func newStub() *ChaincodeStub {
	var args, txID, channel list
	importGetArgs(&args)
	importGetTxID(&txID)
	importGetChannelID(&channel)
	taken := takeMemory()
	defer taken.keep()
	stub := &ChaincodeStub{TxID: txID.text(), ChannelID: channel.text(), args: [][]byte{}}
	for _, arg := range at[list](args) {
		stub.args = append(stub.args, arg.element())
	}
	return stub
}

// Ends the batch that the chaincode has left open.
func (s *ChaincodeStub) end() error {
	if s.batching {
		return s.FinishWriteBatch()
	}
	return nil
}

// GetArgs returns the arguments.
func (s *ChaincodeStub) GetArgs() [][]byte { return s.args }

// GetStringArgs returns the arguments as text.
func (s *ChaincodeStub) GetStringArgs() []string {
	texts := make([]string, 0, len(s.args))
	for _, arg := range s.args {
		texts = append(texts, string(arg))
	}
	return texts
}

// GetFunctionAndParameters returns the first argument and the others.
func (s *ChaincodeStub) GetFunctionAndParameters() (string, []string) {
	texts := s.GetStringArgs()
	if len(texts) == 0 {
		return "", []string{}
	}
	return texts[0], texts[1:]
}

// GetArgsSlice returns all arguments concatenated.
func (s *ChaincodeStub) GetArgsSlice() ([]byte, error) {
	all := []byte{}
	for _, arg := range s.args {
		all = append(all, arg...)
	}
	return all, nil
}

// GetTxID returns the transaction's id.
func (s *ChaincodeStub) GetTxID() string { return s.TxID }

// GetChannelID returns the name of the channel.
func (s *ChaincodeStub) GetChannelID() string { return s.ChannelID }

// GetCreator returns the submitting identity, a serialized msp.SerializedIdentity.
func (s *ChaincodeStub) GetCreator() ([]byte, error) {
	var creator list
	importGetCreator(&creator)
	return creator.taken(), nil
}

// GetTransient returns the transient data, which only endorsers see.
func (s *ChaincodeStub) GetTransient() (map[string][]byte, error) {
	var entries list
	importGetTransient(&entries)
	return mapOf(at[pair](entries)), nil
}

// GetBinding returns the SHA-256 of nonce, creator and epoch.
func (s *ChaincodeStub) GetBinding() ([]byte, error) {
	var binding list
	importGetBinding(&binding)
	return binding.taken(), nil
}

// GetDecorations returns the data that the peer's decorators added.
func (s *ChaincodeStub) GetDecorations() map[string][]byte {
	var entries list
	importGetDecorations(&entries)
	return mapOf(at[pair](entries))
}

// GetSignedProposal returns the proposal that the client signed; nil if there is none.
func (s *ChaincodeStub) GetSignedProposal() (*peer.SignedProposal, error) {
	var signed signedOption
	importGetSignedProposal(&signed)
	if signed.isSome == 0 {
		return nil, nil
	}
	taken := takeMemory()
	defer taken.keep()
	return &peer.SignedProposal{
		ProposalBytes: signed.proposal.bytes(),
		Signature:     signed.signature.bytes(),
	}, nil
}

// GetTxTimestamp returns the client's time; nil if the proposal has none.
func (s *ChaincodeStub) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	var time timeOption
	importGetTxTimestamp(&time)
	if time.isSome == 0 {
		return nil, nil
	}
	return &timestamppb.Timestamp{Seconds: time.seconds, Nanos: int32(time.nanos)}, nil
}

// InvokeChaincode runs another chaincode in this transaction; an empty channel is the current one.
func (s *ChaincodeStub) InvokeChaincode(chaincodeName string, args [][]byte, channel string) *peer.Response {
	places := places(args)
	at, count := start(places)
	var response callResult
	importInvokeChaincode(chaincodeName, at, count, some(channel), channel, &response)
	taken := takeMemory()
	defer taken.keep()
	runtime.KeepAlive(args)
	runtime.KeepAlive(places)
	if response.failed != 0 {
		// A refusal by the peer, as Fabric's shim returns it.
		return &peer.Response{Status: ERROR, Payload: response.message.bytes()}
	}
	return &peer.Response{
		Status:  response.status,
		Message: response.message.text(),
		Payload: response.payload.bytes(),
	}
}

// SetEvent sets the transaction's event; a later call replaces it.
func (s *ChaincodeStub) SetEvent(name string, payload []byte) error {
	var result result
	at, length := start(payload)
	importSetEvent(name, at, length, &result)
	runtime.KeepAlive(payload)
	return result.err()
}

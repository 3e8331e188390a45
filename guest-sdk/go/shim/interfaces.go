package shim

import (
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Chaincode is the interface that a contract implements.
type Chaincode interface {
	// Init runs when the chaincode is instantiated or upgraded.
	Init(stub ChaincodeStubInterface) *peer.Response
	// Invoke runs for every other transaction.
	Invoke(stub ChaincodeStubInterface) *peer.Response
}

// ChaincodeStubInterface has the calls that a transaction can make of its peer. A read returns the committed value: a
// transaction does not see its own writes.
type ChaincodeStubInterface interface {
	// GetArgs returns the arguments; by convention the first one is the function's name.
	GetArgs() [][]byte
	// GetStringArgs returns the arguments as text.
	GetStringArgs() []string
	// GetFunctionAndParameters returns the first argument and the others.
	GetFunctionAndParameters() (string, []string)
	// GetArgsSlice returns all arguments concatenated.
	GetArgsSlice() ([]byte, error)
	// GetTxID returns the transaction's id.
	GetTxID() string
	// GetChannelID returns the name of the channel.
	GetChannelID() string
	// InvokeChaincode runs another chaincode in this transaction; an empty channel is the current one.
	InvokeChaincode(chaincodeName string, args [][]byte, channel string) *peer.Response

	// GetState returns the value of a key; nil if it does not exist.
	GetState(key string) ([]byte, error)
	// PutState writes at commit.
	PutState(key string, value []byte) error
	// DelState deletes at commit.
	DelState(key string) error
	// SetStateValidationParameter sets the key's own endorsement policy.
	SetStateValidationParameter(key string, ep []byte) error
	// GetStateValidationParameter returns the key's own endorsement policy; nil if it has none.
	GetStateValidationParameter(key string) ([]byte, error)

	// GetStateByRange returns the keys from startKey (included) to endKey (excluded).
	GetStateByRange(startKey, endKey string) (StateQueryIteratorInterface, error)
	// GetStateByRangeWithPagination returns one page of a range.
	GetStateByRangeWithPagination(startKey, endKey string, pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error)
	// GetStateByPartialCompositeKey returns the composite keys that begin with these parts.
	GetStateByPartialCompositeKey(objectType string, keys []string) (StateQueryIteratorInterface, error)
	// GetStateByPartialCompositeKeyWithPagination returns one page of the composite keys that begin with these parts.
	GetStateByPartialCompositeKeyWithPagination(objectType string, keys []string,
		pageSize int32, bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error)
	// CreateCompositeKey joins a type and attributes into one key.
	CreateCompositeKey(objectType string, attributes []string) (string, error)
	// SplitCompositeKey returns the parts of a composite key.
	SplitCompositeKey(compositeKey string) (string, []string, error)
	// GetQueryResult returns the rows that match a CouchDB selector.
	GetQueryResult(query string) (StateQueryIteratorInterface, error)
	// GetQueryResultWithPagination returns one page of the rows that match a CouchDB selector.
	GetQueryResultWithPagination(query string, pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error)
	// GetHistoryForKey returns the changes of a key, newest first.
	GetHistoryForKey(key string) (HistoryQueryIteratorInterface, error)

	// GetPrivateData returns the value of a key of a collection; nil if it does not exist.
	GetPrivateData(collection, key string) ([]byte, error)
	// GetPrivateDataHash returns the SHA-256 of the value; nil if the key does not exist.
	GetPrivateDataHash(collection, key string) ([]byte, error)
	// PutPrivateData writes at commit.
	PutPrivateData(collection string, key string, value []byte) error
	// DelPrivateData deletes at commit.
	DelPrivateData(collection, key string) error
	// PurgePrivateData deletes at commit, and removes all earlier values.
	PurgePrivateData(collection, key string) error
	// SetPrivateDataValidationParameter sets the key's own endorsement policy.
	SetPrivateDataValidationParameter(collection, key string, ep []byte) error
	// GetPrivateDataValidationParameter returns the key's own endorsement policy.
	GetPrivateDataValidationParameter(collection, key string) ([]byte, error)
	// GetPrivateDataByRange returns the keys of a collection from startKey (included) to endKey (excluded).
	GetPrivateDataByRange(collection, startKey, endKey string) (StateQueryIteratorInterface, error)
	// GetPrivateDataByPartialCompositeKey returns the composite keys that begin with these parts.
	GetPrivateDataByPartialCompositeKey(collection, objectType string, keys []string) (StateQueryIteratorInterface, error)
	// GetPrivateDataQueryResult returns the rows of a collection that match a CouchDB selector.
	GetPrivateDataQueryResult(collection, query string) (StateQueryIteratorInterface, error)

	// GetCreator returns the submitting identity, a serialized msp.SerializedIdentity.
	GetCreator() ([]byte, error)
	// GetTransient returns the transient data, which only endorsers see.
	GetTransient() (map[string][]byte, error)
	// GetBinding returns the SHA-256 of nonce, creator and epoch.
	GetBinding() ([]byte, error)
	// GetDecorations returns the data that the peer's decorators added.
	GetDecorations() map[string][]byte
	// GetSignedProposal returns the proposal that the client signed; nil if there is none.
	GetSignedProposal() (*peer.SignedProposal, error)
	// GetTxTimestamp returns the client's time.
	GetTxTimestamp() (*timestamppb.Timestamp, error)
	// SetEvent sets the transaction's event; a later call replaces it.
	SetEvent(name string, payload []byte) error

	addedIn21
	addedIn22
	addedIn23
}

// CommonIteratorInterface has the functions of all iterators.
type CommonIteratorInterface interface {
	// HasNext reports whether Next returns a row.
	HasNext() bool
	// Close closes the query at the peer.
	Close() error
}

// StateQueryIteratorInterface returns the rows of a range or a rich query.
type StateQueryIteratorInterface interface {
	CommonIteratorInterface
	// Next returns the next row.
	Next() (*queryresult.KV, error)
}

// HistoryQueryIteratorInterface returns the changes of a key.
type HistoryQueryIteratorInterface interface {
	CommonIteratorInterface
	// Next returns the next change.
	Next() (*queryresult.KeyModification, error)
}

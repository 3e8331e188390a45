package shim

import "github.com/hyperledger/fabric-protos-go-apiv2/peer"

// addedIn23 has the method that Fabric's shim has since version 2.3, see addedIn21.
type addedIn23 interface {
	// GetAllStatesCompositeKeyWithPagination returns one page of all composite keys.
	GetAllStatesCompositeKeyWithPagination(pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *peer.QueryResponseMetadata, error)
}

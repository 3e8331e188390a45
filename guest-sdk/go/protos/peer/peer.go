// Package peer provides the messages of Fabric's peer that chaincodes use, as plain values.
package peer

import "google.golang.org/protobuf/types/known/timestamppb"

// Response is the answer of a chaincode. A status below 400 is endorsed.
type Response struct {
	Status  int32  `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Payload []byte `json:"payload,omitempty"`
}

// String returns the fields in protobuf's text format.
func (x *Response) String() string { return timestamppb.TextOf(x) }

// GetStatus returns the status; 0 for nil.
func (x *Response) GetStatus() int32 {
	if x == nil {
		return 0
	}
	return x.Status
}

// GetMessage returns the message; empty for nil.
func (x *Response) GetMessage() string {
	if x == nil {
		return ""
	}
	return x.Message
}

// GetPayload returns the payload; nil for nil.
func (x *Response) GetPayload() []byte {
	if x == nil {
		return nil
	}
	return x.Payload
}

// SignedProposal is a serialized Proposal with its creator's signature.
type SignedProposal struct {
	ProposalBytes []byte `json:"proposal_bytes,omitempty"`
	Signature     []byte `json:"signature,omitempty"`
}

// String returns the fields in protobuf's text format.
func (x *SignedProposal) String() string { return timestamppb.TextOf(x) }

// GetProposalBytes returns the proposal; nil for nil.
func (x *SignedProposal) GetProposalBytes() []byte {
	if x == nil {
		return nil
	}
	return x.ProposalBytes
}

// GetSignature returns the signature; nil for nil.
func (x *SignedProposal) GetSignature() []byte {
	if x == nil {
		return nil
	}
	return x.Signature
}

// QueryResponseMetadata has the number of rows in a page and the bookmark of the next page.
type QueryResponseMetadata struct {
	FetchedRecordsCount int32  `json:"fetched_records_count,omitempty"`
	Bookmark            string `json:"bookmark,omitempty"`
}

// String returns the fields in protobuf's text format.
func (x *QueryResponseMetadata) String() string { return timestamppb.TextOf(x) }

// GetFetchedRecordsCount returns the count; 0 for nil.
func (x *QueryResponseMetadata) GetFetchedRecordsCount() int32 {
	if x == nil {
		return 0
	}
	return x.FetchedRecordsCount
}

// GetBookmark returns the bookmark; empty for nil.
func (x *QueryResponseMetadata) GetBookmark() string {
	if x == nil {
		return ""
	}
	return x.Bookmark
}

// ChaincodeEvent is the event of a transaction.
type ChaincodeEvent struct {
	ChaincodeId string `json:"chaincode_id,omitempty"`
	TxId        string `json:"tx_id,omitempty"`
	EventName   string `json:"event_name,omitempty"`
	Payload     []byte `json:"payload,omitempty"`
}

// String returns the fields in protobuf's text format.
func (x *ChaincodeEvent) String() string { return timestamppb.TextOf(x) }

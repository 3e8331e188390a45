// Package queryresult provides the rows of queries as plain values.
package queryresult

import "google.golang.org/protobuf/types/known/timestamppb"

// KV is a row of a range or of a rich query.
type KV struct {
	Namespace string `json:"namespace,omitempty"`
	Key       string `json:"key,omitempty"`
	Value     []byte `json:"value,omitempty"`
}

// String returns the fields in protobuf's text format.
func (x *KV) String() string { return timestamppb.TextOf(x) }

// GetNamespace returns the namespace; empty for nil.
func (x *KV) GetNamespace() string {
	if x == nil {
		return ""
	}
	return x.Namespace
}

// GetKey returns the key; empty for nil.
func (x *KV) GetKey() string {
	if x == nil {
		return ""
	}
	return x.Key
}

// GetValue returns the value; nil for nil.
func (x *KV) GetValue() []byte {
	if x == nil {
		return nil
	}
	return x.Value
}

// KeyModification is one change of a key.
type KeyModification struct {
	TxId      string                 `json:"tx_id,omitempty"`
	Value     []byte                 `json:"value,omitempty"`
	Timestamp *timestamppb.Timestamp `json:"timestamp,omitempty"`
	IsDelete  bool                   `json:"is_delete,omitempty"`
}

// String returns the fields in protobuf's text format.
func (x *KeyModification) String() string { return timestamppb.TextOf(x) }

// GetTxId returns the transaction's id; empty for nil.
func (x *KeyModification) GetTxId() string {
	if x == nil {
		return ""
	}
	return x.TxId
}

// GetValue returns the value; nil for nil and for a deletion.
func (x *KeyModification) GetValue() []byte {
	if x == nil {
		return nil
	}
	return x.Value
}

// GetTimestamp returns the client's time; nil for nil.
func (x *KeyModification) GetTimestamp() *timestamppb.Timestamp {
	if x == nil {
		return nil
	}
	return x.Timestamp
}

// GetIsDelete reports whether the key was deleted.
func (x *KeyModification) GetIsDelete() bool { return x != nil && x.IsDelete }

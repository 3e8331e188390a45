// Package msp provides the messages of Fabric's identities that chaincodes use, as plain values.
package msp

import (
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// SerializedIdentity is the signer of a proposal.
type SerializedIdentity struct {
	Mspid   string `json:"mspid,omitempty"`
	IdBytes []byte `json:"id_bytes,omitempty"`
}

// String returns the fields in protobuf's text format.
func (x *SerializedIdentity) String() string { return timestamppb.TextOf(x) }

// GetMspid returns the organization; empty for nil.
func (x *SerializedIdentity) GetMspid() string {
	if x == nil {
		return ""
	}
	return x.Mspid
}

// GetIdBytes returns the certificate; nil for nil.
func (x *SerializedIdentity) GetIdBytes() []byte {
	if x == nil {
		return nil
	}
	return x.IdBytes
}

// MSPRole_MSPRoleType is the role of an identity in its organization.
type MSPRole_MSPRoleType int32

// The roles.
const (
	MSPRole_MEMBER  MSPRole_MSPRoleType = 0
	MSPRole_ADMIN   MSPRole_MSPRoleType = 1
	MSPRole_CLIENT  MSPRole_MSPRoleType = 2
	MSPRole_PEER    MSPRole_MSPRoleType = 3
	MSPRole_ORDERER MSPRole_MSPRoleType = 4
)

// String returns the name of the role.
func (x MSPRole_MSPRoleType) String() string {
	names := [...]string{"MEMBER", "ADMIN", "CLIENT", "PEER", "ORDERER"}
	if x < 0 || int(x) >= len(names) {
		return strconv.Itoa(int(x))
	}
	return names[x]
}

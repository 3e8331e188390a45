// Package statebased makes endorsement policies of single keys that require several organizations.
package statebased

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// RoleType is the role of an endorser in its organization.
type RoleType string

const (
	// RoleTypeMember is any member of the organization.
	RoleTypeMember = RoleType("MEMBER")
	// RoleTypePeer is a peer of the organization.
	RoleTypePeer = RoleType("PEER")
)

// RoleTypeDoesNotExistError is the error of AddOrgs for an unknown role.
type RoleTypeDoesNotExistError struct {
	RoleType RoleType
}

func (r *RoleTypeDoesNotExistError) Error() string {
	return fmt.Sprintf("role type %s does not exist", r.RoleType)
}

// KeyEndorsementPolicy requires an endorsement of each of its organizations.
type KeyEndorsementPolicy interface {
	// Policy returns a serialized common.SignaturePolicyEnvelope.
	Policy() ([]byte, error)
	// AddOrgs adds organizations, whose endorsers must have the role.
	AddOrgs(roleType RoleType, organizations ...string) error
	// DelOrgs removes organizations.
	DelOrgs(organizations ...string)
	// ListOrgs returns the organizations.
	ListOrgs() []string
}

// The numbers of the roles in msp.MSPRole.
const (
	member = 0
	peer   = 3
)

type keyPolicy struct {
	roles map[string]uint64
}

// NewStateEP parses a policy; nil returns an empty one.
func NewStateEP(policy []byte) (KeyEndorsementPolicy, error) {
	p := &keyPolicy{roles: map[string]uint64{}}
	fields, err := fieldsOf(policy)
	if err != nil {
		return nil, fmt.Errorf("Error unmarshaling to SignaturePolicy: %s", err)
	}
	for _, field := range fields {
		if field.Number == 3 {
			if err := p.read(field.Bytes); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// Reads an msp.MSPPrincipal; principals other than roles (0) are ignored.
func (p *keyPolicy) read(principal []byte) error {
	fields, err := fieldsOf(principal)
	if err != nil {
		return fmt.Errorf("Error unmarshaling to SignaturePolicy: %s", err)
	}
	var role []byte
	for _, field := range fields {
		switch field.Number {
		case 1:
			if field.Varint != 0 {
				return nil
			}
		case 2:
			role = field.Bytes
		}
	}
	fields, err = fieldsOf(role)
	if err != nil {
		return fmt.Errorf("error unmarshaling msp principal: %s", err)
	}
	organization, number := "", uint64(member)
	for _, field := range fields {
		switch field.Number {
		case 1:
			organization = string(field.Bytes)
		case 2:
			number = field.Varint
		}
	}
	p.roles[organization] = number
	return nil
}

func (p *keyPolicy) AddOrgs(roleType RoleType, organizations ...string) error {
	numbers := map[RoleType]uint64{RoleTypeMember: member, RoleTypePeer: peer}
	number, known := numbers[roleType]
	if !known {
		return &RoleTypeDoesNotExistError{RoleType: roleType}
	}
	for _, organization := range organizations {
		p.roles[organization] = number
	}
	return nil
}

func (p *keyPolicy) DelOrgs(organizations ...string) {
	for _, organization := range organizations {
		delete(p.roles, organization)
	}
}

// ListOrgs returns the organizations in a fixed order, which is the same on every endorser.
func (p *keyPolicy) ListOrgs() []string {
	organizations := make([]string, 0, len(p.roles))
	for organization := range p.roles {
		organizations = append(organizations, organization)
	}
	slices.Sort(organizations)
	return organizations
}

// Policy encodes the rule "all of the identities" and the identities.
func (p *keyPolicy) Policy() ([]byte, error) {
	organizations := p.ListOrgs()
	all := appendNumber(nil, 1, uint64(len(organizations)))
	var identities []byte
	for i, organization := range organizations {
		// A oneof field is written even if it is 0.
		signedBy := binary.AppendUvarint([]byte{1 << 3}, uint64(i))
		all = appendBytes(all, 2, signedBy)

		var role []byte
		if organization != "" {
			role = appendBytes(nil, 1, []byte(organization))
		}
		role = appendNumber(role, 2, p.roles[organization])
		var principal []byte
		if len(role) > 0 {
			principal = appendBytes(nil, 2, role)
		}
		identities = appendBytes(identities, 3, principal)
	}
	rule := appendBytes(nil, 2, all)
	return append(appendBytes(nil, 2, rule), identities...), nil
}

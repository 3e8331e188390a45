// Package cid identifies the submitter of a transaction.
package cid

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"
)

// ChaincodeStubInterface is the part of the stub with the identity.
type ChaincodeStubInterface interface {
	// GetCreator returns a serialized msp.SerializedIdentity.
	GetCreator() ([]byte, error)
}

// ClientIdentity is the submitter of a transaction.
type ClientIdentity interface {
	// GetID returns an id that is unique within the organization.
	GetID() (string, error)
	// GetMSPID returns the organization.
	GetMSPID() (string, error)
	// GetAttributeValue returns an attribute of the certificate, and whether it exists.
	GetAttributeValue(attrName string) (value string, found bool, err error)
	// AssertAttributeValue returns an error unless the attribute has this value.
	AssertAttributeValue(attrName, attrValue string) error
	// GetX509Certificate returns the certificate; nil for an idemix identity.
	GetX509Certificate() (*x509.Certificate, error)
}

// ClientID is the identity of one transaction's creator.
type ClientID struct {
	mspID string
	cert  *x509.Certificate
	attrs *attrmgr.Attributes
}

// New reads the identity of a transaction's creator.
func New(stub ChaincodeStubInterface) (*ClientID, error) {
	creator, err := stub.GetCreator()
	if err != nil || creator == nil {
		return nil, fmt.Errorf("failed to get transaction invoker's identity from the chaincode stub: %w", err)
	}
	fields, err := attrmgr.Fields(creator)
	if err != nil {
		return nil, fmt.Errorf("failed to unmarshal transaction invoker's identity: %w", err)
	}
	client := &ClientID{}
	var idBytes []byte
	for _, field := range fields {
		switch field.Number {
		case 1:
			client.mspID = string(field.Bytes)
		case 2:
			idBytes = field.Bytes
		}
	}
	if block, _ := pem.Decode(idBytes); block != nil {
		if err := client.readCertificate(block.Bytes); err != nil {
			return nil, err
		}
		return client, nil
	}
	if client.attrs, err = attrmgr.New().GetAttributesFromIdemix(creator); err != nil {
		return nil, fmt.Errorf("identity bytes are neither X509 PEM format nor an idemix credential: "+
			"failed to get attributes from the transaction invoker's idemix credential: %w", err)
	}
	return client, nil
}

func (c *ClientID) readCertificate(der []byte) (err error) {
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("failed to parse certificate: %s", err)
	}
	if c.attrs, err = attrmgr.New().GetAttributesFromCert(c.cert); err != nil {
		return fmt.Errorf("failed to get attributes from the transaction invoker's certificate: %s", err)
	}
	return nil
}

// GetID returns an id that is unique within the organization.
func (c *ClientID) GetID() (string, error) {
	if c.cert == nil {
		return "", errors.New("cannot determine identity")
	}
	id := "x509::" + distinguishedName(&c.cert.Subject) + "::" + distinguishedName(&c.cert.Issuer)
	return base64.StdEncoding.EncodeToString([]byte(id)), nil
}

// GetMSPID returns the organization.
func (c *ClientID) GetMSPID() (string, error) { return c.mspID, nil }

// GetAttributeValue returns an attribute of the certificate, and whether it exists.
func (c *ClientID) GetAttributeValue(attrName string) (value string, found bool, err error) {
	if c.attrs == nil {
		return "", false, nil
	}
	return c.attrs.Value(attrName)
}

// AssertAttributeValue returns an error unless the attribute has this value.
func (c *ClientID) AssertAttributeValue(attrName, attrValue string) error {
	switch value, found, err := c.GetAttributeValue(attrName); {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("attribute '%s' was not found", attrName)
	case value != attrValue:
		return fmt.Errorf("attribute '%s' equals '%s', not '%s'", attrName, value, attrValue)
	}
	return nil
}

// HasOUValue reports whether the certificate has this organizational unit.
func (c *ClientID) HasOUValue(OUValue string) (bool, error) {
	if c.cert == nil {
		return false, errors.New("cannot obtain an X509 certificate for the identity")
	}
	return slices.Contains(c.cert.Subject.OrganizationalUnit, OUValue), nil
}

// GetX509Certificate returns the certificate; nil for an idemix identity.
func (c *ClientID) GetX509Certificate() (*x509.Certificate, error) { return c.cert, nil }

// GetID returns the id of a transaction's creator.
func GetID(stub ChaincodeStubInterface) (string, error) {
	client, err := New(stub)
	if err != nil {
		return "", err
	}
	return client.GetID()
}

// GetMSPID returns the organization of a transaction's creator.
func GetMSPID(stub ChaincodeStubInterface) (string, error) {
	client, err := New(stub)
	if err != nil {
		return "", err
	}
	return client.GetMSPID()
}

// GetAttributeValue returns an attribute of a transaction's creator, and whether it exists.
func GetAttributeValue(stub ChaincodeStubInterface, attrName string) (value string, found bool, err error) {
	client, err := New(stub)
	if err != nil {
		return "", false, err
	}
	return client.GetAttributeValue(attrName)
}

// AssertAttributeValue returns an error unless the creator's attribute has this value.
func AssertAttributeValue(stub ChaincodeStubInterface, attrName, attrValue string) error {
	client, err := New(stub)
	if err != nil {
		return err
	}
	return client.AssertAttributeValue(attrName, attrValue)
}

// HasOUValue reports whether the creator has this organizational unit.
func HasOUValue(stub ChaincodeStubInterface, OUValue string) (bool, error) {
	client, err := New(stub)
	if err != nil {
		return false, err
	}
	return client.HasOUValue(OUValue)
}

// GetX509Certificate returns the creator's certificate; nil for an idemix identity.
func GetX509Certificate(stub ChaincodeStubInterface) (*x509.Certificate, error) {
	client, err := New(stub)
	if err != nil {
		return nil, err
	}
	return client.GetX509Certificate()
}

// Package attrmgr reads and writes the attributes that Fabric's CA puts into certificates.
package attrmgr

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
)

// AttrOIDString is the identifier of the certificate extension with the attributes.
const AttrOIDString = "1.2.3.4.5.6.7.8.1"

// AttrOID is AttrOIDString in its parsed form.
var AttrOID = asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}

// Attribute is a name with a value.
type Attribute interface {
	GetName() string
	GetValue() string
}

// AttributeRequest asks for an attribute.
type AttributeRequest interface {
	GetName() string
	IsRequired() bool
}

// Mgr has the functions of this package.
type Mgr struct{}

// New returns a Mgr.
func New() *Mgr { return &Mgr{} }

// Attributes are the attributes of one identity, by name.
type Attributes struct {
	Attrs map[string]string `json:"attrs"`
}

// ProcessAttributeRequestsForCert adds the requested attributes to a certificate.
func (mgr *Mgr) ProcessAttributeRequestsForCert(requests []AttributeRequest, attributes []Attribute, cert *x509.Certificate) error {
	attrs, err := mgr.ProcessAttributeRequests(requests, attributes)
	if err != nil {
		return err
	}
	return mgr.AddAttributesToCert(attrs, cert)
}

// ProcessAttributeRequests returns the requested attributes.
func (mgr *Mgr) ProcessAttributeRequests(requests []AttributeRequest, attributes []Attribute) (*Attributes, error) {
	values := map[string]string{}
	for _, attribute := range attributes {
		if _, known := values[attribute.GetName()]; !known {
			values[attribute.GetName()] = attribute.GetValue()
		}
	}
	found, missing := map[string]string{}, []string{}
	for _, request := range requests {
		name := request.GetName()
		if value, known := values[name]; known {
			found[name] = value
		} else if request.IsRequired() {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the following required attributes are missing: %+v", missing)
	}
	return &Attributes{Attrs: found}, nil
}

// AddAttributesToCert adds the extension with the attributes to a certificate.
func (mgr *Mgr) AddAttributesToCert(attrs *Attributes, cert *x509.Certificate) error {
	value, err := json.Marshal(attrs)
	if err != nil {
		return fmt.Errorf("failed to marshal attributes: %s", err)
	}
	cert.Extensions = append(cert.Extensions, pkix.Extension{Id: AttrOID, Value: value})
	return nil
}

// GetAttributesFromCert returns the attributes of a certificate; it may have none.
func (mgr *Mgr) GetAttributesFromCert(cert *x509.Certificate) (*Attributes, error) {
	attrs := &Attributes{}
	for _, extension := range cert.Extensions {
		if !extension.Id.Equal(AttrOID) {
			continue
		}
		if err := json.Unmarshal(extension.Value, attrs); err != nil {
			return nil, fmt.Errorf("failed to unmarshal attributes from certificate: %s", err)
		}
		break
	}
	return attrs, nil
}

// The roles of an idemix identity, by their numbers.
var roles = [...]string{"member", "admin", "client", "peer"}

// GetAttributesFromIdemix returns the organizational unit and role of an idemix identity.
func (mgr *Mgr) GetAttributesFromIdemix(creator []byte) (*Attributes, error) {
	if creator == nil {
		return nil, errors.New("creator is nil")
	}
	cannot := func(what string, err error) (*Attributes, error) {
		return nil, fmt.Errorf("failed to unmarshal transaction invoker's %s: %s", what, err)
	}
	serialized, err := Fields(creator)
	if err != nil {
		return cannot("identity", err)
	}
	idemix, err := Fields(bytesOf(serialized, 2))
	if err != nil {
		return cannot("idemix identity", err)
	}
	unit, err := Fields(bytesOf(idemix, 3))
	if err != nil {
		return cannot("ou", err)
	}
	role, err := Fields(bytesOf(idemix, 4))
	if err != nil {
		return cannot("role", err)
	}
	attrs := map[string]string{"ou": string(bytesOf(unit, 2)), "role": ""}
	number := uint64(0)
	for _, field := range role {
		if field.Number == 2 {
			number = field.Varint
		}
	}
	if number < uint64(len(roles)) {
		attrs["role"] = roles[number]
	}
	return &Attributes{Attrs: attrs}, nil
}

// Returns the last field with a number, as protobuf reads a message.
func bytesOf(fields []Field, number int) (value []byte) {
	for _, field := range fields {
		if field.Number == number {
			value = field.Bytes
		}
	}
	return value
}

// Names returns the names in any order.
func (a *Attributes) Names() []string {
	names := make([]string, 0, len(a.Attrs))
	for name := range a.Attrs {
		names = append(names, name)
	}
	return names
}

// Contains reports whether an attribute has the name.
func (a *Attributes) Contains(name string) bool {
	_, found := a.Attrs[name]
	return found
}

// Value returns the attribute's value, and whether the attribute exists.
func (a *Attributes) Value(name string) (string, bool, error) {
	value, found := a.Attrs[name]
	return value, found, nil
}

// True returns an error unless the attribute's value is "true".
func (a *Attributes) True(name string) error {
	switch value, found := a.Attrs[name]; {
	case !found:
		return fmt.Errorf("Attribute '%s' was not found", name)
	case value != "true":
		return fmt.Errorf("Attribute '%s' is not true", name)
	}
	return nil
}

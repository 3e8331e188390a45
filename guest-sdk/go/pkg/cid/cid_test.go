package cid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"
)

type stub []byte

func (s stub) GetCreator() ([]byte, error) { return s, nil }

// Returns a client whose certificate has these attributes.
func creator(t *testing.T, attributes string) stub {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name := pkix.Name{
		CommonName: " Ann, of #1 ", OrganizationalUnit: []string{"client"}, Organization: []string{"Org1"},
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: name}
	if attributes != "" {
		extension := pkix.Extension{Id: attrmgr.AttrOID, Value: []byte(attributes)}
		template.ExtraExtensions = []pkix.Extension{extension}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	identity := append([]byte{0x0a, 7}, "Org1MSP"...)
	length := len(certificate)
	identity = append(identity, 0x12, byte(length)|0x80, byte(length>>7))
	return append(identity, certificate...)
}

func TestAnIdentityIsThatOfTheCertificate(t *testing.T) {
	client, err := New(creator(t, `{"attrs":{"role":"buyer"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := client.GetMSPID(); id != "Org1MSP" {
		t.Error(id)
	}
	id, _ := client.GetID()
	text, _ := base64.StdEncoding.DecodeString(id)
	want := `CN=\ Ann\, of #1\ ,OU=client,O=Org1`
	if string(text) != "x509::"+want+"::"+want {
		t.Errorf("%s", text)
	}
	if value, found, _ := client.GetAttributeValue("role"); !found || value != "buyer" {
		t.Error(value, found)
	}
	for value, want := range map[string]string{
		"buyer": "", "seller": "attribute 'role' equals 'buyer', not 'seller'",
	} {
		if err := client.AssertAttributeValue("role", value); (err == nil) != (want == "") ||
			err != nil && err.Error() != want {
			t.Error(err)
		}
	}
	if err := client.AssertAttributeValue("none", "x"); err.Error() != "attribute 'none' was not found" {
		t.Error(err)
	}
	if has, _ := client.HasOUValue("client"); !has {
		t.Error("it has the unit")
	}
}

func TestWhatIsNoIdentityIsRefused(t *testing.T) {
	for _, bad := range []stub{nil, {0xff}, {0x0a, 200}, {0x0a, 1, 'x', 0x12, 1, 'y'}} {
		if _, err := New(bad); err == nil {
			t.Errorf("%x", []byte(bad))
		}
	}
	if _, err := New(creator(t, "{")); err == nil {
		t.Error("the attributes are no JSON")
	}
}

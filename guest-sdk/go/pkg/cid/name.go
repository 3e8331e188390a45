package cid

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
)

// The short names of RFC 2253. All others are written by number.
var shortNames = map[string]string{
	"2.5.4.3":  "CN",
	"2.5.4.5":  "SERIALNUMBER",
	"2.5.4.6":  "C",
	"2.5.4.7":  "L",
	"2.5.4.8":  "ST",
	"2.5.4.9":  "STREET",
	"2.5.4.10": "O",
	"2.5.4.11": "OU",
	"2.5.4.17": "POSTALCODE",
}

// Returns a name as Fabric writes it into an id: RFC 2253, the last part first.
func distinguishedName(name *pkix.Name) string {
	sequence := name.ToRDNSequence()
	parts := make([]string, 0, len(sequence))
	for i := len(sequence) - 1; i >= 0; i-- {
		attributes := make([]string, 0, len(sequence[i]))
		for _, attribute := range sequence[i] {
			attributes = append(attributes, written(attribute))
		}
		parts = append(parts, strings.Join(attributes, "+"))
	}
	return strings.Join(parts, ",")
}

func written(attribute pkix.AttributeTypeAndValue) string {
	oid := attribute.Type.String()
	name, known := shortNames[oid]
	if !known {
		if der, err := asn1.Marshal(attribute.Value); err == nil {
			return oid + "=#" + hex.EncodeToString(der)
		}
		name = oid
	}
	return name + "=" + escaped(fmt.Sprint(attribute.Value))
}

func escaped(value string) string {
	var text strings.Builder
	for i, character := range value {
		first, last := i == 0, i == len(value)-1
		if strings.ContainsRune(`,+"\<>;`, character) ||
			character == ' ' && (first || last) || character == '#' && first {
			text.WriteByte('\\')
		}
		text.WriteRune(character)
	}
	return text.String()
}

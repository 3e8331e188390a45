//! Tests of client identities: ids, names and attributes of certificates, and damaged bytes.

use super::*;
use crate::testing::certificate;

/// Made by OpenSSL, with attributes as fabric-ca writes them.
const BY_OPENSSL: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIICwzCCAmmgAwIBAgIUQjE5+W6dgIHMvdFse/fxNL3iJbowCgYIKoZIzj0EAwIw\n\
czELMAkGA1UEBhMCVVMxEzARBgNVBAgMCkNhbGlmb3JuaWExFjAUBgNVBAcMDVNh\n\
biBGcmFuY2lzY28xGTAXBgNVBAoMEG9yZzEuZXhhbXBsZS5jb20xHDAaBgNVBAMM\n\
E2NhLm9yZzEuZXhhbXBsZS5jb20wHhcNMjYxMTI4MjAzNjMwWhcNMzYxMTI1MjAz\n\
NjMwWjCBmzELMAkGA1UEBhMCVVMxFzAVBgNVBAgMDk5vcnRoIENhcm9saW5hMRQw\n\
EgYDVQQKDAtIeXBlcmxlZGdlcjEPMA0GA1UECwwGY2xpZW50MRkwFwYDVQQLDBBk\n\
ZXBhcnRtZW50MSwgImIiMRMwEQYDVQQDDAojYWxpY2UrYm9iMRwwGgYJKoZIhvcN\n\
AQkBFg1hQGV4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEz2nQ\n\
DhCdtFrydVwmDEn51eiCw0qdjL+mb3qs2S4G/ylQcHaxYyLY/P9dCJv0gVlh9rLr\n\
q6TVq9d//0JN1WdKN6OBsTCBrjAMBgNVHRMBAf8EAjAAMA8GA1UdEQQIMAaCBGhv\n\
c3QwTQYIKgMEBQYHCAEEQXsiYXR0cnMiOnsiaGYuQWZmaWxpYXRpb24iOiJvcmcx\n\
LmRlcGFydGVtZW50MSIsInJvbGUiOiJhdWRpdG9yIn19MB0GA1UdDgQWBBTL0+Wc\n\
mm1pkQPPjOsInypiQlFmMDAfBgNVHSMEGDAWgBRAC4v66KzCBApE3O9/6fILDXPu\n\
jzAKBggqhkjOPQQDAgNIADBFAiEA6BBg4YrYJuMtTklf9W3HB9DJLh35dJ83u6NJ\n\
+46IcgwCIByjYjG8OjXyoMNd3I1D09q4e1fw4h/jaUWC99oCJbEX\n\
-----END CERTIFICATE-----\n\
";

const UTF8: u8 = 0x0c;

fn client(certificate: &str) -> ClientIdentity {
    ClientIdentity { msp_id: "Org1MSP".to_owned(), certificate: certificate.to_owned() }
}

fn subject(parts: &[certificate::NamePart<'_>]) -> Result<String> {
    client(&certificate::pem(&[], parts, None)).subject()
}

#[test]
fn organization_and_certificate_come_from_the_creator() {
    let certificate = "-".repeat(300);
    let mut creator = b"\x0a\x07Org1MSP\x12\xac\x02".to_vec();
    creator.extend(certificate.as_bytes());
    let identity = ClientIdentity::parse(&creator).unwrap();
    assert_eq!(identity.msp_id(), "Org1MSP");
    assert_eq!(identity.certificate(), certificate);
}

#[test]
fn a_broken_creator_is_an_error() {
    let broken: [&[u8]; 5] = [
        b"\x0a",
        b"\x0a\x07Org1",
        b"\x08\x01",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x0a\x01\xff",
    ];
    for creator in broken {
        assert!(ClientIdentity::parse(creator).is_err(), "{creator:?}");
    }
}

#[test]
fn an_id_is_the_one_of_fabrics_library() {
    let client = client(BY_OPENSSL);
    // Go omits the e-mail address and joins units with a plus.
    let subject = "CN=\\#alice\\+bob,OU=client+OU=department1\\, \\\"b\\\",O=Hyperledger,\
                   ST=North Carolina,C=US";
    let issuer = "CN=ca.org1.example.com,O=org1.example.com,L=San Francisco,ST=California,C=US";
    assert_eq!(client.subject().unwrap(), subject);
    assert_eq!(client.issuer().unwrap(), issuer);
    let id = base64::decode(&client.id().unwrap()).unwrap();
    assert_eq!(String::from_utf8(id).unwrap(), format!("x509::{subject}::{issuer}"));
    assert_eq!(client.common_name().unwrap().as_deref(), Some("#alice+bob"));
    assert_eq!(client.organizational_units().unwrap(), ["client", "department1, \"b\""]);
    assert!(client.has_organizational_unit("client").unwrap());
    assert!(!client.has_organizational_unit("Client").unwrap());
}

#[test]
fn names_are_written_in_the_order_and_with_the_escapes_of_go() {
    // The examples of Go's own test of pkix.Name.
    let all: [certificate::NamePart<'_>; 9] = [
        (3, 0x13, b"Steve Kille"),
        (10, UTF8, b"Isode Limited"),
        (11, 0x16, b"RFCs"),
        (7, UTF8, b"Richmond"),
        (8, 0x14, b"Surrey"),
        (9, UTF8, b"The Square"),
        (17, 0x13, b"TW9 1DT"),
        (5, UTF8, b"RFC 2253"),
        (6, 0x13, b"GB"),
    ];
    let expected = "SERIALNUMBER=RFC 2253,CN=Steve Kille,OU=RFCs,O=Isode Limited,\
                    POSTALCODE=TW9 1DT,STREET=The Square,L=Richmond,ST=Surrey,C=GB";
    assert_eq!(subject(&all).unwrap(), expected);
    let named = |tag, bytes: &[u8]| subject(&[(3, tag, bytes)]);
    assert_eq!(named(UTF8, b"  a# ").unwrap(), "CN=\\  a#\\ ");
    assert_eq!(named(UTF8, b" ").unwrap(), "CN=\\ ");
    assert_eq!(named(UTF8, b"a<b>;c\\").unwrap(), "CN=a\\<b\\>\\;c\\\\");
    assert_eq!(named(UTF8, "é ".as_bytes()).unwrap(), "CN=é\\ ");
    assert_eq!(named(0x14, b"\xe9").unwrap(), "CN=é");
    assert_eq!(named(0x1e, b"\x00a\x20\xac\x00\x00").unwrap(), "CN=a€");
    // The last common name counts; an empty one means that there is none.
    assert_eq!(subject(&[(3, UTF8, b"a"), (3, UTF8, b"b"), (13, UTF8, b"x")]).unwrap(), "CN=b");
    assert_eq!(subject(&[(10, UTF8, b""), (3, UTF8, b"")]).unwrap(), "O=");
    assert_eq!(subject(&[]).unwrap(), "");
    for (tag, bytes) in [
        (UTF8, b"\xff".as_slice()),
        (0x12, b"a"),
        (0x13, b"a@b"),
        (0x16, b"\x80"),
        (0x1e, b"a"),
        (0x02, b"1"),
    ] {
        assert!(named(tag, bytes).is_err(), "{tag} {bytes:?}");
    }
}

#[test]
fn attributes_are_those_that_the_authority_wrote() {
    let auditor = client(BY_OPENSSL);
    assert_eq!(auditor.attribute("role").unwrap().as_deref(), Some("auditor"));
    let affiliation = auditor.attribute("hf.Affiliation").unwrap();
    assert_eq!(affiliation.as_deref(), Some("org1.departement1"));
    assert_eq!(auditor.attribute("Role").unwrap(), None);
    assert!(auditor.assert_attribute("role", "auditor").is_ok());
    let refused = |name: &str| {
        let error = auditor.assert_attribute(name, "admin").unwrap_err();
        (error.status(), error.message().to_owned())
    };
    let expected = "attribute 'role' equals 'auditor', not 'admin'";
    assert_eq!(refused("role"), (403, expected.to_owned()));
    assert_eq!(refused("rank"), (403, "attribute 'rank' was not found".to_owned()));
    let with = |json: Option<&[u8]>| client(&certificate::pem(&[], &[], json)).attribute("a");
    assert_eq!(with(None).unwrap(), None);
    assert_eq!(with(Some(b"{}")).unwrap(), None);
    assert_eq!(with(Some(br#"{"attrs":null,"b":1}"#)).unwrap(), None);
    assert_eq!(with(Some(br#"{"attrs":{"a":"1"}}"#)).unwrap().as_deref(), Some("1"));
    for broken in [b"".as_slice(), b"[]", br#"{"attrs":{"a":1}}"#, b"\xff"] {
        assert!(with(Some(broken)).is_err(), "{broken:?}");
    }
}

#[test]
fn what_is_not_a_certificate_is_an_error() {
    let key = BY_OPENSSL.replace("BEGIN", "START");
    let cut = &BY_OPENSSL[..BY_OPENSSL.len() / 2];
    for text in ["", "certificate", "-----BEGIN X-----\nZm9v\n-----END X-----\n", &key, cut] {
        assert!(client(text).id().is_err(), "{text}");
        assert!(client(text).attribute("a").is_err(), "{text}");
    }
}

#[test]
fn damaged_certificates_never_panic() {
    let body = BY_OPENSSL.split("-----").nth(2).unwrap();
    let der = base64::decode(body).unwrap();
    let ask = |der: &[u8]| {
        let pem = format!("-----BEGIN C-----\n{}\n-----END C-----\n", base64::encode(der));
        let client = client(&pem);
        let _ = client.attribute("role");
        client.id().is_ok()
    };
    assert!(ask(&der));
    for length in 0..der.len() {
        assert!(!ask(&der[..length]), "{length}");
    }
    let mut seed = 1u64;
    for index in 0..der.len() {
        for byte in [0x00, 0x80, 0x81, 0xff, der[index].wrapping_add(1)] {
            let mut damaged = der.clone();
            damaged[index] = byte;
            ask(&damaged);
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            damaged[(seed >> 33) as usize % der.len()] ^= (seed >> 24) as u8;
            ask(&damaged);
        }
    }
    ask(&[der, vec![0]].concat());
}

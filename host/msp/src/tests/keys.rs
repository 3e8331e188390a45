//! Tests all kinds of keys that Fabric's peers accept.

use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
    PKCS_RSA_SHA256, PKCS_RSA_SHA384, PKCS_RSA_SHA512, SignatureAlgorithm,
};

use crate::signature::twin_of;
use crate::tests::authorities::{ca_params, member_params};
use crate::{Msp, MspError, SignatureFault, SigningIdentity};
use wasmcc_types::proto::msp::FabricMspConfig;

const CURVES: [&SignatureAlgorithm; 3] =
    [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ECDSA_P521_SHA512];
const RSA: [&SignatureAlgorithm; 3] = [&PKCS_RSA_SHA256, &PKCS_RSA_SHA384, &PKCS_RSA_SHA512];

/// An organization whose root has one kind of key, and an admin with another kind.
fn org(ca: &'static SignatureAlgorithm, member: KeyPair) -> (FabricMspConfig, String, KeyPair) {
    let ca_key = KeyPair::generate_for(ca).unwrap();
    let params = ca_params("ca");
    let root = params.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let certificate = member_params("member", &[]).signed_by(&member, &issuer).unwrap().pem();
    let config = FabricMspConfig {
        name: "OrgMSP".to_owned(),
        root_certs: vec![root.into_bytes()],
        admins: vec![certificate.clone().into_bytes()],
        ..Default::default()
    };
    (config, certificate, member)
}

#[test]
fn members_sign_with_every_curve_under_cas_of_every_kind() {
    for ca in CURVES.into_iter().chain(RSA) {
        for curve in CURVES {
            let (config, certificate, key) = org(ca, KeyPair::generate_for(curve).unwrap());
            let msp = Msp::from_config(&config).unwrap();
            let key = key.serialize_pem();
            let signer =
                SigningIdentity::from_pem("OrgMSP", certificate.as_bytes(), key.as_bytes());
            let signer = signer.unwrap();
            let identity = msp.deserialize(signer.serialized()).unwrap();
            for message in 0..20_u8 {
                let signature = signer.sign(&[message]);
                identity.verify(&[message], &signature).unwrap();
                assert!(identity.verify(&[message, 0], &signature).is_err());
                let high = identity.verify(&[message], &twin_of(&signature));
                assert!(matches!(high, Err(MspError::Signature(SignatureFault::HighS))));
            }
        }
    }
}

#[test]
fn members_with_rsa_keys_are_refused_by_name() {
    let (config, ..) = org(&PKCS_ECDSA_P256_SHA256, KeyPair::generate_for(RSA[0]).unwrap());
    let error = Msp::from_config(&config).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    let expected = "the certificate of 'CN=member' has an RSA key, but members sign with ECDSA";
    assert_eq!(cause, expected);
}

#[test]
fn a_ca_of_another_kind_did_not_sign_it() {
    for other in [&PKCS_ECDSA_P384_SHA384, &PKCS_RSA_SHA256] {
        let (config, certificate, _) = org(CURVES[0], KeyPair::generate_for(CURVES[0]).unwrap());
        let (foreign, ..) = org(other, KeyPair::generate_for(CURVES[0]).unwrap());
        let msp = Msp::from_config(&FabricMspConfig { admins: foreign.admins.clone(), ..foreign });
        assert!(msp.unwrap().identity(certificate.as_bytes()).is_err());
        assert!(Msp::from_config(&config).unwrap().identity(certificate.as_bytes()).is_ok());
    }
}

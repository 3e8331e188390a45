//! Tests the text form with the cases of Fabric's common/policydsl/policyparser_test.go.

use proptest::prelude::*;

use crate::policy::signature_policy::{n_out_of, signed_by};
use crate::policy::{PolicyError, SignaturePolicy};
use wasmcc_types::proto::common::SignaturePolicy as Rule;

use super::parse;

fn column(text: &str) -> usize {
    match parse(text) {
        Err(PolicyError::Syntax { column, .. }) => column,
        other => panic!("{text} gives {other:?}"),
    }
}

fn shown(text: &str) -> String {
    SignaturePolicy::from_text(text).unwrap().to_string()
}

#[test]
fn gates_become_n_out_of() {
    let both = || vec![signed_by(0), signed_by(1)];
    let cases: [(&str, Rule); 9] = [
        ("OutOf(1, 'A.member', 'B.member')", n_out_of(1, both())),
        ("OutOf(2, 'A.member', 'B.member')", n_out_of(2, both())),
        ("outof('1', 'A.member', 'B.member')", n_out_of(1, both())),
        ("AND('A.client', 'B.peer')", n_out_of(2, both())),
        ("or(\"A.admin\",\"B.orderer\")", n_out_of(1, both())),
        ("OutOf(0, 'A.member', 'B.member')", n_out_of(0, both())),
        ("OutOf(3, 'A.member', 'B.member')", n_out_of(3, both())),
        ("And('A.member')", n_out_of(1, vec![signed_by(0)])),
        (" OUTOF ( 1 ,\n'A.member' ) ", n_out_of(1, vec![signed_by(0)])),
    ];
    for (text, rule) in cases {
        assert_eq!(parse(text).unwrap().rule, Some(rule), "{text}");
    }
}

#[test]
fn parentheses_group_principals_and_gates() {
    for (text, plain) in [
        ("(OR('A.member','B.member'))", "OR('A.member', 'B.member')"),
        (" ( ( AND('A.member') ) ) ", "AND('A.member')"),
        ("OR(('A.member'),'B.member')", "OR('A.member', 'B.member')"),
        (
            "OR((('A.member')),(AND('B.member','C.peer')))",
            "OR('A.member', AND('B.member', 'C.peer'))",
        ),
    ] {
        assert_eq!(parse(text).unwrap(), parse(plain).unwrap(), "{text}");
    }
}

#[test]
fn principals_of_inner_gates_are_numbered_first() {
    let envelope = parse("OR('A.member', AND('B.member', 'C.member'))").unwrap();
    let inner = n_out_of(2, vec![signed_by(0), signed_by(1)]);
    assert_eq!(envelope.rule, Some(n_out_of(1, vec![signed_by(2), inner])));
    let names: Vec<_> = envelope.identities.iter().map(|id| id.principal.as_slice()).collect();
    assert_eq!(names, [b"\n\x01B", b"\n\x01C", b"\n\x01A"]);

    let envelope = parse("OR(AND('A.member', 'B.member'), OR('C.admin', 'D.member'))").unwrap();
    let left = n_out_of(2, vec![signed_by(0), signed_by(1)]);
    let right = n_out_of(1, vec![signed_by(2), signed_by(3)]);
    assert_eq!(envelope.rule, Some(n_out_of(1, vec![left, right])));
}

#[test]
fn msp_ids_may_have_dots_and_dashes() {
    let text = "OR('MSP.member', 'MSP.WITH.DOTS.member', 'MSP-WITH-DASHES.member')";
    assert_eq!(shown(text), text);
}

#[test]
fn text_reads_back() {
    for text in [
        "OR('Org1MSP.member', AND('Org2MSP.peer', 'Org3MSP.admin'))",
        "OutOf(2, 'A.client', 'B.orderer', 'C.member')",
        "AND('A.member', OutOf(3, 'B.member', 'C.member'))",
        "OutOf(0, 'A.member')",
    ] {
        let envelope = parse(text).unwrap();
        assert_eq!(shown(text), text);
        assert_eq!(parse(&shown(text)).unwrap(), envelope);
    }
}

#[test]
fn errors_point_at_the_place() {
    let cases = [
        ("", 1),
        ("'A.member'", 1),
        ("OR", 3),
        ("OR()", 4),
        ("OR('A.member'", 14),
        ("OR('A.member',)", 15),
        ("OR('A.member', Bmember)", 16),
        ("OR('A.member', 'Bmember')", 16),
        ("OR('A.member', 'B.owner')", 16),
        ("OR('A.member' 'B.member')", 15),
        ("OR('A_B.member')", 4),
        ("OR('A.member", 4),
        ("OR('é.member')", 4),
        ("OR('A.member') x", 16),
        ("NOT('A.member')", 1),
        ("OutOf(1)", 1),
        ("OutOf(true, 'A.member')", 7),
        ("OutOf(-1, 'A.member')", 7),
        ("OutOf(1, 2)", 10),
        ("OutOf(4, 'A.member', 'B.member')", 1),
        ("AND('A.member', OutOf(9, 'B.member'))", 17),
        ("OutOf(99999999999999999999, 'A.member')", 7),
        ("('A.member')", 2),
        ("(OR('A.member')", 16),
        ("OR('A.member'))", 15),
        ("OR(('A.member', 'B.member'))", 15),
    ];
    for (text, expected) in cases {
        assert_eq!(column(text), expected, "{text}");
    }
}

#[test]
fn deep_and_long_policies_are_refused() {
    let deep = |levels: usize| format!("{}'A.member'{}", "OR(".repeat(levels), ")".repeat(levels));
    assert!(SignaturePolicy::from_text(&deep(48)).is_ok());
    assert!(SignaturePolicy::from_text(&deep(49)).is_err());
    assert!(parse(&deep(100_000)).is_err());

    let wide = |count: usize| format!("OR({})", vec!["'A.member'"; count].join(","));
    assert!(SignaturePolicy::from_text(&wide(4095)).is_ok());
    assert!(SignaturePolicy::from_text(&wide(4096)).is_err());
}

proptest! {
    #[test]
    fn any_text_never_panics(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn almost_policies_never_panic(text in "[ANDORutf(), '.0-9a-zé]{0,60}") {
        if let Ok(envelope) = parse(&text) {
            let policy = SignaturePolicy::from_envelope(&envelope).unwrap();
            prop_assert_eq!(parse(&policy.to_string()).unwrap(), envelope);
        }
    }
}

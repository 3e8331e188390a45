//! Tests of endorsement policies: bytes, text form, and refusals.

use super::*;

fn peer(msp_id: &str) -> Policy {
    Policy::signed_by(Role::Peer, msp_id)
}

#[test]
fn bytes_are_those_of_fabrics_tools() {
    // OutOf(1, rule 0, rule 1), and the members of A and B.
    let or: Policy = "OR('A.member', 'B.peer')".parse().unwrap();
    let expected = b"\x12\x0c\x12\x0a\x08\x01\x12\x02\x08\x00\x12\x02\x08\x01\
                     \x1a\x05\x12\x03\x0a\x01A\x1a\x07\x12\x05\x0a\x01B\x10\x03";
    assert_eq!(or.to_bytes(), expected);
    // Principals of inner gates have the lower numbers.
    let nested: Policy = "AND('A.admin', OR('B.member', 'C.member'))".parse().unwrap();
    let expected = b"\x12\x16\x12\x14\x08\x02\x12\x02\x08\x02\
                     \x12\x0c\x12\x0a\x08\x01\x12\x02\x08\x00\x12\x02\x08\x01\
                     \x1a\x05\x12\x03\x0a\x01B\x1a\x05\x12\x03\x0a\x01C\
                     \x1a\x07\x12\x05\x0a\x01A\x10\x01";
    assert_eq!(nested.to_bytes(), expected);
    // A single signer is encoded in a gate of its own.
    assert_eq!(peer("A").to_bytes(), Policy::any_of([peer("A")]).unwrap().to_bytes());
}

#[test]
fn organizations_are_sorted_and_named_once() {
    let policy = Policy::organizations(Role::Peer, ["Org2MSP", "Org1MSP", "Org2MSP"]);
    assert_eq!(policy.to_string(), "AND('Org1MSP.peer', 'Org2MSP.peer')");
    let all = Policy::all_of([peer("Org1MSP"), peer("Org2MSP")]).unwrap();
    assert_eq!(policy.to_bytes(), all.to_bytes());
}

#[test]
fn typed_parts_and_text_are_the_same_policy() {
    let typed = Policy::out_of(
        2,
        [
            Policy::signed_by(Role::Member, "Org1.MSP-a"),
            Policy::any_of([Policy::signed_by(Role::Client, "B"), peer("C")]).unwrap(),
            Policy::signed_by(Role::Orderer, "D"),
        ],
    );
    let typed = typed.unwrap();
    let text = "OutOf(2, 'Org1.MSP-a.member', OR('B.client', 'C.peer'), 'D.orderer')";
    assert_eq!(typed.to_string(), text);
    assert_eq!(text.parse::<Policy>().unwrap(), typed);
    let spaced = " outof ( '2' ,\"Org1.MSP-a.member\",\n or('B.client','C.peer'),'D.orderer' ) ";
    assert_eq!(spaced.parse::<Policy>().unwrap(), typed);
}

#[test]
fn what_is_not_a_policy_is_refused_where_it_is_wrong() {
    let refused = |text: &str| text.parse::<Policy>().unwrap_err().message().to_owned();
    assert_eq!(
        refused("OR('A.member', 'B.boss')"),
        "endorsement policy, column 16: expected a principal 'MSPID.role', its role member, admin, \
         client, peer or orderer"
    );
    assert!(refused("AND('A.member'").ends_with("column 15: expected ','"));
    assert!(refused("OR('A.member)").contains("column 4: the quote is not closed"));
    assert!(refused("OutOf(3, 'A.peer', 'B.peer')").contains("3 out of 2 rules"));
    for text in [
        "",
        "'A.member'",
        "OR()",
        "OR",
        "OR(",
        "XOR('A.peer')",
        "OR('A.peer',)",
        "OR('A.peer')x",
        "OR('.peer')",
        "OR('A.Peer')",
        "OR('Ä.peer')",
        "OR('A B.peer')",
        "OutOf('A.peer')",
        "OutOf(-1, 'A.peer')",
        "OutOf(+1, 'A.peer')",
        "OutOf(1)",
    ] {
        assert!(text.parse::<Policy>().is_err(), "{text}");
    }
    assert!("OR(".repeat(100_000).parse::<Policy>().is_err());
    assert!(Policy::all_of([]).is_err() && Policy::any_of([]).is_err());
    assert!(Policy::out_of(2, [peer("A")]).is_err());
}

#[test]
fn gates_nest_as_deep_as_a_peer_reads_them() {
    let mut policy = peer("A");
    for _ in 0..Policy::DEPTH {
        policy = Policy::any_of([policy]).unwrap();
    }
    assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
    assert!(Policy::any_of([policy]).is_err());
}

#[test]
fn bytes_become_the_policy_again() {
    for text in [
        "OR('A.member', 'B.peer')",
        "AND('A.admin', OR('B.client', 'C.orderer'), 'D.member')",
        "OutOf(0, 'A.member')",
        "OutOf(2, OR('A.peer'), 'B.peer', AND('C.peer', 'A.peer'))",
    ] {
        let policy: Policy = text.parse().unwrap();
        assert_eq!(Policy::from_bytes(&policy.to_bytes()).unwrap(), policy, "{text}");
    }
    let policy = Policy::all_of([peer("B"), Policy::organizations(Role::Peer, ["C", "A"])]);
    assert_eq!(policy.unwrap().msp_ids(), ["A", "B", "C"]);
    let one = Policy::from_bytes(&peer("A").to_bytes()).unwrap();
    assert_eq!(one.to_string(), "OR('A.peer')");
}

#[test]
fn damaged_bytes_are_refused_and_never_panic() {
    let text = "AND('A.admin', OR('B.client', 'C.orderer'), 'D.member')";
    let bytes = text.parse::<Policy>().unwrap().to_bytes();
    let rule = bytes.iter().position(|byte| *byte == 0x1a).unwrap();
    for length in 0..rule {
        assert!(Policy::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
    for index in 0..bytes.len() {
        for byte in [0x00, 0x08, 0x12, 0x7f, 0x80, 0xff, bytes[index].wrapping_add(1)] {
            let mut damaged = bytes.clone();
            damaged[index] = byte;
            let _ = Policy::from_bytes(&damaged);
        }
    }
    let mut deep = b"\x08\x00".to_vec();
    for _ in 0..2_000 {
        let mut gate = Vec::new();
        crate::wire::put_number(&mut gate, 1, 1);
        crate::wire::put_bytes(&mut gate, 2, &deep);
        deep.clear();
        crate::wire::put_bytes(&mut deep, 2, &gate);
    }
    let mut envelope = Vec::new();
    crate::wire::put_bytes(&mut envelope, 2, &deep);
    crate::wire::put_bytes(&mut envelope, 3, &bytes[rule + 2..rule + 2 + 7]);
    assert!(Policy::from_bytes(&envelope).is_err());
}

#[test]
fn a_key_takes_policies_whose_rules_name_signers_that_are_there() {
    let unit = b"\x1a\x0d\x08\x01\x12\x09\x0a\x07Org1MSP";
    for sound in [
        "OutOf(2, 'A.member', 'B.peer')".parse::<Policy>().unwrap().to_bytes(),
        // A signer without a gate around it, an organizational unit, a gate that cannot be
        // satisfied, and one that is always satisfied.
        [b"\x12\x02\x08\x00", &unit[..]].concat(),
        [b"\x12\x08\x12\x06\x08\x09\x12\x02\x08\x00", &unit[..]].concat(),
        b"\x12\x02\x12\x00".to_vec(),
        // Future versions and fields.
        [b"\x08\x07\x12\x02\x08\x00\x50\x01", &unit[..]].concat(),
    ] {
        assert_eq!(check_key_policy(&sound), Ok(()), "{sound:?}");
    }
    for (damage, why) in [
        (&b"nonsense"[..], "no message"),
        (b"\x08\x00", "no rule"),
        (b"\x12\x00", "a rule that says nothing"),
        (b"\x12\x02\x08\x00", "a signer that is not there"),
        (b"\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a signer before the first"),
        (b"\x12\x05\x12\x03\x12\x01\x08", "half a rule"),
        (b"\x12\x02\x12\x00\x18\x01", "a principal that is a number"),
    ] {
        assert!(check_key_policy(damage).unwrap_err().contains("nobody could"), "{why}");
    }
    let gates = |depth: usize| {
        let mut rule = b"\x12\x00".to_vec();
        for _ in 1..depth {
            let mut gate = Vec::new();
            crate::wire::put_bytes(&mut gate, 2, &rule);
            rule.clear();
            crate::wire::put_bytes(&mut rule, 2, &gate);
        }
        let mut envelope = Vec::new();
        crate::wire::put_bytes(&mut envelope, 2, &rule);
        envelope
    };
    assert_eq!(check_key_policy(&gates(49)), Ok(()));
    assert!(check_key_policy(&gates(50)).is_err());
}

//! The SDK's mock ledger behaves like a peer: the same programs run natively on the mock ledger,
//! and as a component in a sandbox.

use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{Call, Endorsed, Sandbox};
use wasmcc_sdk::testing::{self, MockLedger};
use wasmcc_tests::guest;

const COLLECTIONS: &str = r#"[
    {"name":"open","policy":"OR('Org1MSP.member')"},
    {"name":"mine","policy":"OR('Org1MSP.member')","memberOnlyRead":true,"memberOnlyWrite":true},
    {"name":"theirs","policy":"OR('Org2MSP.member')","memberOnlyRead":true,
     "memberOnlyWrite":true}]"#;

/// Programs, each below its name. A line is a call of the probe, which is submitted. After `?` it
/// is only evaluated; after `&` it is endorsed, and `commit` puts the endorsed calls into one
/// block.
const PROGRAMS: &str = include_str!("programs.txt");

/// Both ledgers, with the probe as `probe` and as `other`.
struct Both {
    mock: MockLedger,
    sandbox: Sandbox,
    /// Endorsed calls that are not committed yet.
    open: Vec<(testing::Endorsed, Endorsed)>,
    /// The differences between them.
    differences: Vec<String>,
}

/// The compared values: status, text, event.
type Shown = (i32, String, Option<(String, Vec<u8>)>);

/// Further programs, for private data that this peer does not store, that expire, or that another
/// organization must endorse.
const PRIVATE: &str = r#"
pput theirs k v
? try pget theirs k
? try pmget theirs k
? pget theirs none
? phash theirs k
? prange theirs '' ''
? pquery theirs {"selector":{}}
? pgetmeta theirs k
pdel theirs k
? pget theirs k
pput by-both k v
? pget by-both k
pput _implicit_org_Org2MSP k v
? pget _implicit_org_Org2MSP k
? phash _implicit_org_Org2MSP k
? prange _implicit_org_Org2MSP '' ''
pput _implicit_org_Org1MSP k v
? pget _implicit_org_Org1MSP k
pput short k 1
? pget short k
put a 1
? pget short k
& then pget short k ; put a 2
commit
? pget short k
? phash short k
? prange short '' ''
pput short k 2
put a 3
pput short k 3
put a 4
? pget short k
& rmw a x
& pput short k 4
commit
put a 5
? pget short k
put a 6
? pget short k
"#;

impl Both {
    /// Deploys by `_lifecycle`, with implicit collections and with peers of two organizations; the
    /// first one's peer endorses.
    fn of_lifecycle() -> Self {
        let collections = r#"[
            {"name":"theirs","policy":"OR('Org2MSP.member')"},
            {"name":"short","policy":"OR('Org1MSP.member')","blockToLive":1},
            {"name":"by-both","policy":"OR('Org1MSP.member')",
             "endorsementPolicy":{"signaturePolicy":"AND('Org1MSP.peer','Org2MSP.peer')"}}]"#;
        let policy = "OR('Org1MSP.peer','Org2MSP.peer')";
        let mut mock = MockLedger::with_chaincode(probe::Probe);
        mock.with_collections(collections).with_policy(policy).endorsed_by(&["Org1MSP"]);
        let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2));
        let sandbox = sandbox.orgs(["Org1MSP", "Org2MSP"]).build().unwrap();
        let component = guest("probe");
        let deployment = sandbox.deployment("tested", &component).collections(collections);
        deployment.policy(policy).lifecycle().deploy().unwrap();
        Self { mock, sandbox, open: Vec::new(), differences: Vec::new() }
    }

    fn new() -> Self {
        let mut mock = MockLedger::with_chaincode(probe::Probe);
        mock.install("other", probe::Probe).with_collections(COLLECTIONS);
        mock.endorsed_by(&["Org1MSP"]);
        let network = NetworkSpec::with_orgs(2);
        let sandbox = Sandbox::builder().network(network).build().unwrap();
        sandbox.deploy("other", &guest("probe")).unwrap();
        sandbox.deploy_with_collections("tested", &guest("probe"), COLLECTIONS).unwrap();
        Self { mock, sandbox, open: Vec::new(), differences: Vec::new() }
    }

    fn run(&mut self, line: &str) {
        let (how, line) = match line.split_at(1) {
            (how @ ("?" | "&"), line) => (how, line.trim_start()),
            _ => ("", line),
        };
        if line == "commit" {
            let block = std::mem::take(&mut self.open);
            return self.commit(line, block);
        }
        let mut words = line.split(' ').map(|word| if word == "''" { "" } else { word });
        let function = words.next().unwrap();
        let args: Vec<&str> = words.collect();
        let bytes = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        let mock = self.mock.endorse(function, bytes);
        let sandbox = self.sandbox.endorse(Call::new("tested", function).args(args)).unwrap();
        let on_mock: Shown = match &mock {
            Ok(endorsed) => {
                let answer = &endorsed.answer;
                (answer.status, comparable(line, &answer.text()), answer.event.clone())
            }
            Err(error) => (error.status(), comparable(line, error.message()), None),
        };
        let response = &sandbox.response;
        let on_sandbox: Shown = match response.status {
            ..400 => {
                let event = sandbox.event.clone().map(|event| (event.name, event.payload));
                (response.status, comparable(line, &sandbox.text()), event)
            }
            status => (status, comparable(line, &response.message), None),
        };
        self.compare(line, &on_mock, &on_sandbox);
        match (mock, how) {
            (Ok(mock), "") => self.commit(line, vec![(mock, sandbox)]),
            (Ok(mock), "&") => self.open.push((mock, sandbox)),
            _ => {}
        }
    }

    /// Commits a block on both.
    fn commit(&mut self, line: &str, block: Vec<(testing::Endorsed, Endorsed)>) {
        let (mock, sandbox): (Vec<_>, Vec<_>) = block.into_iter().unzip();
        let mock = self.mock.commit(mock).into_iter().map(|done| done.code.as_str_name());
        let sandbox = self.sandbox.commit(sandbox).unwrap();
        let sandbox = sandbox.iter().map(|done| done.code.as_str_name());
        self.compare(line, &mock.collect::<Vec<_>>(), &sandbox.collect::<Vec<_>>());
    }

    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, line: &str, mock: &T, sandbox: &T) {
        if mock != sandbox {
            self.differences.push(format!("{line}\n  mock:    {mock:?}\n  sandbox: {sandbox:?}"));
        }
    }
}

/// Removes transaction ids, times, block numbers, and bookmarks of rich queries, whose form is
/// unspecified.
fn comparable(line: &str, text: &str) -> String {
    let text = match line.contains("querypage") {
        true => text.split(" bookmark=").next().unwrap_or_default(),
        false => text,
    };
    let is_id = |word: &&str| word.len() >= 10 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_block = |word: &&str| word.strip_suffix(',').is_some_and(|it| it.parse::<u64>().is_ok());
    let shown = |word| match word {
        word if is_id(&word) => "ID",
        word if is_block(&word) => "BLOCK",
        word => word,
    };
    text.split([' ', ':', '(', '[', ']', '\n']).map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_mock_ledger_does_what_a_peer_does() {
    let programs: Vec<&str> = PROGRAMS.split("# ").skip(1).collect();
    assert!(programs.len() >= 60, "{}", programs.len());
    let mut both = Both::new();
    for program in programs {
        let mut lines = program.lines().filter(|line| !line.is_empty());
        let name = lines.next().unwrap();
        assert!(lines.clone().next().is_some(), "{name}");
        for line in lines {
            both.run(&line.replace("\\0", "\0"));
        }
        assert!(both.open.is_empty(), "something is not committed");
        for line in ["? range '' ''", "? pcomp t", "? prange open '' ''"] {
            both.run(line);
        }
    }
    assert!(both.differences.is_empty(), "{}", both.differences.join("\n"));
}

#[test]
fn the_mock_ledger_keeps_private_data_where_and_as_long_as_peers_do() {
    let mut both = Both::of_lifecycle();
    PRIVATE.lines().filter(|line| !line.is_empty()).for_each(|line| both.run(line));
    assert!(both.differences.is_empty(), "{}", both.differences.join("\n"));
}

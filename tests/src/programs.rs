//! Random programs for the chaincodes `probe` and `other`, which are both the probe. A program is a
//! list of operations in one transaction. Equal seeds make equal programs.
//!
//! Operations that stop a Fabric peer are left out: keys whose metadata are written are never
//! deleted, and policies are valid.

use wasmcc_msp::SignaturePolicy;

/// A call of a chaincode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// `probe` or `other`.
    pub chaincode: &'static str,
    /// The arguments; the first one is the operation.
    pub words: Vec<String>,
    /// Transient data under the name `t`; empty for none.
    pub transient: String,
    /// True if an admin calls, false for a user.
    pub by_admin: bool,
}

/// Pseudo-random numbers from a seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `sides`, which is not 0.
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap_or(0)
    }

    /// Returns true once in `times` on average.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn value(&mut self) -> String {
        format!("v{}", self.below(20))
    }
}

/// Returns the next program.
pub fn program(dice: &mut Dice) -> Program {
    let words = match dice.below(40) {
        0 => status(dice),
        1 => vec!["mput".into(), dice.pick(&["row", "big"]).into(), many(dice)],
        2 => {
            let batch = dice.pick(&["batch", "hold"]);
            vec![batch.into(), "row".into(), dice.below(40).to_string()]
        }
        _ => together(dice),
    };
    let transient = if dice.one_in(8) { dice.value() } else { String::new() };
    let chaincode = if dice.one_in(6) { "other" } else { "probe" };
    Program { chaincode, words, transient, by_admin: dice.one_in(10) }
}

/// Returns one to five operations.
fn together(dice: &mut Dice) -> Vec<String> {
    let mut words = vec!["then".to_owned()];
    for _ in 0..1 + dice.below(5) {
        if words.len() > 1 {
            words.push(";".into());
        }
        if dice.one_in(2) {
            words.push("caught".into());
        }
        words.extend(operation(dice));
    }
    words
}

fn operation(dice: &mut Dice) -> Vec<String> {
    match dice.below(20) {
        0..=6 => state(dice),
        7..=9 => query(dice),
        10 | 11 => metadata(dice),
        12..=15 => private(dice),
        16 => vec!["event".into(), dice.pick(&["e", "", "ü"]).into(), dice.value()],
        17 => composite(dice),
        _ => called(dice),
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// Returns a key: some are deleted, one is empty, and one has other letters.
fn key(dice: &mut Dice) -> String {
    match dice.below(24) {
        0 => String::new(),
        1 => "é\u{1f600}".into(),
        2 => format!("row{:05}", dice.below(40)),
        _ => format!("k{}", dice.below(12)),
    }
}

fn state(dice: &mut Dice) -> Vec<String> {
    let (key, value) = (key(dice), dice.value());
    match dice.below(9) {
        0..=2 => words(&["put", &key, &value]),
        3 | 4 => words(&["get", &key]),
        5 => words(&["del", &key]),
        6 => words(&["empty", &key]),
        7 => words(&["rmw", &key, &value[..1]]),
        _ => match dice.below(3) {
            0 => words(&["putread", &key, &value]),
            1 => words(&["mget", &key, "k1", "nothing", &key]),
            _ => words(&["repeat", "2", "get", &key]),
        },
    }
}

fn query(dice: &mut Dice) -> Vec<String> {
    let bounds = [
        ("k", "l"),
        ("k", "k5"),
        ("row", "row00060"),
        ("k7", "l"),
        ("k", "l"),
        ("row", "rox"),
        ("", ""),
        ("k3", "k6"),
        ("big", "bih"),
        ("x", "a"),
        ("\0", ""),
    ];
    let (start, end) = bounds[dice.below(bounds.len())];
    let sizes = ["0", "1", "2", "49", "50", "51", "99", "100", "101", "150"];
    let size = dice.pick(&sizes);
    match dice.below(5) {
        0 | 1 => words(&["range", start, end]),
        2 => words(&["range", start, end, size]),
        3 => words(&["page", start, end, size, dice.pick(&["", "", "k4", "row00020"])]),
        _ => words(&["history", &format!("k{}", dice.below(12)), dice.pick(&["0", "1", "2"])]),
    }
}

fn composite(dice: &mut Dice) -> Vec<String> {
    let kind = dice.pick(&["t", "u", ""]);
    let attribute = format!("a{}", dice.below(4));
    match dice.below(5) {
        0 | 1 => words(&["comp", kind, &attribute, "b", &dice.value()]),
        2 => words(&["pcomp", kind]),
        3 => words(&["pcomp", kind, &attribute]),
        _ => words(&["pcomppage", kind, &attribute, dice.pick(&["1", "2", "5"]), ""]),
    }
}

/// Returns operations on policies of keys that are never deleted. One policy cannot be satisfied.
fn metadata(dice: &mut Dice) -> Vec<String> {
    let rare = dice.one_in(12);
    let key = if rare { "m9".to_owned() } else { format!("m{}", dice.below(6)) };
    let private = format!("q{}", dice.below(4));
    let text = match rare {
        true => "OR('OrdererMSP.peer')",
        false => dice.pick(&["OR('Org1MSP.peer')", "OR('Org1MSP.member')"]),
    };
    let policy = SignaturePolicy::from_text(text).map(|policy| {
        use prost::Message;
        String::from_utf8(policy.envelope().encode_to_vec()).unwrap_or_default()
    });
    let policy = policy.unwrap_or_default();
    match dice.below(9) {
        0 | 1 => words(&["put", &key, &dice.value()]),
        2 => words(&["setmeta", &key, &policy]),
        3 => words(&["getmeta", &key]),
        4 => words(&["psetmeta", "", &key, &policy]),
        5 => words(&["pgetmeta", "", &key]),
        6 => words(&["pput", "open", &private, &dice.value()]),
        7 => words(&["psetmeta", "open", &private, &policy]),
        _ => words(&["pgetmeta", "open", &private]),
    }
}

fn private(dice: &mut Dice) -> Vec<String> {
    let collections = ["open", "open", "open", "short", "short", "closed", "policed", "none", ""];
    let collection = dice.pick(&collections);
    let key = format!("p{}", dice.below(8));
    match dice.below(12) {
        0..=2 => words(&["pput", collection, &key, &dice.value()]),
        3..=5 => words(&["pget", collection, &key]),
        6 => words(&["phash", collection, &key]),
        7 => words(&["pdel", collection, &key]),
        8 => words(&["ppurge", collection, &key]),
        9 => words(&["prange", collection, "p", "q"]),
        10 => words(&["pput-transient", collection, &key, "t"]),
        _ => words(&["transient", "t"]),
    }
}

/// Returns calls of the other chaincode, of system chaincodes and of missing ones.
fn called(dice: &mut Dice) -> Vec<String> {
    let target = dice.pick(&["other", "other", "other", "probe", "nosuch", "escc", "vscc"]);
    let mut call = match dice.below(10) {
        0 => words(&["called", "nochannel", target]),
        1 => return words(&["called", "", "qscc", "GetChainInfo", "mychannel"]),
        2 => return words(&["called", "", "cscc", "GetChannels"]),
        3 => return words(&["called", "nochannel", "qscc", "GetChainInfo", "mychannel"]),
        4 => words(&["called", "mychannel", target]),
        _ => words(&["called", "", target]),
    };
    match dice.below(6) {
        0 => call.extend(status(dice)),
        1 => call.extend(query(dice)),
        2 => call.extend(private(dice)),
        _ => call.extend(state(dice)),
    }
    call
}

fn status(dice: &mut Dice) -> Vec<String> {
    let status = dice.pick(&["200", "201", "399", "400", "404", "500", "503", "0", "-1"]);
    words(&["status", status, dice.pick(&["", "text", "what? #1 100%"]), dice.pick(&["", "p"])])
}

fn many(dice: &mut Dice) -> String {
    dice.pick(&["3", "49", "50", "51", "60", "101", "120"]).to_owned()
}

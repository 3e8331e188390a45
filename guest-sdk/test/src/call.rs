//! A call of a chaincode, as a test writes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::frame::Blobs;

/// Seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds of the second, below 1,000,000,000.
    pub nanos: u32,
}

/// A call: chaincode, function, arguments and caller. By default the caller is `User1` of the
/// peer's organization and the time is now.
#[derive(Clone, Debug)]
pub struct Call {
    chaincode: String,
    args: Vec<Vec<u8>>,
    transient: BTreeMap<String, Vec<u8>>,
    org: Option<String>,
    user: String,
    timestamp: Option<Timestamp>,
    nonce: Option<Vec<u8>>,
}

impl Call {
    /// Returns a call of `function` of `chaincode`.
    pub fn new(chaincode: &str, function: &str) -> Self {
        Self {
            chaincode: chaincode.to_owned(),
            args: vec![function.into()],
            transient: BTreeMap::new(),
            org: None,
            user: "User1".into(),
            timestamp: None,
            nonce: None,
        }
    }

    /// Sets the arguments after the function's name.
    pub fn args<A: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the caller's organization. Its peer is asked if it has one, otherwise the first peer.
    pub fn org(mut self, msp_id: &str) -> Self {
        self.org = Some(msp_id.to_owned());
        self
    }

    /// Sets the caller, a user of that organization.
    pub fn user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self
    }

    /// Adds an entry of transient data, which only endorsers see.
    pub fn transient(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.transient.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the client's time.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Sets the nonce, which makes the transaction's id repeatable. By default it is random.
    pub fn nonce(mut self, nonce: impl Into<Vec<u8>>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// Returns the call as part of a request.
    pub(crate) fn to_json(&self, blobs: &mut Blobs) -> Value {
        let args: Vec<usize> = self.args.iter().map(|arg| blobs.add(arg)).collect();
        let transient: BTreeMap<&String, usize> =
            self.transient.iter().map(|(name, value)| (name, blobs.add(value))).collect();
        json!({
            "chaincode": self.chaincode,
            "args": args,
            "transient": transient,
            "org": self.org,
            "user": self.user,
            "timestamp": self.timestamp.map(|at| (at.seconds, at.nanos)),
            "nonce": self.nonce.as_ref().map(|nonce| blobs.add(nonce)),
        })
    }
}

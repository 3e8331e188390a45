//! The folder of a development network and its lock.
//!
//! ```text
//! organizations/         identities, in the layout of Fabric's test network
//! .wasmcc/lock           held by the process that serves the network
//! .wasmcc/network.json   where it serves, for the other verbs
//! .wasmcc/made.json      the organizations that were made here
//! .wasmcc/deployed.json  what was deployed from files
//! .wasmcc/log            what it printed, and what contracts logged
//! .wasmcc/data/          ledgers and compiled chaincode
//! ```
//!
//! Invariant: one process at a time serves a folder.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::dev::made::Made;

/// The folder of everything but identities.
pub(super) const STATE: &str = ".wasmcc";
const LOCK: &str = "lock";
const RECORD: &str = "network.json";
const MADE: &str = "made.json";
const DEPLOYED: &str = "deployed.json";
const LOG: &str = "log";
const DATA: &str = "data";

/// Time limit for locking a folder: a client verb that checks whether the network runs holds the
/// lock for some microseconds.
const GLANCE: Duration = Duration::from_millis(100);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// The addresses of a network.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    /// The process that serves the network, or served it last. None while the network starts, or if
    /// the folder was copied or moved.
    pub process: Option<u32>,
    /// The state folder of the network, absolute; empty in records of earlier versions.
    #[serde(default)]
    pub state: PathBuf,
    /// The folder with the identities, absolute.
    pub organizations: PathBuf,
    /// Its channel.
    pub channel: String,
    /// The addresses of the peers by MSP id.
    pub peers: BTreeMap<String, String>,
    /// The address of the orderer.
    pub orderer: String,
    /// The address of the page, if there is one.
    #[serde(default)]
    pub page: Option<String>,
}

/// The record of a deployment from a file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Deployed {
    /// The hash of code and indexes.
    pub hash: String,
    /// The sequence of the definition.
    pub sequence: i64,
}

/// The folder of one network.
#[derive(Clone, Debug)]
pub(super) struct Place {
    state: PathBuf,
}

/// The lock of a folder, held until it is dropped.
pub(super) struct InUse(#[allow(dead_code, reason = "closing it ends the lock")] File);

impl Place {
    /// The network of a folder.
    pub(super) fn new(folder: &Path) -> Self {
        Self { state: folder.join(STATE) }
    }

    /// Returns the network of this folder, or of the nearest folder above it that has one.
    pub(super) fn nearest() -> Result<Option<Self>> {
        let here = std::env::current_dir().context("cannot find the current folder")?;
        let mut places = here.ancestors().map(Self::new);
        Ok(places.find(|place| place.state.join(RECORD).is_file()))
    }

    /// Locks the folder for this process; the error names the process that holds it.
    pub(super) fn take(&self) -> Result<InUse> {
        fs::create_dir_all(&self.state).with_context(|| self.cannot("create", ""))?;
        let ignored = self.state.join(".gitignore");
        if !ignored.exists() {
            fs::write(ignored, "*\n").with_context(|| self.cannot("write", ".gitignore"))?;
        }
        match self.try_take()? {
            Some(held) => {
                self.forget_process()?;
                Ok(held)
            }
            None => {
                let process = self.record().ok().flatten().and_then(|record| record.process);
                let process = process.map(|id| format!(" (process {id})")).unwrap_or_default();
                bail!(
                    "a network runs in this folder already{process}: end it with `wasmcc down`, or \
                     work in another folder"
                )
            }
        }
    }

    /// As [`take`](Self::take), but returns None if another process holds the folder.
    pub(super) fn try_take(&self) -> Result<Option<InUse>> {
        self.wait_until_free(GLANCE)
    }

    /// Waits until no other process holds the folder, at most for `limit`.
    pub(super) fn wait_until_free(&self, limit: Duration) -> Result<Option<InUse>> {
        let begun = std::time::Instant::now();
        loop {
            let held = self.lock()?;
            if held.is_some() || begun.elapsed() > limit {
                return Ok(held);
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn lock(&self) -> Result<Option<InUse>> {
        let path = self.state.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(path);
        let file = file.with_context(|| self.cannot("open", LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(InUse(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| self.cannot("lock", LOCK))
            }
        }
    }

    /// True if a process holds the folder, or if that cannot be determined.
    fn is_taken(&self) -> bool {
        match File::open(self.state.join(LOCK)) {
            Ok(file) => file.try_lock_shared().is_err(),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    /// Returns the record of the addresses, which may be those of the last run.
    pub(super) fn record(&self) -> Result<Option<Record>> {
        Ok(self.read(RECORD)?.map(|record: Record| record.at(self)))
    }

    /// Removes the process id from the record: the network is only starting, and the id of its last
    /// process may now belong to another program.
    fn forget_process(&self) -> Result<()> {
        // A record that cannot be parsed has no process id.
        match self.record().ok().flatten() {
            Some(record) if record.process.is_some() => {
                self.write_record(&Record { process: None, ..record })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn write_record(&self, record: &Record) -> Result<()> {
        self.write(RECORD, record)
    }

    /// Returns the record of the organizations that were made here.
    pub(super) fn made(&self) -> Result<Made> {
        let made: Made = self.read(MADE)?.unwrap_or_default();
        Ok(made.at(self))
    }

    pub(super) fn write_made(&self, made: &Made) -> Result<()> {
        self.write(MADE, made)
    }

    /// Returns the deployments by name.
    pub(super) fn deployed(&self) -> Result<BTreeMap<String, Deployed>> {
        Ok(self.read(DEPLOYED)?.unwrap_or_default())
    }

    pub(super) fn write_deployed(&self, name: &str, deployed: Deployed) -> Result<()> {
        let mut all = self.deployed()?;
        all.insert(name.to_owned(), deployed);
        self.write(DEPLOYED, &all)
    }

    /// Returns the new path of a file of the network with the state folder `earlier`, after its
    /// folder was copied or moved here. None if the file was outside of that folder.
    pub(super) fn moved(&self, earlier: &Path, file: &Path) -> Option<PathBuf> {
        let inner = file.strip_prefix(earlier.parent()?).ok()?;
        Some(self.state.parent()?.join(inner))
    }

    /// True if a folder is inside that of the network, with symbolic links resolved.
    pub(super) fn contains(&self, folder: &Path) -> bool {
        let own = self.state.parent().and_then(|own| own.canonicalize().ok());
        folder.canonicalize().is_ok_and(|folder| own.is_some_and(|own| folder.starts_with(own)))
    }

    /// The folder for everything except identities.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// The folder of the peers' data.
    pub(super) fn data(&self) -> PathBuf {
        self.state.join(DATA)
    }

    /// The log file.
    pub(super) fn log(&self) -> PathBuf {
        self.state.join(LOG)
    }

    /// Removes ledgers, chaincodes and the log; keeps identities.
    pub(super) fn forget(&self) -> Result<()> {
        remove(&self.data())?;
        remove(&self.state.join(DEPLOYED))?;
        remove(&self.log())
    }

    /// Removes the whole state.
    pub(super) fn remove(&self) -> Result<()> {
        remove(&self.state)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        match fs::read(self.state.join(name)) {
            Ok(json) => {
                let parsed = serde_json::from_slice(&json);
                parsed.map(Some).with_context(|| {
                    let file = self.state.join(name);
                    format!("{} does not parse: remove it", file.display())
                })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| self.cannot("read", name)),
        }
    }

    /// Writes atomically: other processes read the file.
    fn write(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_vec_pretty(value)?;
        let new = self.state.join(format!("{name}.new"));
        let written = || -> std::io::Result<()> {
            File::create(&new)?.write_all(&json)?;
            fs::rename(&new, self.state.join(name))
        };
        written().with_context(|| self.cannot("write", name))
    }

    fn cannot(&self, action: &str, name: &str) -> String {
        format!("cannot {action} {}", self.state.join(name).display())
    }
}

impl Record {
    /// Returns the record of the nearest folder with a network.
    pub(crate) fn nearest() -> Result<Option<Self>> {
        Place::nearest()?.map_or(Ok(None), |place| place.record())
    }

    /// True if a process serves the network and has written its record.
    pub(crate) fn is_served(&self) -> bool {
        self.process.is_some() && Place { state: self.state.clone() }.is_taken()
    }

    /// Adapts the record to the network of `place`. If the folder was copied or moved, the
    /// addresses belong to the other network and are removed.
    fn at(mut self, place: &Place) -> Self {
        if self.state.as_os_str().is_empty() {
            self.state.clone_from(&place.state);
        }
        if self.state == place.state {
            return self;
        }
        let organizations = place.moved(&self.state, &self.organizations);
        Self {
            process: None,
            state: place.state.clone(),
            organizations: organizations.unwrap_or(self.organizations),
            channel: self.channel,
            peers: BTreeMap::new(),
            orderer: String::new(),
            page: None,
        }
    }
}

/// Removes a file or folder, if it exists.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_has_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        let held = place.take().unwrap();
        let error = place.take().err().unwrap().to_string();
        assert!(error.contains("runs in this folder already"), "{error}");
        assert!(place.wait_until_free(Duration::ZERO).unwrap().is_none());
        drop(held);
        place.take().unwrap();
    }

    #[test]
    fn a_copied_folder_has_the_identities_of_its_network_but_not_the_addresses() {
        let parent = tempfile::tempdir().unwrap();
        let [original, copy] = ["e6", "e7"].map(|name| Place::new(&parent.path().join(name)));
        let record = Record {
            process: Some(1),
            state: original.state.clone(),
            organizations: parent.path().join("e6/organizations"),
            channel: "mychannel".into(),
            peers: [("Org1MSP".into(), "localhost:7051".into())].into(),
            orderer: "localhost:7050".into(),
            page: None,
        };
        let held = original.take().unwrap();
        // A network is starting in the copy and has not written its own record yet.
        let _starting = copy.take().unwrap();
        for place in [&original, &copy] {
            place.write_record(&record).unwrap();
        }
        let [own, copied] = [&original, &copy].map(|place| place.record().unwrap().unwrap());
        assert!(own.is_served() && !copied.is_served());
        assert!(copied.peers.is_empty() && copied.process.is_none());
        assert_eq!(copied.organizations, parent.path().join("e7/organizations"));
        drop(held);
        assert!(!own.is_served());
        // Earlier versions did not record the folder.
        let earlier = Record { state: PathBuf::new(), ..record };
        copy.write_record(&earlier).unwrap();
        assert!(copy.record().unwrap().unwrap().is_served());
    }

    #[test]
    fn what_was_deployed_is_remembered_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        let _held = place.take().unwrap();
        assert!(place.deployed().unwrap().is_empty());
        let deployed = Deployed { hash: "ab".into(), sequence: 3 };
        place.write_deployed("basic", deployed.clone()).unwrap();
        assert_eq!(place.deployed().unwrap()["basic"], deployed);
        place.forget().unwrap();
        assert!(place.deployed().unwrap().is_empty());
        fs::write(folder.path().join(".wasmcc/deployed.json"), "{").unwrap();
        assert!(place.deployed().unwrap_err().to_string().contains("does not parse"));
    }
}

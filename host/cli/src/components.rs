//! Components given for the chaincodes of a channel: `NAME[:VERSION]=FILE`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};

use crate::usage::wrong;
use crate::{file, output};
use wasmcc_audit::Component;
use wasmcc_peer::chaincode::StandIn;
use wasmcc_types::sha256;

/// A component argument of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComponentArg {
    name: String,
    version: Option<String>,
    file: PathBuf,
}

impl FromStr for ComponentArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "expected NAME=FILE or NAME:VERSION=FILE";
        let (chaincode, file) = text.split_once('=').ok_or(usage)?;
        let (name, version) = match chaincode.split_once(':') {
            Some((_, "")) => return Err(usage.into()),
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (chaincode, None),
        };
        if name.is_empty() || file.is_empty() {
            return Err(usage.into());
        }
        Ok(Self { name: name.to_owned(), version, file: file.into() })
    }
}

impl ComponentArg {
    /// Reads the file: a component, or an install package with one. Also returns a line that
    /// identifies it.
    pub(crate) fn read(&self) -> Result<(Component, String)> {
        let (code, hash) = read(&self.file)?;
        let (name, version) = (self.name.clone(), self.version.clone());
        let shown = match &version {
            Some(version) => format!("{name}:{version}={hash}"),
            None => format!("{name}={hash}"),
        };
        Ok((Component { name, version, code }, shown))
    }
}

/// Refuses two components for the same chaincode and version.
pub(crate) fn check_names(components: &[ComponentArg]) -> Result<()> {
    let mut seen = BTreeSet::new();
    let twice = components.iter().find(|it| !seen.insert((&it.name, &it.version)));
    let Some(ComponentArg { name, version, .. }) = twice else { return Ok(()) };
    let shown = version.as_ref().map_or(name.clone(), |version| format!("{name}:{version}"));
    Err(wrong(format!(
        "--component {shown} is given twice: give one component for each chaincode, or one for \
         each of its versions as NAME:VERSION=FILE"
    )))
}

/// Reads a component for all versions of a chaincode.
pub(crate) fn read_for(name: &str, file: &Path) -> Result<Component> {
    let (code, _) = read(file)?;
    Ok(Component { name: name.to_owned(), version: None, code })
}

fn read(file: &Path) -> Result<(StandIn, String)> {
    let shown = file.display();
    let bytes = file::read(file).with_context(|| format!("cannot read {shown}"))?;
    let hash = output::hex(&sha256(&bytes));
    let code = StandIn::read(bytes).map_err(|why| anyhow!("{shown} is {why}"))?;
    Ok((code, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::WrongArguments;

    #[test]
    fn a_component_is_for_all_versions_or_for_one() {
        let parse = |text: &str| text.parse::<ComponentArg>();
        let all = parse("basic=a=b.wasm").unwrap();
        assert_eq!((all.name.as_str(), all.version), ("basic", None));
        assert_eq!(all.file, Path::new("a=b.wasm"));
        let one = parse("basic:1.0=b.wasm").unwrap();
        assert_eq!((one.name.as_str(), one.version.as_deref()), ("basic", Some("1.0")));
        for text in ["", "basic", "=b.wasm", "basic=", "basic:=b.wasm", ":1=b.wasm"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nobody_has_to_guess_which_component_runs() {
        let check = |texts: &[&str]| {
            let all: Result<Vec<ComponentArg>, _> = texts.iter().map(|it| it.parse()).collect();
            check_names(&all.unwrap())
        };
        check(&["basic=a", "basic:1.0=b", "basic:2.0=b", "other=a"]).unwrap();
        let error = check(&["basic:1.0=a", "basic:1.0=b"]).unwrap_err();
        assert!(error.is::<WrongArguments>());
        assert!(error.to_string().starts_with("--component basic:1.0 is given twice"), "{error}");
    }
}

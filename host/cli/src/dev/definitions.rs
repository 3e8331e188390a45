//! Options for the definitions of contracts: endorsement policies and collections.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::dev::contract::{Contract, absolute};
use wasmcc_msp::SignaturePolicy;

#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Definitions of contracts; both may be repeated")]
pub(super) struct Definitions {
    /// The policy for endorsing a contract's transactions [default: as before; at first the
    /// channel's own policy].
    #[arg(long = "policy", value_parser = policy, value_name = "NAME=POLICY")]
    policies: Vec<Of<SignaturePolicy>>,
    /// The private data collections of a contract: a JSON file in the format of Fabric's tools. It
    /// is watched like the contract [default: collections_config.json in the contract's folder; as
    /// before].
    #[arg(long = "collections-config", value_parser = file, value_name = "NAME=FILE")]
    collections: Vec<Of<PathBuf>>,
}

/// A value for a named contract.
#[derive(Clone, Debug)]
struct Of<T> {
    name: String,
    value: T,
}

fn policy(text: &str) -> Result<Of<SignaturePolicy>, String> {
    of(text, "NAME=POLICY", |policy| {
        SignaturePolicy::from_text(policy).map_err(|error| error.to_string())
    })
}

fn file(text: &str) -> Result<Of<PathBuf>, String> {
    of(text, "NAME=FILE", |file| absolute(file.as_ref()))
}

fn of<T>(
    text: &str,
    form: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Of<T>, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("expected {form}"))?;
    Ok(Of { name: name.to_owned(), value: read(value)? })
}

impl Definitions {
    /// Sets the values in their contracts.
    pub(super) fn give_to(self, contracts: &mut [Contract]) -> Result<()> {
        for Of { name, value } in self.policies {
            give("--policy", contracts, &name, value, |contract| &mut contract.policy)?;
        }
        for Of { name, value } in self.collections {
            let flag = "--collections-config";
            give(flag, contracts, &name, value, |contract| &mut contract.collections)?;
        }
        Ok(())
    }
}

fn give<T>(
    flag: &str,
    contracts: &mut [Contract],
    name: &str,
    value: T,
    place: impl FnOnce(&mut Contract) -> &mut Option<T>,
) -> Result<()> {
    let names: Vec<String> = contracts.iter().map(|contract| contract.name.clone()).collect();
    let Some(contract) = contracts.iter_mut().find(|contract| contract.name == name) else {
        match names.as_slice() {
            [] => bail!("{flag} is for {name}, and there is no contract: name one to deploy"),
            names => bail!("{flag} is for {name}, and the contracts are {}", names.join(", ")),
        }
    };
    match place(contract).replace(value) {
        None => Ok(()),
        Some(_) => bail!("{flag} is given twice for {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        definitions: Definitions,
    }

    fn give(words: &[&str]) -> Result<Vec<Contract>, String> {
        let words = [&["dev"], words].concat();
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        let mut contracts: Vec<Contract> =
            ["a=h:1", "b=h:2"].map(|text| text.parse().unwrap()).into();
        line.definitions.give_to(&mut contracts).map_err(|error| error.to_string())?;
        Ok(contracts)
    }

    #[test]
    fn each_contract_gets_what_names_it() {
        let both = "a=OR('Org1MSP.peer','Org2MSP.peer')";
        let given = give(&["--policy", both, "--collections-config", "b=c=d.json"]).unwrap();
        assert!(given[0].policy.is_some() && given[0].collections.is_none());
        assert!(given[1].policy.is_none());
        assert!(given[1].collections.as_ref().is_some_and(|file| file.ends_with("c=d.json")));
    }

    #[test]
    fn what_names_no_contract_or_is_no_policy_is_refused() {
        let refused = |words: &[&str]| give(words).unwrap_err();
        let one = "OR('Org1MSP.peer')";
        let of = |name: &str| format!("{name}={one}");
        assert_eq!(
            refused(&["--policy", &of("c")]),
            "--policy is for c, and the contracts are a, b"
        );
        let twice = refused(&["--policy", &of("a"), "--policy", &of("a")]);
        assert_eq!(twice, "--policy is given twice for a");
        assert!(refused(&["--policy", one]).contains("expected NAME=POLICY"));
        assert!(refused(&["--policy", "a=OR("]).contains("--policy"));
        assert!(refused(&["--collections-config", "c.json"]).contains("expected NAME=FILE"));
    }
}

//! Arguments of `wasmcc serve`: components with their package ids and addresses.

use std::path::PathBuf;
use std::str::FromStr;

use crate::addresses::to_listen;

/// `FILE=PACKAGE_ID@ADDRESS`, or only the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServeTarget {
    /// The component.
    pub file: PathBuf,
    /// Package id and address, if given.
    pub place: Option<Place>,
}

/// Package id and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `label:hash`.
    pub id: String,
    /// `host:port`.
    pub address: String,
}

impl FromStr for ServeTarget {
    type Err = String;

    /// Parses a target. A file name may contain `=` or `@`; package ids and addresses cannot.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("'{text}' is neither a file's name nor FILE=PACKAGE_ID@HOST:PORT");
        let Some((file, place)) = text.rsplit_once('=') else {
            return Ok(Self { file: text.into(), place: None });
        };
        let Some((id, address)) = place.split_once('@') else {
            return Ok(Self { file: text.into(), place: None });
        };
        if file.is_empty() || id.is_empty() || !address.contains(':') {
            return Err(form());
        }
        let Ok(address) = to_listen(address);
        let place = Place { id: id.to_owned(), address };
        Ok(Self { file: file.into(), place: Some(place) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_place_or_none() {
        let target: ServeTarget = "a=b/x.wasm=basic_1.0:ab12@0.0.0.0:9999".parse().unwrap();
        assert_eq!(target.file, PathBuf::from("a=b/x.wasm"));
        let place = Place { id: "basic_1.0:ab12".into(), address: "0.0.0.0:9999".into() };
        assert_eq!(target.place, Some(place));
        let target: ServeTarget = "x.wasm=x:1@:9999".parse().unwrap();
        assert_eq!(target.place.unwrap().address, to_listen(":9999").unwrap());
        let target: ServeTarget = "a=b.wasm".parse().unwrap();
        assert_eq!(target, ServeTarget { file: "a=b.wasm".into(), place: None });
        for bad in ["=id:1@h:1", "x.wasm=@h:1", "x.wasm=id:1@h"] {
            assert!(bad.parse::<ServeTarget>().is_err(), "{bad}");
        }
    }
}

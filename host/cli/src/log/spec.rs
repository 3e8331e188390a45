//! The selection of lines in the syntax of Fabric's peers: `info:endorser,gateway=debug`. Fabric:
//! `common/flogging/loggerlevels.go`, also for the errors.
//!
//! A logger is a crate or module of this program: `peer`, `endorser`, `peer.chaincode`. It applies
//! to all modules below; with a full stop at the end, as in `endorser.`, only to itself. `wasmcc`
//! is the whole program without its libraries.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// The whole program.
const PROGRAM: &str = "wasmcc";

/// A level of Fabric; ordered, the most verbose first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Payload,
    Debug,
    Info,
    Warn,
    Error,
    /// No line here is as severe.
    DPanic,
    Panic,
    Fatal,
}

/// A specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    default: Level,
    loggers: BTreeMap<String, Level>,
}

/// A text is not a valid specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid logging specification '{spec}': {what} '{part}'")]
pub(crate) struct BadSpec {
    spec: String,
    what: &'static str,
    part: String,
}

impl Level {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "PAYLOAD" | "payload" => Self::Payload,
            "DEBUG" | "debug" => Self::Debug,
            "INFO" | "info" | "NOTICE" | "notice" => Self::Info,
            "WARNING" | "WARN" | "warning" | "warn" => Self::Warn,
            "ERROR" | "error" | "CRITICAL" | "critical" => Self::Error,
            "DPANIC" | "dpanic" => Self::DPanic,
            "PANIC" | "panic" => Self::Panic,
            "FATAL" | "fatal" => Self::Fatal,
            _ => return None,
        })
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Payload => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
            Self::DPanic | Self::Panic | Self::Fatal => LevelFilter::OFF,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payload => "payload",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::DPanic => "dpanic",
            Self::Panic => "panic",
            Self::Fatal => "fatal",
        })
    }
}

impl FromStr for Spec {
    type Err = BadSpec;

    fn from_str(spec: &str) -> Result<Self, BadSpec> {
        let bad = |what, part: &str| BadSpec { spec: spec.to_owned(), what, part: part.to_owned() };
        let mut read = Self { default: Level::Info, loggers: BTreeMap::new() };
        for segment in spec.split(':') {
            match segment.split('=').collect::<Vec<_>>().as_slice() {
                [""] => read.default = Level::Info,
                [level] => {
                    read.default =
                        Level::parse(level).ok_or_else(|| bad("bad segment", segment))?;
                }
                ["", _] => return Err(bad("no logger specified in segment", segment)),
                [loggers, level] => {
                    let level = Level::parse(level).ok_or_else(|| bad("bad segment", segment))?;
                    for logger in loggers.split(',') {
                        if !is_name(logger.strip_suffix('.').unwrap_or(logger)) {
                            return Err(bad("bad logger name", logger));
                        }
                        read.loggers.insert(logger.to_owned(), level);
                    }
                }
                _ => return Err(bad("bad segment", segment)),
            }
        }
        Ok(read)
    }
}

/// True for segments separated by full stops.
fn is_name(logger: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_#-".contains(c))
    };
    logger.split('.').all(is_part)
}

/// As Fabric's peers print it: sorted, the default level last.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (logger, level) in &self.loggers {
            write!(f, "{logger}={level}:")?;
        }
        write!(f, "{}", self.default)
    }
}

impl Spec {
    /// Returns the most verbose level that is shown for a target.
    pub(super) fn level(&self, target: &str) -> LevelFilter {
        let segments = segments(target);
        let is_own = target.starts_with(PROGRAM);
        let rank = |logger: &str| match logger {
            PROGRAM => is_own.then_some((0, 0)),
            _ => rank(logger, &segments),
        };
        let ranked = self.loggers.iter().filter_map(|(logger, level)| Some((rank(logger)?, level)));
        let level = ranked.max_by_key(|(rank, _)| *rank).map_or(self.default, |(_, level)| *level);
        level.filter()
    }

    /// Returns the most verbose level that is shown for any target.
    pub(super) fn most(&self) -> LevelFilter {
        let levels = self.loggers.values().copied().chain([self.default]);
        levels.min().unwrap_or(self.default).filter()
    }
}

/// Splits a target: `wasmcc_peer::endorser` has the segments `peer` and `endorser`.
fn segments(target: &str) -> Vec<&str> {
    let own = target.strip_prefix("wasmcc::").or_else(|| target.strip_prefix("wasmcc_"));
    own.unwrap_or(target).split("::").collect()
}

/// Returns how well a logger's name matches: the number of its segments, then their depth. None if
/// it does not match.
fn rank(logger: &str, segments: &[&str]) -> Option<(usize, usize)> {
    let (name, is_exact) = match logger.strip_suffix('.') {
        Some(name) => (name, true),
        None => (logger, false),
    };
    let words: Vec<&str> = name.split('.').collect();
    let found = segments.windows(words.len()).rposition(|window| window == words)?;
    let is_last = found + words.len() == segments.len();
    (is_last || !is_exact).then_some((words.len(), found + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Spec {
        text.parse().unwrap()
    }

    #[test]
    fn the_logger_that_fits_best_decides() {
        let levels =
            spec("warn:wasmcc=info:peer=error:endorser,gateway=debug:peer.chaincode=fatal");
        for (target, level) in [
            ("sled::pagecache", LevelFilter::WARN),
            ("wasmcc_ledger::commit", LevelFilter::INFO),
            ("wasmcc::chaincode", LevelFilter::INFO),
            ("wasmcc_peer", LevelFilter::ERROR),
            ("wasmcc_peer::syscc::lscc", LevelFilter::ERROR),
            ("wasmcc_peer::endorser::tx_line", LevelFilter::DEBUG),
            ("wasmcc_api::gateway", LevelFilter::DEBUG),
            ("wasmcc_peer::chaincode::launch", LevelFilter::OFF),
        ] {
            assert_eq!(levels.level(target), level, "{target}");
        }
        assert_eq!(levels.most(), LevelFilter::DEBUG);
        let exact = spec("peer.=debug");
        assert_eq!(exact.level("wasmcc_peer"), LevelFilter::DEBUG);
        assert_eq!(exact.level("wasmcc_peer::endorser"), LevelFilter::INFO);
    }

    #[test]
    fn it_is_shown_as_fabrics_peers_show_it() {
        for (text, shown) in [
            ("", "info"),
            ("DEBUG", "debug"),
            ("warning:b,a=NOTICE", "a=info:b=info:warn"),
            ("a.b=critical::", "a.b=error:info"),
        ] {
            assert_eq!(spec(text).to_string(), shown);
            assert_eq!(spec(shown), spec(text));
        }
    }

    #[test]
    fn a_wrong_one_is_refused_as_by_fabrics_peers() {
        let begin = "invalid logging specification";
        for (text, error) in [
            ("loud", "bad segment 'loud'"),
            ("info:peer=loud", "bad segment 'peer=loud'"),
            ("info:=debug", "no logger specified in segment '=debug'"),
            ("a=b=debug", "bad segment 'a=b=debug'"),
            (".peer=debug", "bad logger name '.peer'"),
            ("a,,b=debug", "bad logger name ''"),
            ("pe er=debug", "bad logger name 'pe er'"),
        ] {
            let expected = format!("{begin} '{text}': {error}");
            assert_eq!(text.parse::<Spec>().unwrap_err().to_string(), expected);
        }
    }
}

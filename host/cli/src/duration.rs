//! Durations in arguments.

use std::time::Duration;

use wasmcc_types::duration;

/// Reads "500ms", "2s", "1m30s" or "1h", as Go writes durations.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let usage = "expected numbers with units: 500ms, 2s, 1m30s or 1h";
    let duration = duration::parse(text).ok_or(usage)?;
    // Longer ones could overflow clocks.
    let longest = Duration::from_secs(366 * 24 * 3_600);
    match duration <= longest {
        true => Ok(duration),
        false => Err("longer than a year".into()),
    }
}

/// As [`parse`], but refuses zero.
pub(crate) fn positive(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("it must be longer than zero".into()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_apart() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(parse("3h"), Ok(Duration::from_secs(10_800)));
        assert_eq!(parse("1m30.5s"), Ok(Duration::from_millis(90_500)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", "-1s", "2 s", "18446744073709551615h", "9999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(positive("0s").is_err());
    }
}

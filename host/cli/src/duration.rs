//! Durations as arguments: a number and its unit.

use std::time::Duration;

/// Reads "500ms", "2s", "1m" or "1h".
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let usage = "expected a number with a unit: 500ms, 2s, 1m or 1h";
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(usage)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| usage)?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(usage.into()),
    };
    // Longer ones would overflow clocks further down.
    let longest = Duration::from_secs(366 * 24 * 3_600);
    match millis.map(Duration::from_millis) {
        Some(duration) if duration <= longest => Ok(duration),
        _ => Err("longer than a year".into()),
    }
}

/// As [`parse`], but refuses zero.
pub(crate) fn positive(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("it must be longer than nothing".into()),
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
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", "-1s", "1.5s", "2 s", "18446744073709551615h", "9999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(positive("0s").is_err());
    }
}

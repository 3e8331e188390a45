//! Go's text format of durations, for channel configurations and connection files.
//!
//! Does not parse signs: no caller needs negative durations.

use std::time::Duration;

/// Parses `1h2m3.5s`, `100ms`, `0`. Returns None if the text is not a duration.
pub fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        total = total.checked_add(part(number, unit)?)?;
        rest = tail;
    }
    Some(total)
}

fn part(number: &str, unit: &str) -> Option<Duration> {
    let nanos: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut total: u64 = match whole {
        "" => 0,
        whole => whole.parse::<u64>().ok()?.checked_mul(nanos)?,
    };
    let mut scale = nanos;
    for digit in fraction.chars() {
        scale /= 10;
        total = total.checked_add(scale * u64::from(digit.to_digit(10)?))?;
    }
    Some(Duration::from_nanos(total))
}

/// Formats with the largest unit that leaves no fraction: `2s`, `500ms`, `1us`, `7ns`.
pub fn format(duration: Duration) -> String {
    match duration.subsec_nanos() {
        0 => format!("{}s", duration.as_secs()),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", duration.as_millis()),
        nanos if nanos % 1_000 == 0 => format!("{}us", duration.as_micros()),
        _ => format!("{}ns", duration.as_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        let cases = [
            ("2s", 2_000_000_000),
            ("100ms", 100_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            (".5m", 30_000_000_000),
            ("7ns", 7),
            ("3µs", 3_000),
            ("0", 0),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "2", "s", "-2s", "2 s", "2x", ".s", "1.2.3s", "99999999999999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for millis in [1, 500, 1000, 2500, 60_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(&format(duration)), Some(duration));
        }
        for (nanos, text) in [(1_000, "1us"), (1_500, "1500ns"), (2_000_001, "2000001ns")] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!((format(duration).as_str(), parse(text)), (text, Some(duration)));
        }
    }
}

//! Reads the client's deadline from the header `grpc-timeout`.

use std::time::{Duration, Instant};

use tonic::Status;
use tonic::metadata::MetadataMap;

/// The transport has the same deadline and answers CANCELLED; the service's answer has to be first.
const MARGIN: Duration = Duration::from_millis(20);

/// Returns the client's deadline; None if it has set none.
pub(super) fn deadline(metadata: &MetadataMap, now: Instant) -> Option<Instant> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    now.checked_add(parse(text)?.saturating_sub(MARGIN))
}

/// Ends a call at its client's deadline.
pub(super) async fn within<T>(
    deadline: Option<Instant>,
    text: &str,
    call: impl Future<Output = T>,
) -> Result<T, Status> {
    match deadline {
        None => Ok(call.await),
        Some(deadline) => tokio::time::timeout_at(deadline.into(), call)
            .await
            .map_err(|_| Status::deadline_exceeded(text)),
    }
}

/// Parses at most eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_in_all_units() {
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(parse("5m"), Some(Duration::from_millis(5)));
        assert_eq!(parse("6u"), Some(Duration::from_micros(6)));
        assert_eq!(parse("7n"), Some(Duration::from_nanos(7)));
    }

    #[test]
    fn our_deadline_is_before_that_of_the_transport() {
        let (mut metadata, now) = (MetadataMap::new(), Instant::now());
        assert_eq!(deadline(&metadata, now), None);
        for (text, left) in [("100m", Duration::from_millis(100) - MARGIN), ("1m", Duration::ZERO)]
        {
            metadata.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(deadline(&metadata, now), Some(now + left));
        }
    }

    #[test]
    fn what_is_no_timeout_is_none() {
        for text in ["", "5", "S", "-1S", "+1S", "123456789S", "1.5S", "5é", "5x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

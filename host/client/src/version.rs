//! Chooses the version of a deployment that does not name one.

/// Returns the first of 1.0, 2.0 and so on that is higher than all of these.
pub fn next_version<'a>(taken: impl IntoIterator<Item = &'a str>) -> String {
    let major = |version: &str| version.split('.').next().and_then(|n| n.parse::<u64>().ok());
    let highest = taken.into_iter().filter_map(major).max().unwrap_or(0);
    format!("{}.0", highest.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up() {
        assert_eq!(next_version([]), "1.0");
        assert_eq!(next_version([""]), "1.0");
        assert_eq!(next_version(["2.1", "rc", "10.0"]), "11.0");
    }
}

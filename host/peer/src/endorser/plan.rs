//! Which organizations endorse a transaction (fabric `internal/pkg/gateway/registry.go`, which asks
//! discovery for it).

/// Why nobody is left to endorse a transaction. The client gets the text, which is that of Fabric's
/// gateway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEndorsers {
    /// The peer has not joined the channel.
    #[error("channel '{0}' not found")]
    NoChannel(String),
    /// The policies cannot be satisfied, for this reason.
    #[error(
        "no combination of peers can be derived which satisfy the endorsement policy: {reason}"
    )]
    NoPlan {
        /// Why not.
        reason: String,
    },
    /// Only organizations that must not see the transient data are left.
    #[error(
        "requires endorsement from organisation(s) that are not in the distribution policy of the \
         private data collection(s): [{}]; retry specifying trusted endorsing organizations to \
         protect transient data",
        collections.join(" ")
    )]
    Guarded {
        /// The collections that the transaction writes to.
        collections: Vec<String>,
    },
    /// The definition of a collection cannot be read or used.
    #[error("{0}")]
    Collection(String),
}

/// More candidates than this are not tried in all combinations.
const MAX_COMBINED: usize = 12;

/// As few of `candidates` as are enough beside those that have `endorsed`, the first ones if there
/// is a choice. None: all of them are not enough.
pub fn choose<'a>(
    endorsed: &[&'a str],
    candidates: &[&'a str],
    is_enough: impl Fn(&[&'a str]) -> bool,
) -> Option<Vec<&'a str>> {
    let with = |more: &[&'a str]| is_enough(&[endorsed, more].concat());
    if !with(candidates) {
        // Policies may be greedy: a smaller set can do where all together do not.
        return combinations(candidates).find(|more| with(more));
    }
    if candidates.len() > MAX_COMBINED {
        return Some(candidates.to_vec());
    }
    combinations(candidates).find(|more| with(more))
}

/// All choices of `candidates` that are enough and of which nobody can be left out, small ones
/// first. Of many candidates only the first are combined.
pub fn choices<'a>(
    candidates: &[&'a str],
    is_enough: impl Fn(&[&'a str]) -> bool,
) -> Vec<Vec<&'a str>> {
    let mut found: Vec<Vec<&'a str>> = Vec::new();
    for chosen in combinations(candidates) {
        let has_all = |less: &Vec<&str>| less.iter().all(|one| chosen.contains(one));
        if !chosen.is_empty() && !found.iter().any(has_all) && is_enough(&chosen) {
            found.push(chosen);
        }
    }
    found
}

/// All subsets of up to [`MAX_COMBINED`] candidates, small ones first.
fn combinations<'a>(candidates: &[&'a str]) -> impl Iterator<Item = Vec<&'a str>> {
    let candidates = candidates.iter().copied().take(MAX_COMBINED).collect::<Vec<_>>();
    let mut masks: Vec<u32> = (0..1 << candidates.len()).collect();
    // Of two of one size, the one that begins with an earlier candidate has the higher bits when
    // read backwards.
    masks.sort_by_key(|mask| (mask.count_ones(), std::cmp::Reverse(mask.reverse_bits())));
    masks.into_iter().map(move |mask| {
        let chosen = candidates.iter().enumerate().filter(|(index, _)| mask & 1 << index != 0);
        chosen.map(|(_, candidate)| *candidate).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_choices_of_which_nobody_can_be_left_out() {
        let two_of = |orgs: &[&str]| orgs.len() >= 2;
        let pairs = [vec!["a", "b"], vec!["a", "c"], vec!["b", "c"]];
        assert_eq!(choices(&["a", "b", "c"], two_of), pairs);
        assert_eq!(choices(&["a", "b"], |orgs| orgs.contains(&"b")), [vec!["b"]]);
        assert_eq!(choices(&["a", "b"], |_| false), Vec::<Vec<&str>>::new());
    }

    #[test]
    fn as_few_as_possible_and_the_first_ones() {
        let two_of = |orgs: &[&str]| orgs.len() >= 2;
        assert_eq!(choose(&["a"], &["b", "c"], two_of), Some(vec!["b"]));
        assert_eq!(choose(&["a"], &["b", "c"], |_| true), Some(vec![]));
        let needs_c = |orgs: &[&str]| orgs.contains(&"c");
        assert_eq!(choose(&["a"], &["b", "c", "d"], needs_c), Some(vec!["c"]));
        let all = |orgs: &[&str]| orgs.len() == 4;
        assert_eq!(choose(&["a"], &["b", "c", "d"], all), Some(vec!["b", "c", "d"]));
        assert_eq!(choose(&["a"], &["b"], |_| false), None);
        assert_eq!(choose(&[], &["a", "b", "c"], two_of), Some(vec!["a", "b"]));
    }

    #[test]
    fn many_candidates_are_taken_together() {
        let names: Vec<String> = (0..40).map(|n| format!("org{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(choose(&[], &names, |orgs| orgs.contains(&"org39")), Some(names.clone()));
    }
}

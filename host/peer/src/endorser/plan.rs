//! Selects the organizations that endorse a transaction (fabric `internal/pkg/gateway/registry.go`,
//! which uses discovery).

/// The reason why no organization is left to endorse a transaction. The client gets the text, which
/// is that of Fabric's gateway.
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
        /// The reason.
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

/// Up to this number of candidates, all combinations are tried.
const MAX_COMBINED: usize = 12;

/// Returns the organizations whose endorsements go into a transaction: those of `endorsed` that
/// count, and the fewest `candidates` that suffice with them. None: even all of them do not
/// suffice.
pub fn needed<'a>(
    endorsed: &[&'a str],
    candidates: &[&'a str],
    is_enough: impl Fn(&[&'a str]) -> bool,
) -> Option<Vec<&'a str>> {
    let more = choose(endorsed, candidates, &is_enough)?;
    Some(without_idle([endorsed, &more].concat(), endorsed, is_enough))
}

/// Returns the fewest of `candidates` that suffice in addition to `endorsed`, the first ones if
/// there is a choice. None: even all of them do not suffice.
fn choose<'a>(
    endorsed: &[&'a str],
    candidates: &[&'a str],
    is_enough: impl Fn(&[&'a str]) -> bool,
) -> Option<Vec<&'a str>> {
    let with = |more: &[&'a str]| is_enough(&[endorsed, more].concat());
    if candidates.len() > MAX_COMBINED && with(candidates) {
        let needed = without_idle(candidates.to_vec(), candidates, with);
        return Some(if with(&[]) { Vec::new() } else { needed });
    }
    // A smaller set may suffice even if all together do not, because policies may be evaluated
    // greedily.
    combinations(candidates).find(|more| with(more))
}

/// Removes those of `some` that are not needed, the last ones first.
fn without_idle<'a>(
    mut chosen: Vec<&'a str>,
    some: &[&'a str],
    is_enough: impl Fn(&[&'a str]) -> bool,
) -> Vec<&'a str> {
    for idle in some.iter().rev() {
        let rest: Vec<&str> = chosen.iter().copied().filter(|one| one != idle).collect();
        if !rest.is_empty() && is_enough(&rest) {
            chosen = rest;
        }
    }
    chosen
}

/// Returns all minimal choices of `candidates` that suffice, small ones first. If there are many
/// candidates, returns only one choice for each candidate that can be in one.
pub fn choices<'a>(
    candidates: &[&'a str],
    is_enough: impl Fn(&[&'a str]) -> bool,
) -> Vec<Vec<&'a str>> {
    let mut found: Vec<Vec<&'a str>> = Vec::new();
    if candidates.len() > MAX_COMBINED && is_enough(candidates) {
        for first in 0..candidates.len() {
            let (before, from) = candidates.split_at(first);
            let chosen = without_idle(candidates.to_vec(), &[from, before].concat(), &is_enough);
            if !found.contains(&chosen) {
                found.push(chosen);
            }
        }
        found.sort_by_key(Vec::len);
        return found;
    }
    for chosen in combinations(candidates) {
        let has_all = |less: &Vec<&str>| less.iter().all(|one| chosen.contains(one));
        if !chosen.is_empty() && !found.iter().any(has_all) && is_enough(&chosen) {
            found.push(chosen);
        }
    }
    found
}

/// Returns all subsets of up to [`MAX_COMBINED`] candidates, small ones first.
fn combinations<'a>(candidates: &[&'a str]) -> impl Iterator<Item = Vec<&'a str>> {
    let candidates = candidates.iter().copied().take(MAX_COMBINED).collect::<Vec<_>>();
    let mut masks: Vec<u32> = (0..1 << candidates.len()).collect();
    // Of two subsets of the same size, the one that begins with an earlier candidate has the higher
    // value when its bits are reversed.
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
    fn of_many_candidates_only_those_are_taken_that_are_needed() {
        let names: Vec<String> = (0..40).map(|n| format!("org{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let last = |orgs: &[&str]| orgs.contains(&"org39");
        assert_eq!(choose(&[], &names, last), Some(vec!["org39"]));
        assert_eq!(choices(&names, last), [vec!["org39"]]);
        assert_eq!(choose(&["org0"], &names[1..], |_| true), Some(vec![]));
        let most = |orgs: &[&str]| orgs.len() > 20;
        assert_eq!(choose(&["org0"], &names[1..], most), Some(names[1..21].to_vec()));
        let found = choices(&names, most);
        assert!(found.iter().all(|orgs| orgs.len() == 21), "{found:?}");
        assert!(names.iter().all(|name| found.iter().any(|orgs| orgs.contains(name))));
        assert_eq!(choices(&names, |_| false), Vec::<Vec<&str>>::new());
    }

    #[test]
    fn an_endorsement_that_does_not_count_is_left_out() {
        let c = |orgs: &[&str]| orgs.contains(&"c");
        assert_eq!(needed(&["a"], &["b", "c"], c), Some(vec!["c"]));
        assert_eq!(needed(&["a", "c"], &["b"], c), Some(vec!["c"]));
        let two_of = |orgs: &[&str]| orgs.len() >= 2;
        assert_eq!(needed(&["a"], &["b", "c"], two_of), Some(vec!["a", "b"]));
        assert_eq!(needed(&["a"], &["b"], |_| true), Some(vec!["a"]));
        assert_eq!(needed(&["a"], &["b"], |_| false), None);
    }
}

//! Chooses the index of a query. CouchDB: `mango_idx_view:is_usable/3`,
//! `mango_cursor_view:choose_best_index/2`.
//!
//! Invariant: a chosen index contains every matching document.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::condition::{Comparison, Condition};
use super::field;
use super::field::Path;
use super::selector::Selector;

/// Returns true if the index of these fields contains every matching document, in the requested
/// order.
pub(super) fn is_usable(index: &[Path], selector: &Selector, sort: &[Path]) -> bool {
    let required = required(selector);
    let is_required = |field: &Path| required.as_ref().is_none_or(|all| all.contains(field));
    let is_there = |field: &Path| field::is_id(field) || sort.contains(field) || is_required(field);
    if !index.iter().all(is_there) {
        return false;
    }
    let Some(first) = sort.first() else { return true };
    // Fields with a constant value may precede the fields to sort by.
    let is_skipped = |field: &&Path| *field != first && bounds(selector, field).is_constant;
    let skipped = index.iter().take_while(is_skipped).count();
    index.get(skipped..).is_some_and(|fields| fields.starts_with(sort))
}

/// Returns true if the order by key is the requested one. CouchDB sorts by the key alone only if
/// the selector restricts the key: `mango_idx_special:is_usable/3`.
pub(super) fn is_ordered_by_key(selector: &Selector, sort: &[Path]) -> bool {
    match sort {
        [] => true,
        [only] => field::is_id(only) && bounds(selector, only).is_restricted,
        _ => false,
    }
}

/// The usable index with the lowest rank is chosen: the selector restricts most of its leading
/// fields.
pub(super) fn rank(index: &[Path], selector: &Selector) -> (Reverse<usize>, usize) {
    let is_restricted = |field: &&Path| bounds(selector, field).is_restricted;
    let restricted = index.iter().take_while(is_restricted).count();
    (Reverse(restricted), index.len())
}

/// Returns the fields that every matching document has; None if no document can match.
fn required(selector: &Selector) -> Option<BTreeSet<&Path>> {
    match selector {
        Selector::All(parts) => {
            let parts = parts.iter().map(required).collect::<Option<Vec<_>>>()?;
            Some(parts.into_iter().flatten().collect())
        }
        Selector::Any(parts) => {
            parts.iter().filter_map(required).reduce(|common, more| &common & &more)
        }
        Selector::Field(_, Condition::Exists(false)) => Some(BTreeSet::new()),
        Selector::Field(path, _) => Some(BTreeSet::from([path])),
        Selector::Not(_) => Some(BTreeSet::new()),
    }
}

/// How far the selector restricts a field of every matching document.
#[derive(Clone, Copy, Default)]
struct Bounds {
    is_restricted: bool,
    /// Only one value matches.
    is_constant: bool,
}

fn bounds(selector: &Selector, field: &Path) -> Bounds {
    match selector {
        Selector::All(parts) => {
            parts.iter().map(|part| bounds(part, field)).fold(Bounds::default(), |all, one| {
                Bounds {
                    is_restricted: all.is_restricted || one.is_restricted,
                    is_constant: all.is_constant || one.is_constant,
                }
            })
        }
        Selector::Field(path, condition) if path == field => match condition {
            Condition::Compare(Comparison::Ne, _) => Bounds::default(),
            Condition::Compare(comparison, _) => {
                Bounds { is_restricted: true, is_constant: *comparison == Comparison::Eq }
            }
            Condition::BeginsWith(_) | Condition::Exists(_) => {
                Bounds { is_restricted: true, is_constant: false }
            }
            _ => Bounds::default(),
        },
        _ => Bounds::default(),
    }
}

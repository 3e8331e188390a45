//! Finds the values of index columns in a document, in one walk.
//!
//! Invariant: the walk passes each part of a document at most once, however many columns there are,
//! so no definition makes commits slow.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::json::{JsonKind, Value};
use crate::rich::field::{Document, Path};
use crate::rich::work::STEP;

/// The columns of one or several indexes: sorted, without duplicates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns(Vec<Path>);

/// The values of these columns in a document.
pub(crate) struct FoundColumns<'a> {
    columns: &'a Columns,
    key: Option<&'a str>,
    values: Vec<Option<Value<'a>>>,
    passed: u64,
}

/// A value of a column.
pub(crate) enum FoundColumn<'a> {
    Value(Value<'a>),
    Key(&'a str),
}

impl<'a> FromIterator<&'a Path> for Columns {
    fn from_iter<T: IntoIterator<Item = &'a Path>>(paths: T) -> Self {
        let sorted: BTreeSet<_> = paths.into_iter().collect();
        Self(sorted.into_iter().cloned().collect())
    }
}

impl Columns {
    /// Finds the values of all columns.
    pub(crate) fn find<'a>(&'a self, document: Document<'a>) -> FoundColumns<'a> {
        let mut values = vec![None; self.0.len()];
        let passed = Cell::new(0);
        let paths: Vec<_> = self.0.iter().enumerate().collect();
        walk(document.value, 0, &paths, &mut values, &passed);
        FoundColumns { columns: self, key: document.key, values, passed: passed.get() }
    }
}

impl<'a> FoundColumns<'a> {
    /// The value of a column; None if the document lacks it.
    pub(crate) fn get(&self, column: &Path) -> Option<FoundColumn<'a>> {
        if let (true, Some(key)) = (column.is_id(), self.key) {
            return Some(FoundColumn::Key(key));
        }
        let place = self.columns.0.binary_search(column).ok()?;
        self.values.get(place).copied().flatten().map(FoundColumn::Value)
    }

    /// The work of the walk, in units.
    pub(crate) fn work(&self) -> u64 {
        self.passed * STEP
    }
}

/// Stores the values at `paths` below a value in `values`, each at the place given with its path.
/// The paths are sorted by what follows their first `depth` parts, which lead to the value. The
/// depth is limited by the number of parts in a name.
fn walk<'a>(
    value: Value<'a>,
    depth: usize,
    paths: &[(usize, &Path)],
    values: &mut [Option<Value<'a>>],
    passed: &Cell<u64>,
) {
    // The shortest paths come first.
    let end_here = paths.iter().take_while(|(_, path)| path.parts().len() == depth).count();
    let (here, paths) = paths.split_at(end_here);
    for (place, _) in here {
        if let Some(found) = values.get_mut(*place) {
            *found = Some(value);
        }
    }
    let groups = paths.chunk_by(|(_, a), (_, b)| a.part(depth) == b.part(depth));
    let groups =
        groups.filter_map(|group| group.first().map(|(_, first)| (first.part(depth), group)));
    let pass = || passed.set(passed.get() + 1);
    match value.kind() {
        JsonKind::Object => {
            // Members are sorted, too.
            let mut members = value.members().inspect(|_| pass()).peekable();
            for (name, group) in groups {
                while members.next_if(|(member, _)| *member < name).is_some() {}
                if let Some((_, inner)) = members.next_if(|(member, _)| *member == name) {
                    walk(inner, depth + 1, group, values, passed);
                }
            }
        }
        JsonKind::Array => {
            // Different spellings of an index, such as 0 and 00, lead to the same element.
            let mut indexed = BTreeMap::<usize, Vec<_>>::new();
            for (name, group) in groups {
                if let Ok(index) = name.parse() {
                    indexed.entry(index).or_default().extend_from_slice(group);
                }
            }
            let mut elements = value.elements().inspect(|_| pass()).enumerate();
            for (index, mut group) in indexed {
                let Some((_, inner)) = elements.find(|(at, _)| *at == index) else { break };
                group.sort_by_key(|&(_, path)| path.parts().get(depth + 1..));
                walk(inner, depth + 1, &group, values, passed);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::rich::field::FoundValue;
    use crate::rich::work::QueryWork;

    /// Checks that the walk finds the same values as a separate search for each column.
    fn is_found(paths: &[Path], json: &Json) {
        let columns: Columns = paths.iter().collect();
        let document = Document { key: Some("k"), value: json.value() };
        let found = columns.find(document);
        for path in paths {
            let alone = match path.find(document, &mut QueryWork::of(None)).unwrap() {
                FoundValue::Value(value) => Some(value.shown()),
                FoundValue::Key(key) => Some(format!("key {key}")),
                FoundValue::Missing | FoundValue::BadPath => None,
            };
            let together = found.get(path).map(|found| match found {
                FoundColumn::Value(value) => value.shown(),
                FoundColumn::Key(key) => format!("key {key}"),
            });
            assert_eq!(together, alone, "{path:?} in {}", json.value().shown());
        }
    }

    #[test]
    fn one_walk_finds_what_each_column_finds_alone() {
        let names = [
            "a", "a.b", "a.b.0", "a.b.00", "a.b.+1", "a.b.1", "a.b.1.c", "a.b.01.c", "a.b.01.a",
            "a.b.2", "a.b.x", "a.c", "b", "aa", "é", "_id", "_id.x", "0", "1.a", r"a\.b", "z",
        ];
        let paths = names.map(|name| Path::parse(name).unwrap());
        for json in [
            r#"{"a": {"b": [1, {"c": null}], "c": 2}, "b": "x", "_id": {"x": 1}, "a.b": 3}"#,
            r#"{"a": {"b": [[]]}, "é": {"x": 1}, "aa": null}"#,
            r#"{"a": {"b": [0, {"a": 3, "c": [4]}]}}"#,
            r#"{"a": {"b": {"01": {"a": 1}, "1": {"c": 2}, "00": 3}}}"#,
            r#"{"a": {"b": 1}, "aa": {}, "z": [], "0": 5, "1": {"a": 6}}"#,
            r#"{"a": [{"b": 1}], "b": {"a": 1}}"#,
            r#"{"a": {"b": []}}"#,
            "{}",
            "[1, {\"a\": 2}]",
            "7",
        ] {
            let json = Json::read(json.as_bytes()).unwrap();
            is_found(&paths, &json);
            for path in &paths {
                is_found(std::slice::from_ref(path), &json);
            }
        }
    }

    #[test]
    fn more_columns_are_no_longer_walk() {
        let members: Vec<_> = (0..10_000).map(|n| format!(r#""m{n:05}":[{n}]"#)).collect();
        let json = Json::read(format!("{{{}}}", members.join(",")).as_bytes()).unwrap();
        let document = Document { key: Some("k"), value: json.value() };
        let paths: Vec<_> =
            (9_000..10_000).map(|n| Path::parse(&format!("m{n:05}.0")).unwrap()).collect();
        let columns: Columns = paths.iter().collect();
        let found = columns.find(document);
        assert!(paths.iter().all(|path| found.get(path).is_some()));
        assert_eq!(found.work(), 11_000 * STEP);
        // Spellings of the same index.
        let json =
            Json::read(format!(r#"{{"a":[{{{}}}]}}"#, members.join(",")).as_bytes()).unwrap();
        let document = Document { key: Some("k"), value: json.value() };
        let paths: Vec<_> =
            (1..100).map(|n| Path::parse(&format!("a.{}.z", "0".repeat(n))).unwrap()).collect();
        let columns: Columns = paths.iter().collect();
        assert_eq!(columns.find(document).work(), 10_002 * STEP);
    }
}

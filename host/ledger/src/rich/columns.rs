//! The values of the columns of indexes in a document, found in one walk over it.
//!
//! Invariant: the walk passes each part of a document at most once, however many columns there are,
//! so no definition makes commits slow.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::json::{JsonKind, Value};
use crate::rich::field::{Document, Path};
use crate::rich::work::STEP;

/// The columns of one index or of several: sorted, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns(Vec<Path>);

/// What a document has at these columns.
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
    /// Looks all columns up.
    pub(crate) fn find<'a>(&'a self, document: Document<'a>) -> FoundColumns<'a> {
        let mut values = vec![None; self.0.len()];
        let passed = Cell::new(0);
        walk(document.value, 0, &self.0, &mut values, &passed);
        FoundColumns { columns: self, key: document.key, values, passed: passed.get() }
    }
}

impl<'a> FoundColumns<'a> {
    /// The value of a column; None if the document has none.
    pub(crate) fn get(&self, column: &Path) -> Option<FoundColumn<'a>> {
        if let (true, Some(key)) = (column.is_id(), self.key) {
            return Some(FoundColumn::Key(key));
        }
        let place = self.columns.0.binary_search(column).ok()?;
        self.values.get(place).copied().flatten().map(FoundColumn::Value)
    }

    /// Units of work of the walk.
    pub(crate) fn work(&self) -> u64 {
        self.passed * STEP
    }
}

/// Puts what is at `paths` below a value into `values`. The paths are sorted, and the same up to
/// `depth`, which is bounded as the parts of a name are.
fn walk<'a>(
    value: Value<'a>,
    depth: usize,
    paths: &[Path],
    values: &mut [Option<Value<'a>>],
    passed: &Cell<u64>,
) {
    // The shortest path comes first.
    let ends_here = paths.first().is_some_and(|first| first.parts().len() == depth);
    let (here, mut values) = values.split_at_mut(usize::from(ends_here));
    let (_, paths) = paths.split_at(here.len());
    here.fill(Some(value));
    let mut groups = Vec::new();
    for group in paths.chunk_by(|a, b| a.part(depth) == b.part(depth)) {
        let (found, rest) = std::mem::take(&mut values).split_at_mut(group.len());
        values = rest;
        groups.extend(group.first().map(|first| (first.part(depth), group, found)));
    }
    let pass = || passed.set(passed.get() + 1);
    match value.kind() {
        JsonKind::Object => {
            // Members are sorted, too.
            let mut members = value.members().inspect(|_| pass()).peekable();
            for (name, paths, values) in groups {
                while members.next_if(|(member, _)| *member < name).is_some() {}
                if let Some((_, inner)) = members.next_if(|(member, _)| *member == name) {
                    walk(inner, depth + 1, paths, values, passed);
                }
            }
        }
        JsonKind::Array => {
            let indexed = groups.into_iter().filter_map(|(name, paths, values)| {
                Some((name.parse::<usize>().ok()?, paths, values))
            });
            let mut indexed: Vec<_> = indexed.collect();
            indexed.sort_by_key(|(index, ..)| *index);
            let mut elements = value.elements().inspect(|_| pass()).enumerate().peekable();
            for (index, paths, values) in indexed {
                while elements.next_if(|(at, _)| *at < index).is_some() {}
                // It stays for another spelling of the same number.
                if let Some((_, inner)) = elements.peek() {
                    walk(*inner, depth + 1, paths, values, passed);
                }
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

    /// Whether the walk finds the same as the way to each column alone.
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
            "a", "a.b", "a.b.0", "a.b.00", "a.b.+1", "a.b.1", "a.b.1.c", "a.b.2", "a.b.x", "a.c",
            "b", "aa", "é", "_id", "_id.x", "0", "1.a", r"a\.b", "z",
        ];
        let paths = names.map(|name| Path::parse(name).unwrap());
        for json in [
            r#"{"a": {"b": [1, {"c": null}], "c": 2}, "b": "x", "_id": {"x": 1}, "a.b": 3}"#,
            r#"{"a": {"b": [[]]}, "é": {"x": 1}, "aa": null}"#,
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
    }
}

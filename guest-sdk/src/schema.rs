//! JSON schemas of a chaincode's types, as constants: a component builds no schemas at run time.
//!
//! The forms are those that Fabric's schema of contract metadata allows (fabric-contract-api-go,
//! metadata/schema/schema.json). A named type is an object with `$id` and `properties`; all other
//! types are described where they are used.

mod check;
mod json;
mod members;
mod write;

pub(crate) use write::Object;
pub(crate) use write::Writer;
pub(crate) use write::list;

/// The JSON schema (draft 07) of a type.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Schema {
    /// Any JSON.
    Any,
    /// No value, as for a transaction without a result.
    Nothing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// Text; the format may be empty.
    Text {
        /// For example `date-time`.
        format: &'static str,
    },
    /// One of these texts, as for an enum without data.
    Names {
        /// The texts.
        names: &'static [&'static str],
        /// May be empty.
        description: &'static str,
    },
    /// A number without a fraction.
    Integer {
        /// For example `int64`.
        format: &'static str,
        /// The smallest value, unless the format implies it.
        minimum: Option<i64>,
        /// The largest value, unless the format implies it.
        maximum: Option<i64>,
    },
    /// A number.
    Number {
        /// `float` or `double`.
        format: &'static str,
    },
    /// A list of these.
    List(&'static Schema),
    /// A list of these, in this order.
    Tuple(&'static [&'static Schema]),
    /// An object whose members have any names.
    Map(&'static Schema),
    /// A value that may be `null`.
    Optional(&'static Schema),
    /// An object with known members.
    Object {
        /// Its members.
        parts: &'static [Part],
        /// May be empty.
        description: &'static str,
    },
    /// One of several alternatives, as for an enum with data.
    OneOf {
        /// Each variant of the enum.
        alternatives: &'static [&'static Schema],
        /// May be empty.
        description: &'static str,
    },
    /// A type that others refer to by its name.
    Named {
        /// The name. If another type has the same name, the metadata adds a number.
        name: &'static str,
        /// The type's place in the source, which distinguishes types of the same name.
        place: &'static str,
        /// Returns a [`Schema::Object`] or [`Schema::OneOf`]. A function, since a type may contain
        /// itself.
        described: fn() -> &'static Schema,
    },
}

/// A part of an object.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// One member.
    Member {
        /// Its name in JSON.
        name: &'static str,
        /// Its schema.
        schema: &'static Schema,
        /// True if it may be missing.
        optional: bool,
        /// May be empty.
        description: &'static str,
    },
    /// All members of another type, as with `serde(flatten)`.
    Flattened {
        /// The other type.
        schema: &'static Schema,
        /// True if they may be missing.
        optional: bool,
    },
}

impl Schema {
    /// Returns true if the schema has rules that serde does not check.
    pub(crate) fn says_more_than_types(&self) -> bool {
        match self {
            // An object refuses unknown members.
            Self::Names { .. } | Self::Object { .. } | Self::OneOf { .. } | Self::Named { .. } => {
                true
            }
            Self::Integer { maximum, .. } => maximum.is_some(),
            Self::Number { format } => *format == "float",
            Self::List(inner) | Self::Map(inner) | Self::Optional(inner) => {
                inner.says_more_than_types()
            }
            Self::Tuple(parts) => parts.iter().any(|part| part.says_more_than_types()),
            Self::Any | Self::Nothing | Self::Null | Self::Boolean | Self::Text { .. } => false,
        }
    }

    /// Returns the type without its name and without `Optional`.
    fn itself(&'static self) -> &'static Self {
        match self {
            Self::Named { described, .. } => described().itself(),
            Self::Optional(inner) => inner.itself(),
            other => other,
        }
    }
}

/// Inserts an item into a list that is ordered by name; an item of the same name is replaced. In a
/// component this code is a tenth of the standard library's sort.
pub(crate) fn insert<T>(sorted: &mut Vec<T>, item: T, name: impl Fn(&T) -> &str) {
    match sorted.binary_search_by(|other| name(other).cmp(name(&item))) {
        Ok(at) => sorted[at] = item,
        Err(at) => sorted.insert(at, item),
    }
}

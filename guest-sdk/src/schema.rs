//! JSON schemas of a chaincode's types, as constants: a component builds nothing to know them.
//!
//! The forms are those that Fabric's schema of contract metadata allows (fabric-contract-api-go,
//! metadata/schema/schema.json): a named type is an object with `$id` and `properties`, every other
//! type is described where it is used.

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
    /// There is no value, as of a transaction without a result.
    Nothing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// Text. An empty format is none.
    Text {
        /// For example `date-time`.
        format: &'static str,
    },
    /// One of these texts, as of an enum without data.
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
        /// The smallest one, where it does not follow from the format.
        minimum: Option<i64>,
        /// The largest one, where it does not follow from the format.
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
    /// What may be `null` in its place.
    Optional(&'static Schema),
    /// An object with known members.
    Object {
        /// Its members.
        parts: &'static [Part],
        /// May be empty.
        description: &'static str,
    },
    /// One of several, as of an enum with data.
    OneOf {
        /// Each variant of the enum.
        alternatives: &'static [&'static Schema],
        /// May be empty.
        description: &'static str,
    },
    /// A type that others refer to by its name.
    Named {
        /// The name; if another type has it, too, the metadata adds a number.
        name: &'static str,
        /// Where the type is in the source, which tells it from others of that name.
        place: &'static str,
        /// An [`Schema::Object`] or [`Schema::OneOf`]. A function, since a type may contain itself.
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
        /// What it has.
        schema: &'static Schema,
        /// True if it may be missing.
        optional: bool,
        /// May be empty.
        description: &'static str,
    },
    /// All members of another type, as `serde(flatten)` has them.
    Flattened {
        /// The other type.
        schema: &'static Schema,
        /// True if they may be missing.
        optional: bool,
    },
}

impl Schema {
    /// Whether it has rules that serde does not know.
    pub(crate) fn says_more_than_types(&self) -> bool {
        match self {
            // An object refuses members that it does not know.
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

    /// The type itself, without a name around it and whether it may be missing.
    fn itself(&'static self) -> &'static Self {
        match self {
            Self::Named { described, .. } => described().itself(),
            Self::Optional(inner) => inner.itself(),
            other => other,
        }
    }
}

/// Puts an item into a list that is in the order of names, in place of one with the same name. In a
/// component this is a tenth of what the standard library's sort takes.
pub(crate) fn insert<T>(sorted: &mut Vec<T>, item: T, name: impl Fn(&T) -> &str) {
    match sorted.binary_search_by(|other| name(other).cmp(name(&item))) {
        Ok(at) => sorted[at] = item,
        Err(at) => sorted.insert(at, item),
    }
}

//! JSON schemas of a chaincode's types, and the structs that they refer to.
//!
//! The forms are those that Fabric's schema of contract metadata allows (fabric-contract-api-go,
//! metadata/schema/schema.json): a named type is an object with `$id` and `properties`, every other
//! type is described where it is used.
//!
//! Invariant: two types never share a name, even if their modules use the same one.

mod check;
mod object;

pub use object::Object;
pub use object::names;
pub use object::one_of;
pub use object::tuple;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// The place of types that are referred to.
const COMPONENTS: &str = "#/components/schemas/";

/// The structs that were found while describing a chaincode.
#[derive(Default)]
pub struct Schemas {
    pub(crate) components: Map<String, Value>,
    /// The type of each component, by its name in Rust.
    types: Vec<(&'static str, String)>,
    depth: usize,
}

impl Schemas {
    /// Refers to a type by name; `describe` makes its schema when the type is found for the first
    /// time.
    pub fn refer(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.components.contains_key(name) {
            // A type that contains itself is found again while it is described.
            self.components.insert(name.to_owned(), Value::Null);
            self.depth += 1;
            let mut schema = describe(self);
            self.depth -= 1;
            schema["$id"] = json!(name);
            self.components.insert(name.to_owned(), schema);
        }
        // Fabric's convention: the bare name inside of components, the path elsewhere.
        match self.depth {
            0 => json!({ "$ref": format!("{COMPONENTS}{name}") }),
            _ => json!({ "$ref": name }),
        }
    }

    /// Refers to the type `T` by name, or by that name with a number if another type has it.
    #[doc(hidden)]
    pub fn refer_to<T>(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Value) -> Value {
        let identity = std::any::type_name::<T>();
        let known = self.types.iter().find(|(of, _)| *of == identity);
        let name = known.map(|(_, name)| name.clone()).unwrap_or_else(|| {
            let numbered = (2..).map(|number| format!("{name}{number}"));
            let mut names = std::iter::once(name.to_owned()).chain(numbered);
            let free = names.find(|name| !self.components.contains_key(name));
            let name = free.expect("numbers do not end");
            self.types.push((identity, name.clone()));
            name
        });
        self.refer(&name, describe)
    }

    /// The schema of a struct from name, schema and optionality of its fields.
    pub fn object(name: &str, fields: Vec<(&str, Value, bool)>) -> Value {
        let mut object = Object::default();
        for (field, schema, optional) in fields {
            object = object.member(field, schema, optional, "");
        }
        let mut schema = object.into_schema("");
        schema["$id"] = json!(name);
        schema
    }

    /// The schema that a reference leads to.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
        let name = reference.strip_prefix(COMPONENTS).unwrap_or(reference);
        self.components.get(name).unwrap_or(schema)
    }
}

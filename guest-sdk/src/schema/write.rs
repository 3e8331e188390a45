//! Schemas as JSON, with members ordered by name.
//!
//! Small functions with many callers are not inlined: that saves 5 kB of a component.
//!
//! Invariant: two types never share a name, even if their modules use the same one.

use crate::schema::members::{Members, Others};
use crate::schema::{Part, Schema, insert};

/// The path of types that are referred to.
const COMPONENTS: &str = "#/components/schemas/";

/// Writes schemas and keeps the types that they refer to.
#[derive(Default)]
pub(crate) struct Writer {
    /// The place in the source and the name of each type that was found.
    names: Vec<(&'static str, String)>,
    /// The name and the finished JSON of each type.
    components: Vec<(String, String)>,
    depth: usize,
}

/// A JSON object that is being written.
pub(crate) struct Object<'a> {
    json: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn begin(json: &'a mut String) -> Self {
        json.push('{');
        Self { json, is_empty: true }
    }

    /// Begins a member; the caller writes its value.
    #[inline(never)]
    pub(crate) fn member(&mut self, name: &str) -> &mut String {
        if !self.is_empty {
            self.json.push(',');
        }
        self.is_empty = false;
        text(self.json, name);
        self.json.push(':');
        self.json
    }

    #[inline(never)]
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        text(self.member(name), value);
    }

    /// Writes a member unless it is empty.
    #[inline(never)]
    pub(crate) fn description(&mut self, words: &str) {
        if !words.is_empty() {
            self.text("description", words);
        }
    }

    #[inline(never)]
    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.member(name).push_str(if value { "true" } else { "false" });
    }

    #[inline(never)]
    fn number(&mut self, name: &str, value: i64) {
        self.member(name).push_str(&value.to_string());
    }

    fn texts(&mut self, name: &str, values: &[&str]) {
        list(self.member(name), values, |json, value| text(json, value));
    }

    /// Writes the type, or a list of the type and `null`.
    #[inline(never)]
    fn types(&mut self, name: &str, or_null: bool) {
        match or_null {
            true => self.texts("type", &[name, "null"]),
            false => self.text("type", name),
        }
    }

    /// Writes a schema without inner schemas.
    fn scalar(&mut self, schema: &Schema, or_null: bool) {
        match schema {
            Schema::Null => self.text("type", "null"),
            Schema::Boolean => self.types("boolean", or_null),
            Schema::Text { format } => {
                if !format.is_empty() {
                    self.text("format", format);
                }
                self.types("string", or_null);
            }
            Schema::Names { names, .. } => {
                self.texts("enum", names);
                if or_null {
                    self.json.pop();
                    self.json.push_str(",null]");
                }
                self.types("string", or_null);
            }
            Schema::Integer { format, minimum, maximum } => {
                self.text("format", format);
                maximum.iter().for_each(|maximum| self.number("maximum", *maximum));
                minimum.iter().for_each(|minimum| self.number("minimum", *minimum));
                self.types("integer", or_null);
            }
            Schema::Number { format } => {
                self.text("format", format);
                self.types("number", or_null);
            }
            _ => {}
        }
    }

    #[inline(never)]
    pub(crate) fn end(self) {
        self.json.push('}');
    }
}

/// Writes a JSON array of `items`.
pub(crate) fn list<T>(json: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    json.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write(json, item);
    }
    json.push(']');
}

/// Writes a JSON string.
fn text(json: &mut String, text: &str) {
    // A text always has a JSON form.
    json.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// How a schema is used at one place.
#[derive(Clone, Copy, Default)]
struct Use<'a> {
    /// Replaces its own description.
    description: &'a str,
    id: &'a str,
    or_null: bool,
}

impl Writer {
    /// Writes a schema; a non-empty `description` replaces its own.
    pub(crate) fn schema(&mut self, json: &mut String, schema: &'static Schema, description: &str) {
        self.write(json, schema, Use { description, ..Use::default() });
    }

    /// Writes all types that the schemas before refer to.
    pub(crate) fn components(self, json: &mut String) {
        let mut object = Object::begin(json);
        for (name, component) in &self.components {
            object.member(name).push_str(component);
        }
        object.end();
    }

    fn write(&mut self, json: &mut String, schema: &'static Schema, place: Use<'_>) {
        match schema {
            Schema::Optional(inner) => {
                return self.write(json, inner, Use { or_null: true, ..place });
            }
            Schema::Nothing => return json.push_str("null"),
            _ => {}
        }
        let own = match schema {
            Schema::Names { description, .. }
            | Schema::Object { description, .. }
            | Schema::OneOf { description, .. } => description,
            _ => "",
        };
        let description = if place.description.is_empty() { own } else { place.description };
        let or_null = place.or_null;
        let mut object = Object::begin(json);
        if !place.id.is_empty() {
            object.text("$id", place.id);
        }
        match schema {
            Schema::List(inner) => {
                object.description(description);
                self.schema(object.member("items"), inner, "");
                object.types("array", or_null);
            }
            Schema::Tuple(parts) => {
                object.description(description);
                list(object.member("items"), parts, |json, part| self.schema(json, part, ""));
                object.number("maxItems", parts.len() as i64);
                object.number("minItems", parts.len() as i64);
                object.types("array", or_null);
            }
            Schema::Map(inner) => {
                self.schema(object.member("additionalProperties"), inner, "");
                object.description(description);
                object.types("object", or_null);
            }
            Schema::Object { parts, .. } => self.object(&mut object, parts, description),
            Schema::OneOf { alternatives, .. } => {
                object.description(description);
                list(object.member("oneOf"), alternatives, |json, one| self.schema(json, one, ""));
                // Fabric's own schema requires these members for every named type.
                object.member("properties").push_str("{}");
            }
            Schema::Named { name, place, described } => {
                let name = self.refer(name, place, described());
                // Fabric's convention: the bare name within components, the path elsewhere.
                let begin = if self.depth == 0 { COMPONENTS } else { "" };
                object.text("$ref", &format!("{begin}{name}"));
                object.description(description);
            }
            scalar => {
                object.description(description);
                object.scalar(scalar, or_null);
            }
        }
        object.end();
    }

    fn object(&mut self, object: &mut Object<'_>, parts: &[Part], description: &str) {
        let Members { known, required, others } = Members::of(parts);
        match others {
            Others::Refused => object.boolean("additionalProperties", false),
            Others::Any => object.boolean("additionalProperties", true),
            Others::Like(schema) => self.schema(object.member("additionalProperties"), schema, ""),
        }
        object.description(description);
        let mut properties = Object::begin(object.member("properties"));
        for member in &known {
            self.schema(properties.member(member.name), member.schema, member.description);
        }
        properties.end();
        if !required.is_empty() {
            object.texts("required", &required);
        }
        object.text("type", "object");
    }

    /// Returns the name of a type, and describes the type when it is first found. If another type
    /// has the name, a number is appended.
    fn refer(&mut self, name: &str, place: &'static str, described: &'static Schema) -> String {
        if let Some((_, name)) = self.names.iter().find(|(known, _)| *known == place) {
            return name.clone();
        }
        let mut free = name.to_owned();
        let mut number = 2;
        while self.names.iter().any(|(_, taken)| *taken == free) {
            free = format!("{name}{number}");
            number += 1;
        }
        // Registered first: a recursive type is found again while it is described.
        self.names.push((place, free.clone()));
        let mut json = String::new();
        self.depth += 1;
        self.write(&mut json, described, Use { id: &free, ..Use::default() });
        self.depth -= 1;
        insert(&mut self.components, (free.clone(), json), |(name, _)| name);
        free
    }
}

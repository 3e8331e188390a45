//! JSON values as a list of nodes: each value, then its contents, then an end node if it has
//! contents. The members of an object are sorted by the bytes of their names. Of members with the
//! same name the last one is used, as in Go's maps.
//!
//! Invariant: reading, comparing and dropping a value needs no recursion, whatever its depth.

use crate::json::scan::{NotJson, Sink, is_blank, scan, unquote};

/// Longest text, in bytes: positions have 32 bits, and a string may grow to three times its length.
const MAX_BYTES: usize = 1 << 30;

/// A value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Json {
    nodes: Vec<JsonNode>,
    /// All strings, concatenated.
    text: String,
}

#[derive(Clone, Copy, Debug)]
enum JsonNode {
    /// The end of an array or an object.
    End,
    Null,
    Boolean(bool),
    Number {
        value: f64,
        is_integer: bool,
    },
    Text {
        start: u32,
        length: u32,
    },
    /// `nodes`: number of nodes, including this one and its end.
    Container {
        is_object: bool,
        nodes: u32,
    },
}

/// A value that is part of a [`Json`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    nodes: &'a [JsonNode],
    text: &'a str,
}

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum JsonKind<'a> {
    Null,
    Boolean(bool),
    Number(f64),
    Text(&'a str),
    Array,
    Object,
}

/// A part of a value, in the order of its nodes. Names and values of an object alternate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum JsonEvent<'a> {
    Value(JsonKind<'a>),
    /// The end of the innermost array or object.
    End,
}

impl Json {
    /// Reads a text that contains exactly one value.
    pub(crate) fn read(json: &[u8]) -> Result<Self, NotJson> {
        let (read, rest) = Self::read_first(json)?;
        match is_blank(rest) {
            true => Ok(read),
            false => Err(NotJson { at: json.len() - rest.len(), what: "text after the value" }),
        }
    }

    /// Reads the value at the beginning of a text, and returns the text after it.
    pub(crate) fn read_first(json: &[u8]) -> Result<(Self, &[u8]), NotJson> {
        if json.len() > MAX_BYTES {
            return Err(NotJson { at: MAX_BYTES, what: "more text than is read" });
        }
        let mut builder = JsonBuilder { is_sorted: true, ..JsonBuilder::default() };
        // An estimate that fits most texts.
        builder.json.nodes.reserve(json.len() / 8 + 4);
        builder.json.text.reserve(json.len());
        let rest = scan(json, &mut builder)?;
        Ok((builder.finish(), rest))
    }

    /// Reads a value as the document that Fabric's peer makes of it. A JSON object is used as it
    /// is. Anything else becomes an attachment of a document without members.
    pub(crate) fn read_document(value: &[u8]) -> Self {
        // A cheap test: most values that are not objects differ in the first character.
        let first = value.iter().find(|byte| !byte.is_ascii_whitespace());
        let object = if first == Some(&b'{') { Self::read(value).ok() } else { None };
        object.unwrap_or_else(Self::without_members)
    }

    fn without_members() -> Self {
        let nodes = vec![JsonNode::Container { is_object: true, nodes: 2 }, JsonNode::End];
        Self { nodes, text: String::new() }
    }

    /// The whole value.
    pub(crate) fn value(&self) -> Value<'_> {
        Value { nodes: &self.nodes, text: &self.text }
    }

    /// The memory that it uses, in bytes.
    pub(crate) fn weight(&self) -> usize {
        size_of_val(self.nodes.as_slice()) + self.text.len()
    }

    fn node(&self, at: usize) -> JsonNode {
        self.nodes.get(at).copied().unwrap_or(JsonNode::End)
    }

    /// Sorts the members of all objects.
    fn sorted(self) -> Self {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        let mut open: Vec<(usize, bool, std::vec::IntoIter<usize>)> = Vec::new();
        let mut next = Some(0);
        loop {
            if let Some(at) = next.take() {
                let node = self.node(at);
                if let JsonNode::Container { is_object, .. } = node {
                    open.push((nodes.len(), is_object, self.parts(at, is_object).into_iter()));
                }
                nodes.push(node);
            }
            let Some((head, is_object, parts)) = open.last_mut() else { break };
            match parts.next() {
                Some(name) if *is_object => {
                    nodes.push(self.node(name));
                    next = Some(name + 1);
                }
                Some(element) => next = Some(element),
                None => {
                    nodes.push(JsonNode::End);
                    let size = (nodes.len() - *head) as u32;
                    if let Some(JsonNode::Container { nodes, .. }) = nodes.get_mut(*head) {
                        *nodes = size;
                    }
                    open.pop();
                }
            }
        }
        Self { nodes, text: self.text }
    }

    /// The positions of an array's elements, or of the names of an object's effective members.
    fn parts(&self, head: usize, is_object: bool) -> Vec<usize> {
        let (mut parts, mut at) = (Vec::new(), head + 1);
        while !matches!(self.node(at), JsonNode::End) {
            parts.push(at);
            at += usize::from(is_object);
            at += size(self.node(at));
        }
        if is_object {
            let name = |at: &usize| self.text(self.node(*at));
            parts.sort_by(|a, b| name(a).cmp(name(b)));
            // Of equal names the last one is kept.
            parts.reverse();
            parts.dedup_by(|a, b| name(a) == name(b));
            parts.reverse();
        }
        parts
    }

    fn text(&self, node: JsonNode) -> &str {
        text_of(&self.text, node)
    }
}

fn text_of(text: &str, node: JsonNode) -> &str {
    let JsonNode::Text { start, length } = node else { return "" };
    let start = start as usize;
    text.get(start..start + length as usize).unwrap_or_default()
}

/// Returns the number of nodes of a value.
fn size(node: JsonNode) -> usize {
    match node {
        JsonNode::Container { nodes, .. } => nodes as usize,
        _ => 1,
    }
}

impl<'a> Value<'a> {
    /// The kind of this value.
    pub(crate) fn kind(self) -> JsonKind<'a> {
        self.nodes.first().map_or(JsonKind::Null, |node| self.kind_of(*node))
    }

    fn kind_of(self, node: JsonNode) -> JsonKind<'a> {
        match node {
            JsonNode::Null | JsonNode::End => JsonKind::Null,
            JsonNode::Boolean(value) => JsonKind::Boolean(value),
            JsonNode::Number { value, .. } => JsonKind::Number(value),
            JsonNode::Text { .. } => JsonKind::Text(text_of(self.text, node)),
            JsonNode::Container { is_object: false, .. } => JsonKind::Array,
            JsonNode::Container { is_object: true, .. } => JsonKind::Object,
        }
    }

    pub(crate) fn is_array(self) -> bool {
        self.kind() == JsonKind::Array
    }

    pub(crate) fn is_object(self) -> bool {
        self.kind() == JsonKind::Object
    }

    pub(crate) fn as_text(self) -> Option<&'a str> {
        match self.kind() {
            JsonKind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.kind() {
            JsonKind::Boolean(value) => Some(value),
            _ => None,
        }
    }

    /// Returns a number that is written without fraction and exponent.
    pub(crate) fn as_integer(self) -> Option<f64> {
        match self.nodes.first() {
            Some(JsonNode::Number { value, is_integer: true }) => Some(*value),
            _ => None,
        }
    }

    /// The elements of an array; empty for other values.
    pub(crate) fn elements(self) -> impl Iterator<Item = Value<'a>> {
        let whole = if self.is_array() { self } else { Self { nodes: &[], ..self } };
        whole.parts()
    }

    /// The members of an object, by name; empty for other values.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        let whole = if self.is_object() { self } else { Self { nodes: &[], ..self } };
        let mut parts = whole.parts();
        std::iter::from_fn(move || Some((parts.next()?.as_text()?, parts.next()?)))
    }

    /// The contents of an array or object: elements, or names and values in turn.
    fn parts(self) -> impl Iterator<Item = Value<'a>> {
        let mut rest = self.nodes.get(1..).unwrap_or_default();
        std::iter::from_fn(move || {
            let first = rest.first().filter(|node| !matches!(node, JsonNode::End))?;
            let (nodes, after) = rest.split_at_checked(size(*first))?;
            rest = after;
            Some(Value { nodes, text: self.text })
        })
    }

    /// All parts, this value included.
    pub(crate) fn events(self) -> impl Iterator<Item = JsonEvent<'a>> {
        self.nodes.iter().map(move |node| match node {
            JsonNode::End => JsonEvent::End,
            node => JsonEvent::Value(self.kind_of(*node)),
        })
    }

    /// Returns a copy of this value alone.
    pub(crate) fn to_json(self) -> Json {
        let mut text = String::new();
        let copied = self.nodes.iter().map(|node| match node {
            JsonNode::Text { .. } => {
                let start = text.len() as u32;
                let part = text_of(self.text, *node);
                text.push_str(part);
                JsonNode::Text { start, length: part.len() as u32 }
            }
            node => *node,
        });
        let nodes = copied.collect();
        Json { nodes, text }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        let nodes = vec![JsonNode::Text { start: 0, length: text.len() as u32 }];
        Self { nodes, text: text.to_owned() }
    }
}

/// Builds the nodes while a text is read.
#[derive(Default)]
struct JsonBuilder {
    json: Json,
    /// For each open object or array: its position, and an object's last name.
    open: Vec<(usize, Option<JsonNode>)>,
    /// True if all names came in ascending order, without duplicates.
    is_sorted: bool,
}

impl JsonBuilder {
    fn finish(self) -> Json {
        if self.is_sorted { self.json } else { self.json.sorted() }
    }

    fn push_text(&mut self, raw: &[u8]) -> JsonNode {
        let start = self.json.text.len();
        unquote(raw, &mut self.json.text);
        let length = (self.json.text.len() - start) as u32;
        let node = JsonNode::Text { start: start as u32, length };
        self.json.nodes.push(node);
        node
    }
}

impl Sink for JsonBuilder {
    fn null(&mut self) {
        self.json.nodes.push(JsonNode::Null);
    }

    fn boolean(&mut self, value: bool) {
        self.json.nodes.push(JsonNode::Boolean(value));
    }

    fn number(&mut self, value: f64, is_integer: bool) {
        self.json.nodes.push(JsonNode::Number { value, is_integer });
    }

    fn text(&mut self, raw: &[u8]) {
        self.push_text(raw);
    }

    fn name(&mut self, raw: &[u8]) {
        let name = self.push_text(raw);
        if let Some((_, last)) = self.open.last_mut()
            && let Some(last) = last.replace(name)
        {
            self.is_sorted &= self.json.text(last) < self.json.text(name);
        }
    }

    fn begin(&mut self, is_object: bool) {
        self.open.push((self.json.nodes.len(), None));
        self.json.nodes.push(JsonNode::Container { is_object, nodes: 0 });
    }

    fn end(&mut self) {
        let Some((head, _)) = self.open.pop() else { return };
        self.json.nodes.push(JsonNode::End);
        let size = (self.json.nodes.len() - head) as u32;
        if let Some(JsonNode::Container { nodes, .. }) = self.json.nodes.get_mut(head) {
            *nodes = size;
        }
    }
}

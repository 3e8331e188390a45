//! The members of an object, including those of flattened types.

use crate::schema::{Part, Schema, insert};

/// One member.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) schema: &'static Schema,
    pub(super) description: &'static str,
}

/// All members of an object.
#[derive(Default)]
pub(super) struct Members {
    /// Ordered by name.
    pub(super) known: Vec<Member>,
    pub(super) required: Vec<&'static str>,
    pub(super) others: Others,
}

/// Members that an object's description does not name.
#[derive(Clone, Copy, Default)]
pub(super) enum Others {
    #[default]
    Refused,
    /// Members of an enum's alternatives, which are not listed here.
    Any,
    Like(&'static Schema),
}

impl Members {
    pub(super) fn of(parts: &[Part]) -> Self {
        let mut members = Self::default();
        members.add(parts, false);
        members
    }

    pub(super) fn get(&self, name: &str) -> Option<&'static Schema> {
        self.known.iter().find(|member| member.name == name).map(|member| member.schema)
    }

    fn add(&mut self, parts: &[Part], all_optional: bool) {
        for part in parts {
            match *part {
                Part::Member { name, schema, optional, description } => {
                    if !(optional || all_optional) {
                        self.required.push(name);
                    }
                    let member = Member { name, schema, description };
                    insert(&mut self.known, member, |member| member.name);
                }
                Part::Flattened { schema, optional } => match schema.itself() {
                    Schema::Object { parts, .. } => self.add(parts, optional || all_optional),
                    Schema::Map(inner) => self.others = Others::Like(inner),
                    Schema::Nothing => {}
                    _ => self.others = Others::Any,
                },
            }
        }
    }
}

//! Conversion of names to other cases.
//!
//! Invariant: the rules return the same names as serde's `rename_all`.

/// One of serde's rules for `rename_all`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Rule {
    /// Returns the rule that serde calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// Renames a field, given in snake_case.
    pub(crate) fn field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => pascal(name),
            Self::Camel => uncapitalized(&pascal(name)),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// Renames a variant, given in PascalCase.
    pub(crate) fn variant(self, name: &str) -> String {
        match self {
            Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => uncapitalized(name),
            _ => self.field(&snake(name)),
        }
    }
}

/// Converts snake_case: `create_asset` becomes `CreateAsset`.
pub(crate) fn pascal(name: &str) -> String {
    name.split('_').map(capitalized).collect()
}

/// The name with an upper-case first letter.
pub(crate) fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the names to compare with a call, whose first letter is upper-case if it is ASCII. A
/// component has no case table beyond ASCII, so a lower-case first letter adds a second name.
pub(crate) fn both_cases(name: &str) -> Vec<String> {
    let capital = capitalized(name);
    let mut names = vec![capital.clone()];
    for other in [name.to_owned(), uncapitalized(&capital)] {
        if !other.starts_with(|first: char| first.is_ascii()) && !names.contains(&other) {
            names.push(other);
        }
    }
    names
}

fn uncapitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_variants_are_spelled_as_serde_does() {
        let spelled = |rule: &str| {
            let rule = Rule::named(rule).unwrap();
            (rule.field("appraised_value"), rule.variant("VeryTasty"))
        };
        let expected = [
            ("lowercase", "appraised_value", "verytasty"),
            ("UPPERCASE", "APPRAISED_VALUE", "VERYTASTY"),
            ("PascalCase", "AppraisedValue", "VeryTasty"),
            ("camelCase", "appraisedValue", "veryTasty"),
            ("snake_case", "appraised_value", "very_tasty"),
            ("SCREAMING_SNAKE_CASE", "APPRAISED_VALUE", "VERY_TASTY"),
            ("kebab-case", "appraised-value", "very-tasty"),
            ("SCREAMING-KEBAB-CASE", "APPRAISED-VALUE", "VERY-TASTY"),
        ];
        for (rule, field, variant) in expected {
            assert_eq!(spelled(rule), (field.to_owned(), variant.to_owned()), "{rule}");
        }
        assert_eq!(Rule::named("Title Case"), None);
    }

    #[test]
    fn a_first_letter_beyond_ascii_has_two_names() {
        assert_eq!(both_cases("read"), ["Read"]);
        assert_eq!(both_cases("_read"), ["_read"]);
        assert_eq!(both_cases("émettre"), ["Émettre", "émettre"]);
        assert_eq!(both_cases("Émettre"), ["Émettre", "émettre"]);
        assert_eq!(both_cases("ßeta"), ["SSeta", "ßeta"]);
        assert_eq!(both_cases("読む"), ["読む"]);
    }
}

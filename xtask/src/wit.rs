//! Writes `docs/wit.md`, the reference of the WIT package, from the comments in `wit/`.
//!
//! Does not check the package: wasm-tools does, in a test.

use std::fmt::Write;
use std::fs;
use std::iter::Peekable;
use std::path::PathBuf;
use std::str::Lines;

use anyhow::{Context, Result, bail};

use crate::root;

/// The interfaces, in the order of the page.
const INTERFACES: [&str; 10] = [
    "contract",
    "transaction",
    "state",
    "query",
    "rows",
    "private-data",
    "invocation",
    "event",
    "log",
    "types",
];

/// A declaration with the comment above it, and with the declarations in its braces.
#[derive(Debug, Default)]
struct Item {
    docs: String,
    /// The text without its last character: a brace, comma or semicolon.
    head: String,
    members: Vec<Item>,
}

impl Item {
    /// Returns `record`, `variant`, `interface` and so on, or the name if the declaration begins
    /// with it.
    fn keyword(&self) -> &str {
        self.head.split([' ', ':', '(']).next().unwrap_or_default()
    }

    fn is_reference(&self) -> bool {
        matches!(self.keyword(), "use" | "import" | "export" | "package")
    }

    fn is_type(&self) -> bool {
        matches!(self.keyword(), "record" | "variant" | "enum" | "resource")
    }

    /// Collects the heads of declarations without a comment.
    fn undocumented<'a>(&'a self, found: &mut Vec<&'a str>) {
        if self.docs.is_empty() && !self.is_reference() {
            found.push(&self.head);
        }
        self.members.iter().for_each(|member| member.undocumented(found));
    }
}

/// Returns the path of the page.
pub fn page_path() -> PathBuf {
    root().join("docs/wit.md")
}

/// Writes the page.
///
/// # Errors
/// The package cannot be read, or a declaration has no comment.
pub fn run() -> Result<()> {
    fs::write(page_path(), page()?).context("docs/wit.md")
}

/// Returns the text of the page.
///
/// # Errors
/// The package cannot be read, or a declaration has no comment.
pub fn page() -> Result<String> {
    let mut text = String::from(
        "# The interface between a component and its peer\n\
         <!-- `cargo xtask wit` writes this page from the comments in wit/. -->\n\
         This is the reference of the package `fabric:chaincode@0.2.0`, in [`wit/`](../wit). \
         [compatibility.md](compatibility.md) says what may change in it, and \
         [languages.md](languages.md) how components are made of it.\n\n",
    );
    let world = read("world")?;
    write!(text, "## The world `chaincode`\n{}\n", world.docs)?;
    text.push_str("```wit\n");
    for member in &world.members {
        writeln!(text, "{};", member.head)?;
    }
    text.push_str("```\n");
    for name in INTERFACES {
        interface(&mut text, name, &read(name)?)?;
    }
    Ok(text)
}

fn interface(text: &mut String, name: &str, interface: &Item) -> Result<()> {
    write!(text, "\n## `{name}`\n{}\n", interface.docs)?;
    let used: Vec<_> = interface.members.iter().filter(|item| item.is_reference()).collect();
    if !used.is_empty() {
        let used = used.iter().map(|item| {
            let names = item.head.trim_start_matches("use ");
            format!("`{names}`")
        });
        write!(text, "\nIt uses {}.\n", used.collect::<Vec<_>>().join(" and "))?;
    }
    for item in interface.members.iter().filter(|item| item.is_type()) {
        write!(text, "\n### `{}`\n{}\n", item.head, item.docs)?;
        match item.keyword() {
            "resource" => item.members.iter().try_for_each(|method| function(text, method))?,
            _ => table(text, item)?,
        }
    }
    let functions = interface.members.iter().filter(|item| !item.is_type());
    functions.filter(|item| !item.is_reference()).try_for_each(|item| function(text, item))
}

fn table(text: &mut String, of: &Item) -> Result<()> {
    let kind = if of.keyword() == "record" { "field" } else { "case" };
    write!(text, "\n| {kind} | what |\n| --- | --- |\n")?;
    for member in &of.members {
        writeln!(text, "| `{}` | {} |", member.head, member.docs.replace('\n', " "))?;
    }
    Ok(())
}

fn function(text: &mut String, function: &Item) -> Result<()> {
    let Item { head, docs, .. } = function;
    let (name, signature) = head.split_once(": ").with_context(|| format!("{head:?}"))?;
    write!(text, "\n#### `{name}`\n```wit\n{name}: {signature}\n```\n{docs}\n")?;
    Ok(())
}

/// Reads a file and returns its only declaration.
fn read(name: &str) -> Result<Item> {
    let path = root().join("wit").join(name).with_extension("wit");
    let file = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let items = items(&mut file.lines().peekable());
    let mut items = items.with_context(|| path.display().to_string())?.into_iter();
    let item = items.find(|item| !item.is_reference());
    let item = item.with_context(|| format!("{} declares nothing", path.display()))?;
    let mut undocumented = Vec::new();
    item.undocumented(&mut undocumented);
    if !undocumented.is_empty() {
        bail!("{}: no comment above {}", path.display(), undocumented.join(", "));
    }
    Ok(item)
}

/// Reads declarations up to the closing brace.
fn items(lines: &mut Peekable<Lines<'_>>) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut docs: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(words) = line.strip_prefix("///") {
            docs.push(words.strip_prefix(' ').unwrap_or(words));
            continue;
        }
        match line {
            "" => continue,
            "}" => return Ok(items),
            _ => {}
        }
        let mut head = line.to_owned();
        while head.matches('(').count() > head.matches(')').count() {
            let more = lines.next().with_context(|| format!("{head:?} does not end"))?.trim();
            let is_first = head.ends_with('(');
            let blank = if is_first || more.starts_with(')') { "" } else { " " };
            if more.starts_with(')') {
                head.truncate(head.trim_end_matches(',').len());
            }
            head += blank;
            head += more;
        }
        let end = head.pop();
        let members = match end {
            Some('{') => self::items(lines)?,
            Some(';' | ',') => Vec::new(),
            _ => bail!("{line:?} is not a declaration that ends with its line"),
        };
        let docs = std::mem::take(&mut docs).join("\n");
        items.push(Item { docs, head: head.trim().to_owned(), members });
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_function_and_every_type() {
        let page = page().unwrap();
        let mut functions = 0;
        for entry in fs::read_dir(root().join("wit")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            functions += text.matches(": func(").count();
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(name == "world" || INTERFACES.contains(&name), "{name}");
        }
        assert_eq!(page.matches("\n#### `").count(), functions);
        let signature = "put-private-data: func(collection: string, key: string, \
                         value: list<u8>) -> result<_, error>\n";
        assert!(page.contains(signature), "{page}");
        assert!(page.contains("| `key: string` | The key, as the chaincode wrote it. |"), "{page}");
    }

    #[test]
    fn a_declaration_without_a_comment_is_found() {
        let text = "/// Docs.\ninterface x {\n  record y {\n    a: u8,\n  }\n}\n";
        let item = items(&mut text.lines().peekable()).unwrap().remove(0);
        let mut found = Vec::new();
        item.undocumented(&mut found);
        assert_eq!(found, ["record y", "a: u8"]);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for text in ["interface", "interface x {\n  f: func(a: u8,\n"] {
            assert!(items(&mut text.lines().peekable()).is_err(), "{text}");
        }
    }
}

//! Checks the documents: links have targets, and numbers and flags are those of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;
use wasmcc_api as api;
use wasmcc_bridge as bridge;
use wasmcc_cli::command_with_variables;
use wasmcc_committer as committer;
use wasmcc_ledger as ledger;
use wasmcc_metrics as metrics;
use wasmcc_msp as msp;
use wasmcc_peer::chaincode;
use wasmcc_runtime as runtime;

/// Returns the markdown files of the repository.
fn documents() -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir()
                && !matches!(
                    name.as_str(),
                    "target" | "node_modules" | ".git" | ".venv" | ".wasmcc"
                )
            {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(xtask::root(), &mut found);
    found.sort();
    found
}

fn document(name: &str) -> String {
    fs::read_to_string(xtask::root().join("docs").join(name)).unwrap()
}

/// Returns the cells of all table rows, without surrounding blanks.
fn table_rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches([' ', '|'])).collect())
}

/// Returns the name in a cell that is one name between backticks.
fn quoted(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

/// Returns the texts between backticks, outside of code blocks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| !line.starts_with("```"));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_link_of_a_document_leads_to_a_file() {
    let (mut links, mut broken) = (0, Vec::new());
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if target.contains("://") || file.is_empty() {
                continue;
            }
            links += 1;
            if !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(links > 10, "only {links} links were seen");
}

#[test]
fn the_index_names_every_document() {
    let index = document("README.md");
    for path in documents().iter().filter(|path| path.starts_with(xtask::root().join("docs"))) {
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "{name}");
    }
}

/// The options of all verbs together.
#[derive(Default)]
struct CommandLine {
    /// With their two hyphens.
    flags: BTreeSet<String>,
    /// Environment variables.
    variables: BTreeSet<String>,
    /// The flags below the headings of the help that are about limits.
    limits: BTreeSet<String>,
}

impl CommandLine {
    fn add(&mut self, command: &Command) {
        for argument in command.get_arguments() {
            let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            self.variables.extend(variable);
            // The variable of this program where the help names Fabric's.
            let own = |long: &str| format!("WASMCC_{}", long.replace('-', "_").to_uppercase());
            self.variables.extend(argument.get_long().map(own));
            let names = argument.get_long_and_visible_aliases().unwrap_or_default();
            let flags = names.into_iter().map(|name| format!("--{name}"));
            if matches!(argument.get_help_heading(), Some("Limits" | "Connections")) {
                self.limits.extend(flags.clone());
            }
            self.flags.extend(flags);
        }
        command.get_subcommands().for_each(|verb| self.add(verb));
    }
}

#[test]
fn every_flag_and_variable_in_the_documents_is_in_the_help() {
    let mut help = CommandLine::default();
    help.add(&command_with_variables());
    let mut unknown = Vec::new();
    for name in ["limits.md", "security.md", "compatibility.md", "operations.md"] {
        let text = document(name);
        for word in code_spans(&text).flat_map(str::split_whitespace) {
            let flag = word.split('=').next().unwrap();
            let is_variable = word.starts_with("WASMCC_") || word.starts_with("CORE_");
            if flag.starts_with("--") && !help.flags.contains(flag)
                || is_variable && !help.variables.contains(flag)
            {
                unknown.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    let text = document("limits.md");
    let named: BTreeSet<&str> = code_spans(&text).flat_map(str::split_whitespace).collect();
    let left_out = help.limits.iter().filter(|flag| !named.contains(flag.as_str()));
    assert_eq!(left_out.collect::<Vec<_>>(), Vec::<&String>::new(), "they are not in limits.md");
    assert!(help.limits.len() > 8);
}

#[test]
fn the_reference_of_the_command_line_is_that_of_the_help() {
    let current = wasmcc_cli::reference();
    assert!(
        document("cli.md") == current,
        "docs/cli.md is not current: `wasmcc man --markdown docs/cli.md` writes it"
    );
    assert!(current.lines().filter(|line| line.starts_with("## wasmcc ")).count() > 30);
}

/// Returns the defaults of the configurations, as they print themselves.
fn defaults() -> BTreeMap<&'static str, String> {
    let compiler = runtime::ChildCompiler::new(PathBuf::new());
    BTreeMap::from([
        ("Limits", format!("{:?}", runtime::Limits::default())),
        ("CodeLimits", format!("{:?}", runtime::CodeLimits::default())),
        ("ChildCompiler", format!("{compiler:?}")),
        ("SupportConfig", format!("{:?}", chaincode::SupportConfig::default())),
        ("QueryLimits", format!("{:?}", chaincode::QueryLimits::default())),
        ("ExternalConfig", format!("{:?}", chaincode::ExternalConfig::default())),
        ("LedgerConfig", format!("{:?}", ledger::LedgerConfig::default())),
        ("ServerConfig", format!("{:?}", api::ServerConfig::default())),
        ("DeliverConfig", format!("{:?}", api::DeliverConfig::default())),
        ("Patience", format!("{:?}", api::Patience::default())),
        ("BatchLimits", format!("{:?}", msp::BatchLimits::default())),
        ("SoloConfig", format!("{:?}", committer::SoloConfig::default())),
        ("ProgramConfig", format!("{:?}", bridge::ProgramConfig::default())),
        ("StreamBounds", format!("{:?}", bridge::StreamBounds::default())),
    ])
}

/// Converts a default in a document to the form that `Debug` prints: `64 MiB` to `67108864`, `30 s`
/// to `30s`.
fn as_printed(default: &str) -> Option<String> {
    if default == "unbounded" {
        return Some(u64::MAX.to_string());
    }
    let (number, unit) = default.split_once(' ').unwrap_or((default, ""));
    let number: u64 = number.replace(',', "").parse().ok()?;
    match unit {
        "" => Some(number.to_string()),
        "s" => Some(format!("{number}s")),
        "KiB" => Some((number << 10).to_string()),
        "MiB" => Some((number << 20).to_string()),
        "GiB" => Some((number << 30).to_string()),
        _ => None,
    }
}

#[test]
fn every_default_in_the_document_of_limits_is_that_of_the_code() {
    let (text, defaults) = (document("limits.md"), defaults());
    let (mut named, mut wrong) = (BTreeSet::new(), Vec::new());
    for row in table_rows(&text) {
        let Some((config, field)) = quoted(row[0]).and_then(|name| name.split_once("::")) else {
            continue;
        };
        named.insert(field);
        let printed = format!("{field}: {}", as_printed(row[2]).unwrap_or_default());
        let is_there = defaults.get(config).is_some_and(|all| {
            let mut rest = all.match_indices(&printed).map(|(at, found)| &all[at + found.len()..]);
            rest.any(|after| after.starts_with([',', ' ', '}']))
        });
        if !is_there {
            wrong.push(format!("{config}: {printed}"));
        }
    }
    for (config, all) in &defaults {
        let fields = all.split([' ', '{']).zip(all.split([' ', '{']).skip(1));
        let numbers = fields.filter_map(|(field, value)| {
            let is_number = value.starts_with(|c: char| c.is_ascii_digit());
            field.strip_suffix(':').filter(|_| is_number)
        });
        wrong.extend(
            numbers.filter(|field| !named.contains(field)).map(|it| format!("no {config}::{it}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(named.len() > 60);
}

#[test]
fn the_document_of_operations_has_every_metric_as_it_is() {
    let text = document("operations.md");
    let rows = table_rows(&text).filter(|row| row.len() == 4);
    let documented: BTreeMap<&str, String> = rows
        .filter_map(|row| {
            let name = quoted(row[0]).filter(|name| !name.starts_with('/'))?;
            Some((name, row[1..].join(" | ")))
        })
        .collect();
    let labels = |labels: &[&str]| match labels {
        [] => "–".to_owned(),
        labels => labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", "),
    };
    let known: BTreeMap<&str, String> = metrics::descriptions()
        .iter()
        .map(|metric| {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            (metric.name, [kind, labels(metric.labels), metric.help.to_owned()].join(" | "))
        })
        .collect();
    assert_eq!(documented, known);
    assert!(known.len() > 40);
}

/// Returns the host's files with prices, by name without extension.
fn price_files() -> BTreeMap<String, String> {
    fn collect(folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if let Some(name @ ("cost.rs" | "work.rs" | "regular.rs")) =
                path.file_name().and_then(|name| name.to_str())
            {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                found.entry(name.replace(".rs", "")).or_default().push_str(code);
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&xtask::root().join("host"), &mut found);
    found
}

fn number(text: &str) -> Option<u64> {
    text.trim().replace([',', '_'], "").parse().ok()
}

/// `const NAME: u64 = 5_000;`
fn constants(code: &str) -> impl Iterator<Item = (&str, u64)> {
    code.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once("const ")?.1.split_once(": ")?;
        Some((name, number(rest.split_once(" = ")?.1.strip_suffix(';')?)?))
    })
}

/// Finds `fn name(bytes: usize) -> u64 { 1_000 + 4 * bytes as u64 }`: returns the fixed part, and
/// the part per byte.
fn sums(code: &str) -> impl Iterator<Item = (&str, u64, u64)> {
    code.split("fn ").skip(1).filter_map(|function| {
        let (name, rest) = function.split_once("(bytes: usize) -> u64 {")?;
        let (fixed, each) = rest.split_once('}')?.0.split_once(" + ")?;
        let each = each.trim().strip_suffix("bytes as u64")?.trim_end_matches(" * ");
        Some((name, number(fixed)?, if each.is_empty() { 1 } else { number(each)? }))
    })
}

#[test]
fn every_price_in_the_document_is_that_of_the_code() {
    let text = document("determinism.md");
    let named = |row: Vec<_>| Some((quoted(row[0]).filter(|name| name.contains("::"))?, row));
    let rows: BTreeMap<&str, Vec<&str>> = table_rows(&text).filter_map(named).collect();
    let priced = |name: &str, column: usize| rows.get(name).and_then(|row| number(row[column]));
    let files = price_files();
    let mut seen = BTreeSet::new();
    for (file, code) in &files {
        for (name, units) in constants(code) {
            // The interval of metering and sizes of expressions are not prices.
            let is_price = file != "regular" || name.ends_with("STATE");
            if is_price && name != "BATCH" {
                let name = format!("{file}::{name}");
                assert_eq!(priced(&name, 1), Some(units), "{name}");
                seen.insert(name);
            }
        }
        for (name, units, each) in sums(code) {
            let name = format!("{file}::{name}");
            assert_eq!((priced(&name, 1), priced(&name, 2)), (Some(units), Some(each)), "{name}");
            seen.insert(name);
        }
    }
    let documented: BTreeSet<String> = rows.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(documented, seen);
}

#[test]
fn the_workflow_runs_the_gate_and_nothing_else() {
    let workflow = fs::read_to_string(xtask::root().join(".github/workflows/ci.yml")).unwrap();
    assert!(workflow.contains("run: .ci/run"));
    // Actions are pinned by a full version.
    for action in workflow.lines().filter_map(|line| line.trim().strip_prefix("- uses: ")) {
        let version = action.split_once("@v").unwrap().1;
        assert_eq!(version.split('.').count(), 3, "{action}");
    }
}

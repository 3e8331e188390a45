//! The files of `deploy/` use only existing features of the program.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use wasmcc_tests::program::{Site, program};

fn deploy_file(name: &str) -> String {
    fs::read_to_string(xtask::root().join("deploy").join(name)).unwrap()
}

/// Expects the program to accept a configuration, and returns it.
fn taken(variables: &[(&str, &str)], file: &str, verb: &[&str]) -> String {
    let site = Site::new();
    let file = xtask::root().join(file);
    let args = [&["--config", file.to_str().unwrap(), "config"], verb].concat();
    let printed = site.run_with(variables, &args).ok().out;
    assert!(!printed.contains("# no option has"), "{printed}");
    assert!(printed.contains("operations-listen = "), "{printed}");
    printed
}

#[test]
fn the_configuration_and_the_command_of_the_unit_are_taken() {
    let unit = deploy_file("wasmcc-peer.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..3], ["/usr/local/bin/wasmcc", "--config", "/etc/wasmcc/wasmcc.toml"]);
    taken(&[], "deploy/wasmcc.toml", &words[3..]);
}

#[test]
fn variables_and_command_of_the_container_are_taken() {
    let text = deploy_file("Containerfile");
    let set = text.lines().filter_map(|line| line.strip_prefix("ENV ")?.split_once('='));
    let set: Vec<_> = set.filter(|(name, _)| *name != "WASMCC_CONFIG").collect();
    assert_eq!(set.len(), 2);
    let command = text.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let command: Vec<String> = serde_json::from_str(command).unwrap();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let printed = taken(&set, "deploy/wasmcc.toml", &words);
    for (name, _) in set {
        assert!(printed.contains(&format!("# variable {name}\n")), "{name}: {printed}");
    }
    let toolchain = fs::read_to_string(xtask::root().join("rust-toolchain.toml")).unwrap();
    let version = text.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let version = version.split('-').next().unwrap();
    assert!(toolchain.contains(&format!("channel = \"{version}")), "{version}: {toolchain}");
}

/// A stage of the container file: its instructions with their arguments, in order.
struct Stage<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Stage<'a> {
    fn names(&self) -> String {
        self.0.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
    }

    fn all(&self, name: &str) -> Vec<&'a str> {
        self.0.iter().filter(|(it, _)| *it == name).map(|(_, given)| *given).collect()
    }

    fn one(&self, name: &str) -> &'a str {
        let [given] = self.all(name)[..] else { panic!("{name}: {:?}", self.0) };
        given
    }
}

/// Returns the build stage and the image.
fn stages(text: &str) -> (Stage<'_>, Stage<'_>) {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut all: Vec<_> = lines.map(|line| line.split_once(' ').unwrap()).collect();
    let image = all.split_off(all.iter().rposition(|(name, _)| *name == "FROM").unwrap());
    (Stage(all), Stage(image))
}

/// Returns the value of an option.
fn option<'a>(words: &[&'a str], name: &str) -> &'a str {
    let at = words.iter().position(|word| *word == name);
    words[at.unwrap_or_else(|| panic!("no {name}: {words:?}")) + 1]
}

#[test]
fn the_stage_that_builds_builds_this_repository() {
    let text = deploy_file("Containerfile");
    let (build, _) = stages(&text);
    assert_eq!(build.names(), "FROM RUN WORKDIR COPY ARG RUN");
    let [installs, compiles] = build.all("RUN")[..] else { panic!("{text}") };
    for command in [installs, compiles] {
        let read = Command::new("sh").args(["-n", "-c", command]).status().unwrap();
        assert!(read.success(), "no shell can read {command}");
    }
    assert!(installs.contains(" apt-get install -y --no-install-recommends gcc libc6-dev "));
    // The context leaves out nothing that belongs to the repository.
    assert_eq!(build.one("COPY"), ". .");
    let ignored = deploy_file("Containerfile.dockerignore");
    let ignored: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(ignored, ["target", "**/node_modules", ".git"]);
    let kept = fs::read_to_string(xtask::root().join(".gitignore")).unwrap();
    for folder in ["target", "node_modules"] {
        assert!(kept.lines().any(|line| line.trim_matches('/') == folder), "{folder}: {kept}");
    }
    // The cargo command names an existing package and program.
    let words: Vec<&str> = compiles.split(' ').collect();
    assert_eq!(words[..3], ["RUSTUP_TOOLCHAIN=\"$RUST_VERSION\"", "cargo", "build"]);
    assert!(words.contains(&"--release") && words.contains(&"--locked"), "{compiles}");
    let mut cargo = xtask::cargo::command();
    cargo.args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"]);
    let metadata: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|it| it["name"] == option(&words, "--package")).unwrap();
    let targets = package["targets"].as_array().unwrap();
    let program = json!(option(&words, "--bin"));
    assert!(targets.iter().any(|it| it["kind"][0] == "bin" && it["name"] == program), "{package}");
    // The program reads this argument at build time.
    let commit = build.one("ARG").strip_suffix('=').unwrap();
    let version = xtask::root().join("host/cli/src/operations/requests.rs");
    let version = fs::read_to_string(version).unwrap();
    assert!(version.contains(&format!("option_env!(\"{commit}\")")), "nothing reads {commit}");
}

#[test]
fn the_lines_of_the_image_fit_each_other() {
    let text = deploy_file("Containerfile");
    let (build, image) = stages(&text);
    let order =
        "FROM RUN COPY COPY USER VOLUME WORKDIR ENV ENV ENV EXPOSE STOPSIGNAL ENTRYPOINT CMD";
    assert_eq!(image.names(), order);
    // Both use the same distribution, so that the C library fits.
    let distribution = image.one("FROM").strip_prefix("debian:").unwrap();
    let distribution = distribution.split('-').next().unwrap();
    assert!(build.one("FROM").contains(distribution), "{distribution}");
    let stage = build.one("FROM").rsplit_once(" AS ").unwrap().1;
    let [program, configuration] = image.all("COPY")[..] else { panic!("{text}") };
    let built = format!("{}/target/release/wasmcc", build.one("WORKDIR"));
    let (from, to) =
        program.strip_prefix(&format!("--from={stage} ")).unwrap().split_once(' ').unwrap();
    let entry: Vec<String> = serde_json::from_str(image.one("ENTRYPOINT")).unwrap();
    assert_eq!((from, to), (built.as_str(), entry[0].as_str()));
    let (file, there) = configuration.split_once(' ').unwrap();
    assert!(xtask::root().join(file).is_file(), "{file}");
    let set = |name: &str| {
        let found = image.all("ENV").into_iter().find_map(|it| it.strip_prefix(name));
        found.and_then(|value| value.strip_prefix('=')).unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(set("WASMCC_CONFIG"), there);
    let ports = ["WASMCC_LISTEN", "WASMCC_OPERATIONS_LISTEN"].map(|name| {
        let (host, port) = set(name).rsplit_once(':').unwrap();
        assert_eq!(host, "0.0.0.0", "{name} is not reached from outside");
        port
    });
    assert_eq!(image.one("EXPOSE").split(' ').collect::<Vec<_>>(), ports);
    // The user that runs owns the folder that outlives the container.
    let words: Vec<&str> = image.one("RUN").split(' ').collect();
    let (number, home) = (option(&words, "--uid"), option(&words, "--home-dir"));
    assert_eq!(words[0], "useradd");
    assert!(words.contains(&"--create-home"), "{words:?}");
    assert_eq!(image.one("USER"), format!("{number}:{number}"));
    assert_eq!((image.one("VOLUME"), image.one("WORKDIR")), (home, home));
    let settings = fs::read_to_string(xtask::root().join(file)).unwrap();
    assert!(settings.contains(&format!("data = \"{home}/")), "{settings}");
    assert_eq!(image.one("STOPSIGNAL"), "SIGTERM");
}

#[test]
fn every_setting_of_the_unit_and_the_container_has_its_reason() {
    for name in ["wasmcc-peer.service", "Containerfile", "wasmcc.toml"] {
        // A comment belongs to the lines up to the next empty line.
        for part in deploy_file(name).split("\n\n") {
            let is_free = |line: &str| line.is_empty() || line.starts_with(['#', '[']);
            let has_settings = part.lines().any(|line| !is_free(line));
            let only_installs = part.starts_with("[Install]");
            assert!(!has_settings || only_installs || part.contains("# "), "{name}: {part}");
        }
    }
}

#[test]
fn systemd_understands_the_unit() {
    // Without systemd, the check is skipped.
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wasmcc-peer.service");
    let unit = deploy_file("wasmcc-peer.service");
    // Neither the program nor its manual is installed here.
    let unit = unit.replace("/usr/local/bin/wasmcc", program().to_str().unwrap());
    let unit = unit.replace("Documentation=man:wasmcc-peer(1)\n", "");
    fs::write(&path, unit).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("wasmcc-peer")).collect();
    assert!(about_it.is_empty(), "{about_it:#?}");
}

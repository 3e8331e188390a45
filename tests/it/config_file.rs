//! Options of the program from flags, variables and a file.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use wasmcc_tests::program::{Run, Site};

/// Returns values and sources by key.
fn in_force(run: Run) -> BTreeMap<String, (Value, String)> {
    let rows = run.ok().json();
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("key"), (row["value"].clone(), text("source")))
    };
    rows.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn flags_win_over_variables_and_these_over_the_file() {
    let site = Site::new();
    let file = "log-format = \"json\"\n\n[peer]\nqueue = 10\nworkers = 3\nfuel = 5\n";
    fs::write(site.path("wasmcc.toml"), file).unwrap();
    let variables = [
        ("WASMCC_QUEUE", "20"),
        ("WASMCC_WORKERS", "4"),
        ("WASMCC_LISTEN", "h:1"),
        ("WASMCC_CHAINCODE_DEV", "1"),
    ];
    let args = ["config", "--json", "peer", "--queue", "30"];
    let rows = in_force(site.run_with(&variables, &args));
    let row = |key: &str| rows[key].clone();
    assert_eq!(row("queue"), (json!(30), "flag".into()));
    assert_eq!(row("workers"), (json!(4), "variable WASMCC_WORKERS".into()));
    assert_eq!(row("fuel"), (json!(5), "wasmcc.toml:6".into()));
    assert_eq!(row("log-format"), (json!("json"), "wasmcc.toml:1".into()));
    assert_eq!(row("listen"), (json!(["h:1"]), "variable WASMCC_LISTEN".into()));
    assert_eq!(row("chaincode-dev"), (json!(true), "variable WASMCC_CHAINCODE_DEV".into()));
    assert_eq!(row("grace"), (json!("10s"), "default".into()));
    assert_eq!(row("network"), (json!("net"), "variable WASMCC_NETWORK".into()));
    assert_eq!(row("data"), (Value::Null, "default: data/MSPID in the network folder".into()));
    // This program's variable has precedence over Fabric's.
    let both = [("CORE_PEER_TLS_CERT_FILE", "fabric"), ("WASMCC_TLS_CERT", "own")];
    let rows = in_force(site.run_with(&both, &["config", "--json", "peer"]));
    assert_eq!(rows["tls-cert"], (json!(["own"]), "variable WASMCC_TLS_CERT".into()));
}

#[test]
fn variables_of_fabrics_peer_name_a_client_and_its_peer() {
    let site = Site::new();
    let set = [
        ("CORE_PEER_ADDRESS", "h:1"),
        ("CORE_PEER_LOCALMSPID", "Org1MSP"),
        ("CORE_PEER_MSPCONFIGPATH", "admin/msp"),
    ];
    let rows = |more: &[(&str, &str)], flags: &[&str]| {
        let args = [&["config", "--json", "channels"], flags].concat();
        in_force(site.run_with(&[&set[..], more].concat(), &args))
    };
    let all = rows(&[], &[]);
    for ((name, value), key) in set.iter().zip(["peer", "org", "msp"]) {
        assert_eq!(all[key], (json!(value), format!("variable {name}")));
    }
    let own = rows(&[("WASMCC_PEER", "h:2"), ("WASMCC_USER", "User2")], &["--org", "Org1MSP"]);
    let value = |rows: &BTreeMap<String, (Value, String)>, key: &str| rows[key].0.clone();
    assert_eq!((value(&own, "peer"), value(&own, "user")), (json!("h:2"), json!("User2")));
    assert_eq!((&own["org"].1, value(&own, "msp")), (&"flag".to_owned(), Value::Null));
    // The folder belongs to the organization in the other variable.
    for (org, msp) in [("Org1MSP", json!("admin/msp")), ("Org2MSP", Value::Null)] {
        assert_eq!(value(&rows(&[], &["--org", org]), "msp"), msp, "{org}");
        assert_eq!(value(&rows(&[("WASMCC_ORG", org)], &[]), "msp"), msp, "{org}");
    }
    let nameless = rows(&[("CORE_PEER_LOCALMSPID", "")], &["--org", "Org2MSP"]);
    assert_eq!(value(&nameless, "msp"), json!("admin/msp"));
    let given = rows(&[("WASMCC_USER", "User2")], &["--msp", "m", "--org", "Org2MSP"]);
    assert_eq!((value(&given, "msp"), value(&given, "user")), (json!("m"), Value::Null));
    let refused = site.run_with(&set, &["channels", "--msp", "m", "--user", "User1"]).failed(2);
    assert!(refused.contains("cannot be used with"), "{refused}");
    // A peer that is started is not a client.
    let peer = in_force(site.run_with(&set, &["config", "--json", "peer"]));
    assert_eq!((value(&peer, "org"), &*peer["listen"].1), (Value::Null, "default"));
}

#[test]
fn a_peer_runs_with_what_the_file_says() {
    let site = Site::new();
    let file = "[peer]\nnetwork = \"net\"\ndata = \"kept\"\nchannel = [\"one\", \"two\"]\n\
                log-spec = \"info\"\n";
    fs::write(site.path("wasmcc.toml"), file).unwrap();
    let mut peer = site.peer(&[]);
    assert!(peer.line("options are also read from a file").contains("wasmcc.toml"));
    let channels = peer.run(&["channels", "--json"]).ok().json();
    assert_eq!(channels, json!(["one", "two"]));
    peer.terminate().ok();
    assert!(site.path("kept").is_dir());
}

#[test]
fn what_config_prints_is_a_file_that_says_the_same() {
    let site = Site::new();
    let flags = ["--listen=a:1", "--listen=b:2", "--batch-timeout=5ms", "--chaincode-dev"];
    let printed = site.run(&[&["config", "peer"][..], &flags].concat()).ok().out;
    fs::write(site.path("own.toml"), &printed).unwrap();
    let rows = in_force(site.run(&["config", "--json", "--config", "own.toml", "peer"]));
    let value = |key: &str| rows[key].0.clone();
    assert_eq!(value("listen"), json!(["a:1", "b:2"]), "{printed}");
    assert_eq!((value("batch-timeout"), value("chaincode-dev")), (json!("5ms"), json!(true)));
    assert!(rows["batch-timeout"].1.starts_with("own.toml:"), "{rows:?}");
    let again = site.run(&["--config", "own.toml", "config", "peer"]).ok().out;
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&printed));
}

#[test]
fn mistakes_in_the_file_and_in_names_of_variables_are_named() {
    let site = Site::new();
    fs::write(site.path("wasmcc.toml"), "[serve]\nqueue = 1\n\n[peer]\nbatch-timeot = \"1s\"\n")
        .unwrap();
    // For every verb.
    for verb in [&["peer"][..], &["channels"], &["config", "serve"]] {
        let refused = site.run(verb).failed(2);
        let text = "error: wasmcc.toml, line 5: there is no 'batch-timeot' in [peer]; did you mean \
                    'batch-timeout'?";
        assert!(refused.contains(text), "{refused}");
    }
    let missing = site.run(&["peer", "--config", "none.toml"]).failed(2);
    assert!(missing.contains("cannot read none.toml"), "{missing}");
    let spelt = [("WASMCC_BATCH_TIMEOT", "1s")];
    let config = ["--config", "/dev/null", "config", "peer"];
    let printed = site.run_with(&spelt, &config).ok().out;
    let text = "# no option has the variable WASMCC_BATCH_TIMEOT; is it WASMCC_BATCH_TIMEOUT?";
    assert!(printed.contains(text), "{printed}");
    let wrong = site.run_with(&[("WASMCC_QUEUE", "many")], &["--config", "/dev/null", "peer"]);
    let wrong = wrong.failed(2);
    let text = "error: variable WASMCC_QUEUE: invalid value 'many' for '--queue <N>'";
    assert!(wrong.contains(text), "{wrong}");
    // An error in a flag is reported as the flag's, and a flag overrides a variable.
    let flag = ["--config", "/dev/null", "config", "peer", "--queue"];
    let both = [("WASMCC_QUEUE", "many")];
    let wrong = site.run_with(&both, &[&flag[..], &["lots"]].concat()).failed(2);
    assert!(wrong.contains("error: invalid value 'lots' for '--queue <N>'"), "{wrong}");
    site.run_with(&both, &[&flag[..], &["5"]].concat()).ok();
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let site = Site::new();
    fs::write(site.path("wasmcc.toml"), "[peer]\nqueue = 10\ntls-cert = [\"of-file\"]\n").unwrap();
    let names = [
        "CORE_OPERATIONS_LISTENADDRESS",
        "CORE_OPERATIONS_TLS_CERT_FILE",
        "CORE_PEER_TLS_CERT_FILE",
        "CORE_PEER_TLS_CLIENTAUTHREQUIRED",
        "CORE_PEER_TLS_CLIENTROOTCAS_FILES",
        "CORE_PEER_TLS_ENABLED",
        "FABRIC_LOGGING_SPEC",
        "WASMCC_IN_MEMORY",
        "WASMCC_ORG",
        "WASMCC_QUEUE",
        "WASMCC_TLS_KEY",
    ];
    let empty: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
    let set = [&empty[..], &[("CORE_PEER_TLS_KEY_FILE", "of-fabric")]].concat();
    let rows = in_force(site.run_with(&set, &["config", "--json", "peer"]));
    let row = |key: &str| rows[key].clone();
    assert_eq!(row("queue"), (json!(10), "wasmcc.toml:2".into()));
    assert_eq!(row("tls-cert"), (json!(["of-file"]), "wasmcc.toml:3".into()));
    // An empty variable of this program does not hide Fabric's.
    assert_eq!(row("tls-key"), (json!(["of-fabric"]), "variable CORE_PEER_TLS_KEY_FILE".into()));
    assert_eq!(row("in-memory"), (json!(false), "default".into()));
    for key in ["operations-listen", "tls", "tls-client-ca", "tls-client-auth", "log-spec"] {
        assert_eq!(row(key).0, Value::Null, "{key}");
    }
    // Go's texts of booleans are accepted.
    let words = [("CORE_PEER_TLS_ENABLED", "TRUE"), ("CORE_PEER_TLS_CLIENTAUTHREQUIRED", "0")];
    let rows = in_force(site.run_with(&words, &["config", "--json", "peer"]));
    assert_eq!((&rows["tls"].0, &rows["tls-client-auth"].0), (&json!(true), &json!(false)));
}

#[test]
fn secrets_are_not_printed() {
    let site = Site::new();
    let secret = "0123456789abcdef0123";
    let printed = site.run(&["config", "deploy", "--secret", secret]).ok().out;
    assert!(!printed.contains(secret) && printed.contains("secret = \"(hidden)\""), "{printed}");
}

#[test]
fn shells_and_manuals_get_all_verbs() {
    let site = Site::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = site.run(&["completions", shell]).ok().out;
        assert!(script.contains("batch-timeout") && script.contains("lifecycle"), "{shell}");
    }
    site.run(&["man", "pages"]).ok();
    for page in ["wasmcc.1", "wasmcc-peer.1", "wasmcc-serve.1"] {
        let text = fs::read_to_string(site.path("pages").join(page)).unwrap();
        assert!(text.starts_with(".ie"), "{page}: {text}");
    }
}

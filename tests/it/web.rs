//! The page of `wasmcc dev` and of `wasmcc peer --web`, requested like a browser does.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};
use wasmcc_tests::dev::{Dev, FREE_PORTS, Folder};
use wasmcc_tests::program::Site;
use wasmcc_tests::web::Page;

const COLLECTIONS: &str = r#"[
    {"name":"both","policy":"OR('Org1MSP.member','Org2MSP.member')","requiredPeerCount":0,
     "maxPeerCount":1},
    {"name":"first","policy":"OR('Org1MSP.member')","requiredPeerCount":0,"maxPeerCount":1}
]"#;

/// Starts a network that runs the component `probe.wasm` of its folder.
fn with_probe(folder: &Folder) -> (Dev, Page) {
    folder.put_guest("probe", "probe.wasm");
    let dev = folder.dev(&["probe.wasm"]);
    (dev, folder.page())
}

/// Returns a call of `probe` by the first organization.
fn body(args: &[&str]) -> Value {
    json!({
        "channel": "mychannel", "chaincode": "probe", "org": "Org1MSP", "user": "User1",
        "args": args,
    })
}

#[track_caller]
fn submit(page: &Page, args: &[&str]) -> Value {
    let answered = page.post("/api/submit", &body(args));
    assert_eq!(answered.status, 200, "{}", answered.text());
    answered.json()
}

fn on(path: &str, parameters: &str) -> String {
    format!("/api/{path}?channel=mychannel{parameters}")
}

#[test]
fn what_happens_is_told_and_can_be_looked_into() {
    let folder = Folder::new();
    let (_dev, page) = with_probe(&folder);
    let about = page.get("/api/about");
    assert_eq!((&about["calls"], &about["channels"]), (&json!(true), &json!(["mychannel"])));
    let users = about["organizations"][1]["users"].as_array().unwrap();
    assert!(users.contains(&json!("User1")) && users.contains(&json!("Admin")), "{about}");

    let mut stream = page.follow(None);
    let written = submit(&page, &["rmw", "asset", "{\"n\":1}"]);
    assert_eq!(
        (&written["status"], &written["endorsements"][1]["msp_id"]),
        (&json!("VALID"), &json!("Org2MSP"))
    );
    let id = written["tx_id"].as_str().unwrap();
    let (last, told) = stream.wait_for(|entry| entry["tx_id"] == id);
    assert_eq!((&told["function"], &told["verdict"]), (&json!("rmw"), &json!("VALID")));
    assert_eq!((&told["fuel"], &told["block"]), (&written["fuel"], &written["block"]));
    drop(stream);
    // A client that reconnects continues where it was.
    let again = submit(&page, &["rmw", "asset", "{\"n\":2}"]);
    let (next, _) = page.follow(Some(&last)).wait_for(|entry| entry["kind"] == "transaction");
    let (later, _) = page.follow(Some(&last)).wait_for(|entry| entry["tx_id"] == again["tx_id"]);
    assert!(next == later && later != last, "{last} {next} {later}");

    let tx = page.get(&on("transaction", &format!("&id={id}")));
    assert_eq!((&tx["code"], &tx["details"]["input"][1]), (&json!("VALID"), &json!("asset")));
    let orgs: Vec<_> =
        tx["endorsements"].as_array().unwrap().iter().map(|it| &it["msp_id"]).collect();
    assert!(orgs.contains(&&json!("Org1MSP")) && orgs.contains(&&json!("Org2MSP")), "{tx:#}");
    assert_eq!(tx["endorsements"][0]["fuel"], written["fuel"]);
    let checks = tx["endorsements"][1]["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 10, "{checks:?}");
    let signature = checks.iter().find(|it| it[0] == "the signature is the creator's").unwrap();
    assert!(signature[1] == true && signature[2].as_f64() > Some(0.0), "{signature}");
    let place = format!("{}:0", written["block"]);
    assert_eq!(page.get(&on("transaction", &format!("&id={place}"))), tx);
    let whole = page.ask(&on("transaction", &format!("&id={id}&whole=1")));
    assert!(whole.head.contains("attachment") && whole.json()["details"] == tx["details"]);

    let replayed = page.get(&on("replay", &format!("&id={id}")));
    assert_eq!((&replayed["result"], &replayed["fuel"]), (&json!("same"), &written["fuel"]));
    let calls = replayed["calls"].as_array().unwrap();
    let called: Vec<_> = calls.iter().map(|call| call["call"].as_str().unwrap()).collect();
    assert_eq!(called, ["get-state", "put-state"]);
    assert_eq!(calls[1]["arguments"]["value"], "{\"n\":1}");
    assert!(calls[0]["us"].is_u64() && calls[0]["fuel"].as_u64() < calls[1]["fuel"].as_u64());

    let blocks = page.get(&on("blocks", "&limit=2"));
    assert_eq!(blocks["blocks"][0]["number"], again["block"]);
    assert_eq!((blocks["blocks"].as_array().unwrap().len(), &blocks["more"]), (2, &json!(true)));
    let block = page.get(&on("block", &format!("&number={}", written["block"])));
    assert_eq!(block["transactions"][0]["tx_id"], id);
    let chain = page.get(&on("chain", ""));
    assert_eq!(chain["organizations"], json!(["Org1MSP", "Org2MSP"]));

    let state = page.get(&on("state", "&chaincode=probe&prefix=as"));
    let version = format!("{}:0", again["block"]);
    assert_eq!(
        (&state["keys"][0]["name"], &state["keys"][0]["version"]),
        (&json!("asset"), &json!(version))
    );
    let history = page.get(&on("history", "&chaincode=probe&key=asset"));
    assert_eq!(history["writes"][0]["value"], "{\"n\":1}{\"n\":2}");
    assert_eq!((&history["writes"][1]["tx_id"], &history["more"]), (&json!(id), &json!(false)));
    let older = page.ask(&on("value", &format!("&chaincode=probe&key=asset&tx={id}")));
    assert_eq!(older.text(), "{\"n\":1}");

    let costs = page.get("/api/costs");
    let row = costs.as_array().unwrap().iter().find(|row| row["function"] == "rmw").unwrap();
    assert_eq!((&row["runs"], &row["valid"], &row["refused"]), (&json!(2), &json!(2), &json!(0)));
    let both = written["fuel"].as_u64().unwrap() + again["fuel"].as_u64().unwrap();
    assert_eq!(row["fuel"], both);
    assert_eq!(row["host_calls"], 2 * written["host_calls"].as_u64().unwrap());
}

#[test]
fn contracts_are_described_and_called_as_any_user() {
    let folder = Folder::new();
    folder.put_guest("asset-transfer-basic", "basic.wasm");
    let _dev = folder.dev(&["basic.wasm"]);
    let page = folder.page();
    let all = page.get(&on("chaincodes", ""));
    let basic = &all["chaincodes"][0];
    assert_eq!((&basic["name"], &basic["version"]), (&json!("basic"), &json!("1.0")));
    let component = &basic["packages"][0];
    assert!(component["capabilities"].as_array().unwrap().contains(&json!("state")), "{basic:#}");
    assert_eq!(component["limits"]["fuel"], 10_000_000_000_u64);
    let described = page.get(&on("metadata", "&chaincode=basic"));
    let functions = &described["metadata"]["contracts"]["AssetTransfer"]["transactions"];
    let read = functions.as_array().unwrap().iter().find(|it| it["name"] == "ReadAsset").unwrap();
    assert_eq!(
        (&read["parameters"][0]["name"], &read["tag"][0]),
        (&json!("id"), &json!("evaluate"))
    );

    let call = |args: &[&str], org: &str, user: &str| {
        let mut call = body(args);
        (call["chaincode"], call["org"], call["user"]) = (json!("basic"), json!(org), json!(user));
        call
    };
    let done = page.post("/api/submit", &call(&["InitLedger"], "Org2MSP", "Admin")).json();
    let tx = page.get(&on("transaction", &format!("&id={}", done["tx_id"].as_str().unwrap())));
    assert_eq!(tx["details"]["creator"]["name"], "Admin@org2.example.com");
    let read =
        page.post("/api/evaluate", &call(&["ReadAsset", "asset1"], "Org1MSP", "User1")).json();
    assert!(
        read["payload"].as_str().unwrap().contains("Tomoko") && read["fuel"].as_u64() > Some(0)
    );

    let refused = page.post("/api/evaluate", &call(&["ReadAsset", "none"], "Org1MSP", "User1"));
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("the asset none does not exist"), "{}", refused.text());
    let nobody = page.post("/api/evaluate", &call(&["ReadAsset", "a"], "Org1MSP", "nobody"));
    assert_eq!(nobody.status, 400, "{}", nobody.text());
    // A new user may call as well.
    folder.run(&["network", "user", "add", "alice"]).ok();
    let alice = page.post("/api/evaluate", &call(&["AssetExists", "asset1"], "Org1MSP", "alice"));
    assert_eq!(alice.json()["payload"], "true", "{}", alice.text());
    assert!(page.get("/api/about")["organizations"][0].to_string().contains("alice"));
}

#[test]
fn values_of_any_kind_and_private_data_of_each_organization_are_shown() {
    let folder = Folder::new();
    let (_dev, page) = with_probe(&folder);
    fs::write(folder.path("collections.json"), COLLECTIONS).unwrap();
    let args = ["--collections-config", "collections.json", "--lifecycle"];
    folder.run(&[&["deploy", "probe.wasm", "--name", "probe"][..], &args].concat()).ok();
    submit(&page, &["put", "<b>x</b>\u{202e}", "<script>alert(1)</script>"]);
    submit(&page, &["comp", "asset", "red", "a1", "one"]);
    submit(&page, &["comp", "asset", "blue", "a2", "two"]);
    submit(&page, &["big", "huge", "100000"]);

    let state = page.get(&on("state", "&chaincode=probe&prefix=%3Cb%3E"));
    assert_eq!(state["keys"][0]["value"], "<script>alert(1)</script>");
    let red = page.get(&on("state", "&chaincode=probe&prefix=%00asset%00red%00"));
    assert_eq!(red["keys"].as_array().unwrap().len(), 1);
    assert_eq!(red["keys"][0]["name"], "\u{0}asset\u{0}red\u{0}a1\u{0}");
    let first = page.get(&on("state", "&chaincode=probe&limit=1"));
    assert_eq!((&first["more"], &first["keys"][0]["value"]), (&json!(true), &json!("two")));
    let next = page.get(&on("state", "&chaincode=probe&limit=1&after=%00asset%00blue%00a2%00"));
    assert_eq!(next["keys"][0]["value"], "one");

    let huge = page.get(&on("history", "&chaincode=probe&key=huge"));
    assert_eq!(huge["current"]["value"]["bytes"], 100_000);
    assert!(huge.to_string().len() < 50_000);
    assert_eq!(page.ask(&on("value", "&chaincode=probe&key=huge")).body.len(), 100_000);
    let of_peer = page.get(&on("state", "&chaincode=_lifecycle&prefix=namespaces")).to_string();
    assert!(of_peer.contains("\"hex\":"), "{of_peer}");

    submit(&page, &["pput", "both", "k", "known to both"]);
    submit(&page, &["pput", "first", "k", "known to one"]);
    let both = page.get(&on("private", "&chaincode=probe&collection=both"));
    let sides = &both["keys"][0]["sides"];
    assert_eq!(
        (&sides[0]["value"], &sides[1]["value"]),
        (&json!("known to both"), &json!("known to both"))
    );
    let first = page.get(&on("private", "&chaincode=probe&collection=first"));
    let sides = &first["keys"][0]["sides"];
    assert_eq!((&sides[0]["value"], &sides[1]["value"]), (&json!("known to one"), &Value::Null));
    assert_eq!(
        (&sides[0]["current"], &sides[1]["value_hash"]),
        (&json!(true), &sides[0]["value_hash"])
    );
    let held = on("value", "&chaincode=probe&collection=first&key=k&org=Org1MSP");
    assert_eq!(page.ask(&held).text(), "known to one");
    page.refused(&on("value", "&chaincode=probe&collection=first&key=k&org=Org2MSP"), 404);

    assert_eq!(first["hashes"], json!([]), "what is held here is not among the bare hashes");

    // Data that are in no block are listed.
    let mut call = body(&["pput-transient", "both", "t", "secret"]);
    call["transient"] = json!({ "secret": { "base64": "aGlkZGVu" } });
    let done = page.post("/api/submit", &call).json();
    let replayed = page.get(&on("replay", &format!("&id={}", done["tx_id"].as_str().unwrap())));
    assert!(replayed["reasons"].to_string().contains("transient"), "{replayed:#}");
    assert_eq!(
        (&replayed["result"], &replayed["offered_transient"]),
        (&json!("unknown"), &json!({}))
    );
    let offer = |value: &str| {
        let transient = format!("%7B%22secret%22:%22{value}%22%7D");
        let id = done["tx_id"].as_str().unwrap();
        page.ask(&on("replay", &format!("&id={id}&transient={transient}")))
    };
    let replayed = offer("aGlkZGVu").json();
    assert_eq!(
        (&replayed["result"], &replayed["offered_transient"]["secret"]),
        (&json!("same"), &json!(6))
    );
    assert_eq!(offer("b3RoZXI=").json()["result"], "unknown");
    assert_eq!(offer("?").status, 400);
}

#[test]
fn web_sites_and_strangers_get_nothing() {
    let folder = Folder::new();
    let (_dev, page) = with_probe(&folder);
    let (host, origin) =
        (format!("Host: {}", page.address()), format!("Origin: http://{}", page.address()));
    let status =
        |first: &str, head: &[&str], body: &str| page.send(first, head, body.as_bytes()).status;
    for paths in ["GET /", "GET /main.mjs", "GET /api/about", "GET /api/live"] {
        assert_eq!(status(paths, &["Host: attacker.example"], ""), 403, "{paths}");
        assert_eq!(status(paths, &[&host, "Origin: http://attacker.example"], ""), 403, "{paths}");
        assert_eq!(status(paths, &[&host, "Sec-Fetch-Site: cross-site"], ""), 403, "{paths}");
    }
    assert_eq!(status("GET /", &[], ""), 403);
    assert_eq!(status("GET /api/about", &["Host: localhost:1"], ""), 200);

    let token = page.get("/api/about")["token"].as_str().unwrap().to_owned();
    let token = format!("X-Wasmcc-Token: {token}");
    let json = "Content-Type: application/json";
    let call = body(&["put", "k", "v"]).to_string();
    let post = |head: &[&str]| status("POST /api/submit", head, &call);
    for (head, expected) in [
        (vec![host.as_str(), json, &token], 403),
        (vec![&host, "Origin: http://attacker.example", json, &token], 403),
        (vec![&host, "Origin: null", json, &token], 403),
        (vec![&host, &origin, &token, "Content-Type: text/plain"], 415),
        (vec![&host, &origin, &token], 415),
        (vec![&host, &origin, json], 403),
        (vec![&host, &origin, json, "X-Wasmcc-Token: 00"], 403),
        (vec![&host, &origin, json, &token, "Sec-Fetch-Site: cross-site"], 403),
    ] {
        assert_eq!(post(&head), expected, "{head:?}");
    }
    assert_eq!(page.get(&on("state", "&chaincode=probe"))["keys"], json!([]));
    assert_eq!(post(&[&host, &origin, json, &token]), 200);

    let start = page.ask("/");
    for words in ["script-src 'self'", "frame-ancestors 'none'", "x-content-type-options: nosniff"]
    {
        assert!(start.head.contains(words), "{}", start.head);
    }
    assert!(!start.head.contains("unsafe"), "{}", start.head);
    assert!(start.text().contains("main.mjs"));
}

#[test]
fn wrong_requests_are_refused_in_words() {
    let folder = Folder::new();
    let (_dev, page) = with_probe(&folder);
    for (path, status, words) in [
        ("/api/nothing", 404, "there is no /api/nothing"),
        ("/../Cargo.toml", 404, "there is no"),
        ("/api/chain", 400, "\"channel\" is missing"),
        ("/api/chain?channel=other", 404, "it is on mychannel"),
        ("/api/chain?channel=mychannel&color=red", 400, "there is no parameter \"color\""),
        ("/api/blocks?channel=mychannel&limit=1000", 400, "not a number from 1 to 100"),
        ("/api/state?channel=mychannel&chaincode=probe&limit=0", 400, "not a number from 1 to 200"),
        ("/api/blocks?channel=mychannel&before=x", 400, "\"x\" is not a number"),
        ("/api/block?channel=mychannel&number=99", 404, "no block 99"),
        ("/api/block?channel=mychannel&number=-1", 400, "\"number\" is wrong"),
        ("/api/transaction?channel=mychannel&id=ab", 404, "no transaction ab"),
        ("/api/transaction?channel=mychannel&id=0:7", 404, "no transaction 7"),
        ("/api/transaction?channel=mychannel&id=", 400, "expected a transaction id"),
        ("/api/replay?channel=mychannel&id=0:0", 400, "not a transaction of a chaincode"),
        ("/api/replay?channel=mychannel&id=1:0", 400, "system chaincodes are not run again"),
        ("/api/value?channel=mychannel&chaincode=probe&key=x", 404, "no such value"),
        ("/api/state?channel=mychannel&chaincode=%zz", 400, "two digits"),
        ("/api/state?channel=mychannel&chaincode=%ff", 400, "not UTF-8"),
        ("/api/metadata?channel=mychannel&chaincode=none", 200, "no package"),
    ] {
        let answered = page.ask(path);
        assert_eq!(answered.status, status, "{path}: {}", answered.text());
        let text = answered.json().to_string().replace("\\\"", "\"");
        assert!(text.contains(words), "{path}: {text}");
    }
    assert_eq!(page.get(&on("explain", "&id=1:0"))["code"], "VALID");
    let host = format!("Host: {}", page.address());
    assert_eq!(page.send("DELETE /api/about", &[&host], b"").status, 405);
    assert_eq!(page.send("GET /api/submit", &[&host], b"").status, 405);
    for (call, words) in [
        (json!([]), "a call is"),
        (json!({ "channel": "mychannel" }), "a call is"),
        (json!({ "args": [1] }), "a call is"),
    ] {
        let answered = page.post("/api/submit", &call);
        assert!(answered.status == 400 && answered.text().contains(words), "{}", answered.text());
    }
    let mut wrong = body(&["put"]);
    wrong["args"] = json!([{ "base64": "?" }]);
    assert!(page.post("/api/submit", &wrong).text().contains("not base64"));
    let mut elsewhere = body(&["noop"]);
    elsewhere["channel"] = json!("other");
    let answered = page.post("/api/evaluate", &elsewhere);
    assert!(answered.status == 422 && answered.text().contains("other"), "{}", answered.text());
    let long = page.post("/api/submit", &body(&[&"x".repeat(9 << 20)]));
    assert_eq!(long.status, 413, "{}", long.text());
}

#[test]
fn the_page_of_a_peer_is_for_reading() {
    let site = Site::new();
    let mut peer = site.peer(&["--web", "127.0.0.1:0"]);
    let page = Page::of_line(&peer.line("page on http"));
    peer.deploy("probe");
    let mut stream = page.follow(None);
    let input = r#"{"Args":["rmw","k","v"]}"#;
    let done = peer.run(&["invoke", "-n", "probe", "-c", input, "--json"]).ok().json();
    let id = done["tx_id"].as_str().unwrap();
    stream.wait_for(|entry| entry["tx_id"] == id && entry["verdict"] == "VALID");
    let about = page.get("/api/about");
    assert_eq!((&about["calls"], &about["token"]), (&json!(false), &Value::Null));
    assert_eq!(about["organizations"], json!([{ "msp_id": "Org1MSP", "users": [] }]));
    assert_eq!(page.get(&on("history", "&chaincode=probe&key=k"))["writes"][0]["value"], "v");
    let replayed = page.get(&on("replay", &format!("&id={id}")));
    assert_eq!(replayed["result"], "same");
    for path in ["/api/submit", "/api/evaluate"] {
        let answered = page.post(path, &body(&["put", "k", "w"]));
        assert!(answered.status == 403 && answered.text().contains("read-only"), "{path}");
    }
}

#[test]
fn a_key_with_a_backslash_is_not_taken_for_a_composite_one() {
    let folder = Folder::new();
    let (_dev, page) = with_probe(&folder);
    // Two characters that look like the zero byte of a composite key.
    let done = submit(&page, &["put", r"as\0t", "plain"]);
    let tx = page.get(&on("transaction", &format!("&id={}", done["tx_id"].as_str().unwrap())));
    let written = tx["details"]["rwset"].as_array().unwrap().iter();
    let written: Vec<_> = written.flat_map(|set| set["writes"].as_array()).flatten().collect();
    assert_eq!(written[0]["key"], r"as\\0t");
    let history = page.get(&on("history", "&chaincode=probe&key=as%5C0t"));
    assert_eq!(history["current"]["value"], "plain");
}

#[test]
fn of_private_data_that_nobody_here_holds_there_are_hashes() {
    let site = Site::of_two();
    let mut peer = site.peer(&["--org", "Org1MSP", "--web", "127.0.0.1:0"]);
    let page = Page::of_line(&peer.line("page on http"));
    let theirs = json!([{ "name": "theirs", "policy": "OR('Org2MSP.member')" }]);
    fs::write(site.path("theirs.json"), theirs.to_string()).unwrap();
    let probe = wasmcc_tests::guest_path("probe");
    let deploy = ["deploy", probe.to_str().unwrap(), "--name", "probe", "--org", "Org1MSP"];
    let collections = ["--collections-config", "theirs.json"];
    peer.run(&[&deploy[..], &collections].concat()).ok();
    for key in ["a", "b"] {
        let input = json!({ "Args": ["pput", "theirs", key, "a secret"] }).to_string();
        let invoke = ["invoke", "-n", "probe", "-c", &input, "--org", "Org1MSP"];
        peer.run(&invoke).ok();
    }
    let shown = page.get(&on("private", "&chaincode=probe&collection=theirs"));
    assert_eq!((&shown["keys"], &shown["next_hash"]), (&json!([]), &Value::Null));
    let hashes = shown["hashes"].as_array().unwrap();
    let hash = |text: &str| wasmcc_types::hex(&wasmcc_types::sha256(text.as_bytes()));
    let mut keys = ["a", "b"].map(hash);
    keys.sort();
    assert_eq!(hashes.iter().map(|row| &row["key_hash"]).collect::<Vec<_>>(), keys.each_ref());
    assert_eq!(hashes[1]["value_hash"], hash("a secret"));
    let of = |after: &str| format!("&chaincode=probe&collection=theirs&hash={after}");
    assert_eq!(page.get(&on("private", &of(&keys[0])))["hashes"], json!([hashes[1]]));
    page.refused(&on("private", &of("x")), 400);
}

#[test]
fn an_address_for_other_machines_is_served_only_if_it_is_meant() {
    let folder = Folder::new();
    let said =
        folder.start_dev(&[&FREE_PORTS[..8], &["--web", "0.0.0.0:0"]].concat()).end().failed(1);
    assert!(said.contains("without a password") && said.contains("--web-remote"), "{said}");
    assert!(!folder.path("organizations").exists());
    let site = Site::new();
    let peer = ["peer", "--network", "net", "--listen", "127.0.0.1:0", "--web", "0.0.0.0:0"];
    assert!(site.run(&peer).failed(1).contains("--web-remote"));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = folder.start_dev(&[&FREE_PORTS[..8], &["--web", &address]].concat()).end().failed(1);
    assert!(
        said.contains(&format!("cannot listen on {address}")) && said.contains("--web"),
        "{said}"
    );
}

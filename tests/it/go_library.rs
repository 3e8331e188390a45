//! Go's library in components: signals, clocks and time zones.

use std::fs;

use tempfile::TempDir;
use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::built::{go, with_compilers};

/// Its main watches signals, like the main of a chaincode that runs as a service.
const CONTRACT: &str = r#"package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type calls struct{}

func (calls) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

func (calls) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	switch operation, args := stub.GetFunctionAndParameters(); operation {
	case "sleep":
		time.Sleep(time.Millisecond)
	case "deadlock":
		var lock sync.Mutex
		lock.Lock()
		lock.Lock()
	case "stop":
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM)
		signal.Stop(told)
	case "zone":
		zone, err := time.LoadLocation(args[0])
		if err != nil {
			return shim.Error(err.Error())
		}
		at, _ := stub.GetTxTimestamp()
		time := at.AsTime()
		return shim.Success([]byte(time.Format("15:04") + " " + time.In(zone).Format("15:04 MST")))
	}
	return shim.Success(nil)
}

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-told
		os.Exit(0)
	}()
	if err := shim.Start(calls{}); err != nil {
		panic(err)
	}
}
"#;

/// Returns a new contract with this source, optionally built with vendored modules.
fn built(vendored: bool) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let sdk = xtask::root().to_str().unwrap();
    with_compilers(folder.path(), &["new", "calls", "--lang", "go", "--sdk", sdk]).ok();
    let contract = folder.path().join("calls");
    for file in ["contract.go", "contract_test.go", "sandbox_test.go"] {
        fs::remove_file(contract.join(file)).unwrap();
    }
    fs::write(contract.join("main.go"), CONTRACT).unwrap();
    if vendored {
        let (done, words) = go(&contract, &["mod", "vendor"]);
        assert!(done, "{words}");
    }
    with_compilers(&contract, &["build"]).ok();
    fs::read(contract.join(".wasmcc/contract.wasm")).unwrap()
}

#[test]
fn who_waits_is_refused_also_in_a_program_that_watches_signals() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("calls", &built(false)).unwrap();
    let said = |name: &str| sandbox.endorse(Call::new("calls", name)).unwrap().response;
    let sleep = said("sleep").message;
    assert!(sleep.contains("it tried to sleep, but a transaction's clock stands still"), "{sleep}");
    let deadlock = said("deadlock").message;
    assert!(deadlock.contains("all goroutines are asleep - deadlock!"), "{deadlock}");
    assert_eq!(said("stop").status, 200);
}

#[test]
fn time_zones_are_known_by_their_names() {
    for vendored in [false, true] {
        let sandbox = Sandbox::new().unwrap();
        sandbox.deploy("calls", &built(vendored)).unwrap();
        let zone = |name: &str| sandbox.endorse(Call::new("calls", "zone").args([name])).unwrap();
        let answer = String::from_utf8(zone("Asia/Tokyo").response.payload).unwrap();
        let (utc, tokyo) = answer.split_once(' ').unwrap();
        let minutes = |time: &str| {
            let (hours, minutes) = time.split_once(':').unwrap();
            hours.parse::<u32>().unwrap() * 60 + minutes.parse::<u32>().unwrap()
        };
        let tokyo = tokyo.strip_suffix(" JST").unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(minutes(tokyo), (minutes(utc) + 9 * 60) % (24 * 60), "{answer}");
        assert_eq!(zone("Asia/Nowhere").response.message, "unknown time zone Asia/Nowhere");
    }
}

/// Functions that the plain values lack exist in the modules, under any name in a file's imports.
#[test]
fn messages_have_any_name() {
    let folder = TempDir::new().unwrap();
    let sdk = xtask::root().to_str().unwrap();
    with_compilers(folder.path(), &["new", "calls", "--lang", "go", "--sdk", sdk]).ok();
    let contract = folder.path().join("calls");
    for file in ["contract.go", "contract_test.go", "sandbox_test.go"] {
        fs::remove_file(contract.join(file)).unwrap();
    }
    // Replaces the modules, which would come from the network.
    let input = "package peer

type ChaincodeInput struct{ Args [][]byte }

func (input *ChaincodeInput) GetArgs() [][]byte { return input.Args }
";
    let source = r#"package main

import (
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	sc "github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type calls struct{}

func (calls) Init(shim.ChaincodeStubInterface) *sc.Response { return shim.Success(nil) }

func (calls) Invoke(stub shim.ChaincodeStubInterface) *sc.Response {
	input := sc.ChaincodeInput{Args: stub.GetArgs()}
	return shim.Success(input.GetArgs()[0])
}

func main() {
	if err := shim.Start(calls{}); err != nil {
		panic(err)
	}
}
"#;
    fs::write(contract.join("main.go"), source).unwrap();
    let (done, words) = go(&contract, &["mod", "vendor"]);
    assert!(done, "{words}");
    let peer = contract.join("vendor/github.com/hyperledger/fabric-protos-go-apiv2/peer");
    fs::write(peer.join("chaincode_input.go"), input).unwrap();
    with_compilers(&contract, &["build"]).ok();
    let component = fs::read(contract.join(".wasmcc/contract.wasm")).unwrap();
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("calls", &component).unwrap();
    assert_eq!(sandbox.evaluate(Call::new("calls", "f")).unwrap().text(), "f");
}

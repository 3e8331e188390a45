//! A package of type ccaas: the peer connects to the address in it, with the package's id.

use std::net::{TcpListener, TcpStream};
use std::{io, thread};

use wasmcc_bridge::ProgramConfig;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::bridged::{Bridged, program};
use wasmcc_tests::{call, guest, package};

/// Forwards the bytes of one connection. The package contains the address, and the server's id
/// contains the package's hash, so one of them must exist before the other.
fn pass_on(listener: TcpListener, server: String) {
    thread::spawn(move || {
        let (near, _) = listener.accept().unwrap();
        let far = TcpStream::connect(server).unwrap();
        let (mut from, mut to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut from, &mut to));
        let (mut from, mut to) = (far, near);
        // Either end may close first.
        let _ = io::copy(&mut from, &mut to);
    });
}

#[test]
fn a_service_is_called_as_its_package_says() {
    let sandbox = Sandbox::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let package = package("probe", "service", &["--type", "ccaas", "--address", &address]);
    let id = wasmcc_peer::chaincode::package_id(&package).unwrap();
    let program = program(&id, &guest("probe"), ProgramConfig::default());
    let server = Bridged::serve(program, None);
    pass_on(listener, server.address().to_owned());

    let admin = sandbox.identity("Admin").unwrap();
    let definition = ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "1".into(),
        sequence: 1,
        ..Default::default()
    };
    sandbox.endorse_as(lifecycle::install(package), &admin).unwrap().accepted().unwrap();
    for proposal in
        [lifecycle::approve(definition.clone(), Some(&id)), lifecycle::commit(definition)]
    {
        let endorsed = sandbox.endorse_as(proposal, &admin).unwrap().accepted().unwrap();
        sandbox.commit(vec![endorsed]).unwrap();
    }
    sandbox.submit(call("probe", "put k v")).unwrap();
    assert_eq!(sandbox.evaluate(call("probe", "get k")).unwrap().text(), "v");
}

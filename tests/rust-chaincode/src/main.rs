//! A chaincode on the Rust crate `fabric-shim`: the arguments, texts and ledger calls of the
//! components `probe` and `transfer`.
//!
//! With CHAINCODE_SERVER_ADDRESS and CHAINCODE_ID it waits for peers and prints its address on
//! stderr. Otherwise it connects to the peer in its arguments, which are those of Fabric's Node
//! shim.
//!
//! Invariant: the crate communicates with the peer; its messages are not corrected here.

mod contract;
mod relay;

use std::env;

use fabric_shim::{Chaincode, ChaincodeStub, Response, Server};
use tokio::net::{TcpListener, TcpSocket};

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Contract;

#[fabric_shim::async_trait]
impl Chaincode for Contract {
    async fn init(&self, stub: ChaincodeStub) -> Response {
        contract::init(&stub).await
    }

    async fn invoke(&self, stub: ChaincodeStub) -> Response {
        contract::invoke(&stub).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if let Ok(address) = env::var("CHAINCODE_SERVER_ADDRESS") {
        let listener = listen(&address)?;
        eprintln!("listening on {}", listener.local_addr()?.port());
        return serve(env::var("CHAINCODE_ID")?, listener).await;
    }
    let listener = listen("127.0.0.1:0")?;
    let chaincode = listener.local_addr()?;
    let peer = argument("--peer.address")?;
    let served = tokio::spawn(serve(argument("--chaincode-id-name")?, listener));
    tokio::select! {
        served = served => served?,
        relayed = relay::run(&peer, chaincode) => relayed,
    }
}

async fn serve(id: String, listener: TcpListener) -> Result<(), Failure> {
    let server = Server::new(id, &listener.local_addr()?.to_string())?;
    Ok(server.serve_with_listener(Contract, listener, std::future::pending()).await?)
}

/// The crate does not set TCP_NODELAY; connections inherit it from their listener.
fn listen(address: &str) -> Result<TcpListener, Failure> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.bind(address.parse()?)?;
    Ok(socket.listen(16)?)
}

fn argument(name: &str) -> Result<String, Failure> {
    let mut after = env::args().skip_while(|word| word != name).skip(1);
    after.next().ok_or_else(|| format!("no {name}").into())
}

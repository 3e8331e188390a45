//! The page: shows a peer's channels and events in a browser.
//!
//! Invariant: without [`Calls`], requests change nothing.
//!
//! Does not have formats of its own where the command line has one: answers are those of `wasmcc
//! inspect`, `replay`, `invoke` and `query`, limited in size by `bounded`.

mod args;
mod assets;
mod bounded;
mod calls;
mod chain;
mod chaincodes;
mod costs;
mod failure;
mod feed;
mod guard;
mod live;
mod page;
mod params;
mod past;
mod payloads;
mod routes;
mod site;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::operations::Server;
use crate::web::guard::{Guard, name_of};
use crate::web::site::random_id;

pub(crate) use args::{DevWebArgs, WebArgs};
pub(crate) use calls::Calls;
pub(crate) use feed::Feed;
pub(crate) use page::Page;
pub(crate) use site::{MakeLaboratory, Site, Turns};

/// The length of a token, in bytes.
const TOKEN_BYTES: usize = 16;

/// A bound address that does not serve yet.
pub(crate) struct Door {
    listener: TcpListener,
    /// The configured name.
    name: String,
    address: SocketAddr,
}

impl Door {
    fn new(listener: TcpListener, configured: &str) -> Result<Self> {
        let address = listener.local_addr().context("cannot read the address of a socket")?;
        Ok(Self { listener, name: name_of(configured).to_owned(), address })
    }

    /// Returns the URL for a browser.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns a warning if other machines can reach the page.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        let warning = "other machines reach this page, and there is no password";
        (!self.address.ip().is_loopback()).then_some(warning)
    }

    /// Serves as long as tokio runs.
    pub(crate) fn serve(self, site: Site) {
        let token = site.calls.is_some().then(random_id::<TOKEN_BYTES>);
        let guard = Guard { name: self.name, is_remote: !self.address.ip().is_loopback(), token };
        let routes = routes::routes(Arc::new(site), guard);
        let server = Server { listener: self.listener, acceptor: None, routes };
        tokio::spawn(server.run());
    }
}

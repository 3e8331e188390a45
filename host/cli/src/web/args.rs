//! Options for the address of the page.

use std::io::ErrorKind;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

use crate::addresses::to_listen;
use crate::web::Door;

/// The default address for `wasmcc dev`, if it is free.
const USUAL: &str = "127.0.0.1:8080";
/// The address if the default is in use: any free port.
const ANY: &str = "127.0.0.1:0";

/// Options of `wasmcc peer`, which serves the page only on request.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The page")]
pub(crate) struct WebArgs {
    /// The address for a read-only page for browsers: blocks, state, private data of these peers,
    /// replays [default: none]. Every client that reaches it can read everything: keep it on
    /// 127.0.0.1.
    #[arg(long, value_name = "HOST:PORT", value_parser = to_listen)]
    web: Option<String>,
    /// Allow --web to be an address that other machines reach. There is no password and no TLS.
    #[arg(long, requires = "web")]
    web_remote: bool,
}

/// Options of `wasmcc dev`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The page")]
pub(crate) struct DevWebArgs {
    /// The address for the page for browsers [default: 127.0.0.1:8080, or any free port if that is
    /// in use].
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "no_web", value_parser = to_listen)]
    web: Option<String>,
    /// Do not serve the page.
    #[arg(long)]
    no_web: bool,
    /// Allow --web to be an address that other machines reach. There is no password and no TLS:
    /// every client that reaches it can read everything and call contracts as any user.
    #[arg(long, requires = "web")]
    web_remote: bool,
}

impl WebArgs {
    /// Binds the address, if one is given.
    pub(crate) async fn bind(&self) -> Result<Option<Door>> {
        match &self.web {
            Some(address) => bind(address, self.web_remote).await.map(Some),
            None => Ok(None),
        }
    }
}

impl DevWebArgs {
    /// Binds the address, unless the page is off. Also returns a note if the default address is in
    /// use.
    pub(crate) async fn bind(&self) -> Result<Option<(Door, Option<String>)>> {
        if self.no_web {
            return Ok(None);
        }
        if let Some(address) = &self.web {
            return Ok(Some((bind(address, self.web_remote).await?, None)));
        }
        match TcpListener::bind(USUAL).await {
            Ok(listener) => Ok(Some((Door::new(listener, USUAL)?, None))),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                let listener = TcpListener::bind(ANY).await.context("no port is free")?;
                let note = format!("{USUAL} is in use; --web HOST:PORT chooses another address");
                Ok(Some((Door::new(listener, ANY)?, Some(note))))
            }
            Err(error) => Err(error)
                .context(format!("cannot listen on {USUAL} for the page: see --web and --no-web")),
        }
    }
}

async fn bind(address: &str, is_remote_meant: bool) -> Result<Door> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for the page: choose another address with --web")
    })?;
    let door = Door::new(listener, address)?;
    if !door.address.ip().is_loopback() && !is_remote_meant {
        bail!(
            "--web {address} is an address that other machines reach: every visitor can read \
             everything that these peers hold, also private data, and with `wasmcc dev` call \
             contracts as any user, without a password. Use 127.0.0.1 (and a tunnel, such as `ssh \
             -L`), or confirm it with --web-remote"
        );
    }
    Ok(door)
}

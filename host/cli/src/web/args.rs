//! Where the page is served.

use std::io::ErrorKind;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

use crate::addresses::to_listen;
use crate::web::Door;

/// Where `wasmcc dev` serves it, if nobody else listens there.
const USUAL: &str = "127.0.0.1:8080";
/// Where else it does.
const ANY: &str = "127.0.0.1:0";

/// For `wasmcc peer`: only where it is asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The page")]
pub(crate) struct WebArgs {
    /// Serve a page for browsers on this address, for reading: blocks, state, private data of these
    /// peers, replays [default: nowhere]. Whoever reaches it reads everything: keep it on
    /// 127.0.0.1.
    #[arg(long, value_name = "HOST:PORT", value_parser = to_listen)]
    web: Option<String>,
    /// Let --web name an address that other machines reach. There is no password, and no TLS.
    #[arg(long, requires = "web")]
    web_remote: bool,
}

/// For `wasmcc dev`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The page")]
pub(crate) struct DevWebArgs {
    /// Serve the page for browsers on this address [default: 127.0.0.1:8080, or any free port if
    /// that is in use].
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "no_web", value_parser = to_listen)]
    web: Option<String>,
    /// Serve no page.
    #[arg(long)]
    no_web: bool,
    /// Let --web name an address that other machines reach. There is no password, and no TLS:
    /// whoever reaches it reads everything and calls contracts as any user.
    #[arg(long, requires = "web")]
    web_remote: bool,
}

impl WebArgs {
    /// Opens the address, if there is one.
    pub(crate) async fn bind(&self) -> Result<Option<Door>> {
        match &self.web {
            Some(address) => bind(address, self.web_remote).await.map(Some),
            None => Ok(None),
        }
    }
}

impl DevWebArgs {
    /// Opens the address, unless no page is wanted. The text says if it is not the usual one.
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
            "--web {address} is an address that other machines reach: whoever opens the page reads \
             everything that these peers hold, private data too, and with `wasmcc dev` calls \
             contracts as any user, without a password. Use 127.0.0.1 (and a tunnel, such as `ssh \
             -L`), or say that it is meant with --web-remote"
        );
    }
    Ok(door)
}

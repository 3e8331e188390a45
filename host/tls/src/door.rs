//! Yields the connections of a server after their TLS handshakes.
//!
//! Invariant: a refused connection leaves one log line and does not delay other connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{ServerConnection, WebPkiClientVerifier};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_stream::Stream;
use tonic::transport::server::Connected;

use crate::any_client::{AnyClient, is_known};
use crate::material;
use crate::material::{Part, UnusableTls};
use wasmcc_types::ServerTls;

/// Time limit for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The first bytes of clients without TLS (RFC 9113, section 3.4).
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n";
/// The first byte of clients with TLS: the record type of a handshake.
const TLS_RECORD: u8 = 22;

/// TLS material of a server that was read and checked.
#[derive(Clone)]
pub struct Acceptor {
    tls: TlsAcceptor,
    /// Checks the issuers of client certificates that the handshake did not check.
    unproven: Option<Arc<dyn ClientCertVerifier>>,
    /// Whether a client without a certificate is refused.
    is_required: bool,
}

/// A connection that a [`Door`] accepts.
pub trait Connection: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static {
    /// Returns the client's address, if it is known.
    fn remote(&self) -> Option<SocketAddr>;
}

/// A stream of accepted connections.
pub struct Door<S, C> {
    incoming: S,
    acceptor: Option<Acceptor>,
    is_http2: bool,
    /// None: the handshake failed.
    handshakes: JoinSet<Option<Opened<C>>>,
}

/// An accepted connection.
pub enum Opened<C> {
    /// Without TLS. The flag is true until the first bytes were checked.
    Plain(C, bool),
    /// With TLS, and the client's certificate if one of the server's CAs issued it.
    Tls(Box<TlsStream<C>>, Option<ClientCertificate>),
}

/// The certificate of a client, issued by one of the server's CAs.
#[derive(Clone)]
pub struct ClientCertificate {
    /// In DER.
    pub der: Arc<[u8]>,
    /// Whether the server refuses clients without such a certificate.
    pub is_required: bool,
}

/// The client of a request; one of the request's extensions.
#[derive(Clone)]
pub struct Client<I> {
    /// Properties of the connection itself.
    pub connection: I,
    /// The client's certificate, if one of the server's CAs issued it.
    pub certificate: Option<ClientCertificate>,
}

impl Acceptor {
    /// Reads the PEM texts, for a gRPC server. With a client CA, all clients must have a
    /// certificate, unless the material makes it optional.
    pub fn new(tls: &ServerTls) -> Result<Self, UnusableTls> {
        Self::with(tls, true, b"h2")
    }

    /// As [`new`](Self::new), for an HTTP/1.1 server. With a client CA, the certificate is
    /// optional; see [`Client::certificate`].
    pub fn for_http(tls: &ServerTls) -> Result<Self, UnusableTls> {
        Self::with(tls, false, b"http/1.1")
    }

    /// As [`for_http`](Self::for_http), but with a client CA the certificate is required, whatever
    /// the material says.
    pub fn for_known_http(tls: &ServerTls) -> Result<Self, UnusableTls> {
        let tls = ServerTls { client_auth_required: true, ..tls.clone() };
        Self::with(&tls, true, b"http/1.1")
    }

    fn with(tls: &ServerTls, needs_certificate: bool, alpn: &[u8]) -> Result<Self, UnusableTls> {
        let provider = provider();
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| UnusableTls::new(Part::Key, &error))?;
        let mut unproven = None;
        let builder = match &tls.client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let roots = material::roots(ca)?.into();
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = match needs_certificate {
                    true => verifier.build(),
                    false => verifier.allow_unauthenticated().build(),
                };
                let verifier =
                    verifier.map_err(|error| UnusableTls::new(Part::ClientCa, &error))?;
                builder.with_client_cert_verifier(match tls.client_auth_required {
                    true => verifier,
                    false => Arc::new(AnyClient(unproven.insert(verifier).clone())),
                })
            }
        };
        let key = material::private_key(&tls.key)?;
        let chain = material::certificates(&tls.certificate, Part::Certificate)?;
        let mut config = builder.with_single_cert(chain, key).map_err(UnusableTls::of_pair)?;
        config.alpn_protocols.push(alpn.to_vec());
        let is_required = needs_certificate && tls.client_ca.is_some() && unproven.is_none();
        Ok(Self { tls: TlsAcceptor::from(Arc::new(config)), unproven, is_required })
    }

    /// Performs the handshake of one connection, for a server that accepts connections itself.
    /// Returns None if the handshake failed; the log has the reason.
    pub async fn accept<C: Connection>(&self, connection: C) -> Option<Opened<C>> {
        self.clone().open(connection).await
    }

    async fn open<C: Connection>(self, connection: C) -> Option<Opened<C>> {
        let client = connection.remote();
        let error = match timeout(HANDSHAKE, self.tls.accept(connection)).await {
            Ok(Ok(opened)) => {
                let certificate = self.certificate(opened.get_ref().1);
                return Some(Opened::Tls(Box::new(opened), certificate));
            }
            Ok(Err(error)) => reason(&error),
            Err(_) => "it takes too long".to_owned(),
        };
        let client = client.map(tracing::field::display);
        tracing::warn!(client, error, "a TLS handshake failed");
        None
    }

    /// Returns the client's certificate if one of the server's CAs issued it.
    fn certificate(&self, session: &ServerConnection) -> Option<ClientCertificate> {
        let chain = session.peer_certificates()?;
        let is_known = self.unproven.as_ref().is_none_or(|clients| is_known(&**clients, chain));
        let own = chain.first().filter(|_| is_known)?;
        Some(ClientCertificate { der: own.as_ref().into(), is_required: self.is_required })
    }
}

/// Returns the process's cryptography provider, or the built-in one. rustls itself panics if crates
/// of the program have enabled several providers.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

/// Returns the error with a hint of its cause.
fn reason(error: &io::Error) -> String {
    let hint = match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => " (does the client speak TLS?)",
        Some(rustls::Error::NoCertificatesPresented) => " (clients must have one)",
        Some(rustls::Error::InvalidCertificate(_)) => " (of the client)",
        Some(rustls::Error::AlertReceived(_)) => " (from the client: does it know our CA?)",
        _ => "",
    };
    format!("{error}{hint}")
}

impl<S, C> Door<S, C> {
    /// Accepts connections; without an acceptor, without TLS.
    pub fn new(incoming: S, acceptor: Option<Acceptor>) -> Self {
        Self { incoming, acceptor, is_http2: true, handshakes: JoinSet::new() }
    }

    /// Sets HTTP/1.1 as the clients' protocol.
    pub fn of_http1(self) -> Self {
        Self { is_http2: false, ..self }
    }
}

impl<S, C, E> Stream for Door<S, C>
where
    S: Stream<Item = Result<C, E>> + Unpin,
    C: Connection,
{
    type Item = Result<Opened<C>, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match this.handshakes.poll_join_next(cx) {
                Poll::Ready(Some(Ok(Some(opened)))) => return Poll::Ready(Some(Ok(opened))),
                // The failure was logged.
                Poll::Ready(Some(_)) => continue,
                Poll::Ready(None) | Poll::Pending => {}
            }
            match Pin::new(&mut this.incoming).poll_next(cx) {
                Poll::Ready(Some(Ok(connection))) => match &this.acceptor {
                    None => return Poll::Ready(Some(Ok(Opened::Plain(connection, this.is_http2)))),
                    Some(acceptor) => {
                        this.handshakes.spawn(acceptor.clone().open(connection));
                    }
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) if this.handshakes.is_empty() => return Poll::Ready(None),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Logs a client that speaks another protocol; the transport closes its connection silently.
fn look_at_greeting(first: &[u8], client: Option<SocketAddr>) {
    let seen = first.len().min(GREETING.len());
    let error = match first.first() {
        None => return,
        Some(&TLS_RECORD) => "it speaks TLS, and this address has none",
        Some(_) if first[..seen] != GREETING[..seen] => "it does not speak HTTP/2",
        Some(_) => return,
    };
    let client = client.map(tracing::field::display);
    tracing::warn!(client, error, "a connection is refused");
}

impl Connection for TcpStream {
    fn remote(&self) -> Option<SocketAddr> {
        self.peer_addr().ok()
    }
}

impl<C: Connection> Connected for Opened<C> {
    type ConnectInfo = Client<C::ConnectInfo>;

    fn connect_info(&self) -> Self::ConnectInfo {
        match self {
            Self::Plain(connection, _) => {
                Client { connection: connection.connect_info(), certificate: None }
            }
            Self::Tls(stream, certificate) => {
                let (connection, _) = stream.get_ref();
                Client { connection: connection.connect_info(), certificate: certificate.clone() }
            }
        }
    }
}

impl<C: Connection> AsyncRead for Opened<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(connection, is_fresh) => {
                let before = buffer.filled().len();
                let read = Pin::new(&mut *connection).poll_read(cx, buffer);
                if read.is_ready() && std::mem::take(is_fresh) {
                    look_at_greeting(&buffer.filled()[before..], connection.remote());
                }
                read
            }
            Self::Tls(stream, _) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl<C: Connection> AsyncWrite for Opened<C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(connection, _) => Pin::new(connection).poll_write(cx, bytes),
            Self::Tls(stream, _) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(connection, _) => Pin::new(connection).poll_write_vectored(cx, slices),
            Self::Tls(stream, _) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(connection, _) => connection.is_write_vectored(),
            Self::Tls(stream, _) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(connection, _) => Pin::new(connection).poll_flush(cx),
            Self::Tls(stream, _) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(connection, _) => Pin::new(connection).poll_shutdown(cx),
            Self::Tls(stream, _) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cryptography_of_the_process_is_neither_needed_nor_chosen() {
        let certificate = include_str!("../../../tests/golden/certs/ca.org1.test-cert.pem");
        let tls = ServerTls {
            certificate: certificate.into(),
            key: String::new(),
            client_ca: Some(certificate.into()),
            client_auth_required: true,
        };
        let refused = Acceptor::new(&tls).err().expect("there is no key");
        assert_eq!(refused.part, Part::Key);
        // rustls would keep a provider that it had chosen by itself.
        assert!(CryptoProvider::get_default().is_none());
    }
}

//! TLS over tcp, by rustls: the layer of `wss://`, and `tls+tcp://`, ZMTP inside of TLS 1.3.
//!
//! `config` makes of the options (`ZMQ_WSS_*`) what rustls goes by; `stream` is a stream inside
//! of another.

#![forbid(unsafe_code)]

mod config;
mod stream;
#[cfg(test)]
mod tests;

use super::byte_stream::ByteStream;
use super::interface::{Address, BindError, Carries, Listener, Resolution, Spec, Transport};
use super::layer::{LayerDialer, LayerListener, Show, Wrap};
use super::stream::LayerError;
use super::tcp::Tcp;
use crate::error::{Error, Result};
use crate::options::Options;
use config::Credentials;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, ServerConnection, SupportedProtocolVersion};
use std::io;
use std::sync::Arc;
use stream::Tls;

/// Versions of TLS that a scheme speaks.
pub(super) type Versions = &'static [&'static SupportedProtocolVersion];

/// What browsers and libzmq may speak.
pub(super) const COMMON: Versions = &[&TLS13, &TLS12];
const NEWEST: Versions = &[&TLS13];

fn credentials(options: &Options) -> Result<Credentials<'_>> {
    Ok(Credentials {
        certificates: &options.wss_cert_pem,
        key: options.wss_key_pem.expose(),
        trust: &options.wss_trust_pem,
        trusts_system: options.wss_trust_system,
        hostname: std::str::from_utf8(&options.wss_hostname).map_err(|_| Error::Invalid)?,
    })
}

/// How a listener makes TLS streams of those that it accepts.
///
/// Errors: `Invalid` for certificates and keys that cannot be used.
pub(super) fn server(options: &Options, versions: Versions, show: Option<Show>) -> Result<Wrap> {
    let config = credentials(options)?.server(versions);
    let config = config.map_err(|_| Error::Invalid)?;
    Ok(Arc::new(move |stream, _: &Options| {
        let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        Ok(ByteStream::layer(Tls::new(
            stream,
            connection,
            show.clone(),
        )))
    }))
}

/// Makes a TLS stream of one that has connected.
///
/// Errors: what is wrong with the options, in words for the log.
pub(super) fn client(
    stream: ByteStream,
    options: &Options,
    versions: Versions,
    show: Option<Show>,
) -> io::Result<ByteStream> {
    let wrong = |reason| io::Error::from(LayerError { reason, code: None });
    let credentials = credentials(options).map_err(|_| wrong("ZMQ_WSS_HOSTNAME".to_owned()))?;
    let config = credentials.client(versions).map_err(wrong)?;
    let name = credentials.server_name().map_err(wrong)?;
    let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    Ok(ByteStream::layer(Tls::new(stream, connection, show)))
}

/// `tls+tcp://host:port`.
#[derive(Debug)]
pub struct TlsTcp;

impl Transport for TlsTcp {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec {
            capability: Some("tls"),
            names_attempts: true,
            stops_if_refused: true,
            ..Spec::new("tls+tcp", Carries::Bytes)
        };
        &SPEC
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(TlsAddress(Tcp.parse_bind(text)?)))
    }

    fn parse_connect(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(TlsAddress(Tcp.parse_connect(text)?)))
    }
}

/// An address of tcp.
#[derive(Debug)]
struct TlsAddress(Box<dyn Address>);

fn show() -> Show {
    Arc::new(|below| [b"tls+", below].concat())
}

impl Address for TlsAddress {
    fn text(&self) -> Vec<u8> {
        self.0.text()
    }

    fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        let wrap = server(options, NEWEST, Some(show()))?;
        let below = self.0.listen(options)?;
        Ok(Box::new(LayerListener::new(below, &show(), wrap)))
    }

    fn resolve(&self, options: &Options) -> io::Result<Resolution> {
        Ok(self.0.resolve(options)?.map(|below| {
            let wrap: Wrap =
                Arc::new(|stream, options| client(stream, options, NEWEST, Some(show())));
            Box::new(LayerDialer {
                below,
                show: show(),
                wrap,
            })
        }))
    }
}

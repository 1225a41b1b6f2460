//! `ws://host:port/path`, and `wss://` inside of TLS: WebSockets (RFC 6455) with ZWS 2.0 (RFC 45) over tcp.
//!
//! - `address`: the text;
//! - `upgrade`: the opening handshake;
//! - `frames`: headers and masks;
//! - `inbound`, `outbound`: from WebSocket messages to ZMTP frames and back;
//! - `stream`: both over another stream.

#![forbid(unsafe_code)]

mod address;
mod frames;
mod inbound;
mod outbound;
mod stream;
#[cfg(test)]
mod tests;
mod upgrade;

use super::byte_stream::ByteStream;
use super::interface::{Address, BindError, Carries, Listener, Resolution, Spec, Transport};
use super::layer::{LayerDialer, LayerListener, Show, Wrap};
use crate::error::Result;
use crate::options::{Options, mechanism};
use address::WsAddress;
use std::io;
use std::sync::Arc;
use stream::{Terms, WebSocket};

/// `ws://`, and `wss://` inside of TLS.
#[derive(Debug)]
pub struct Ws {
    /// `wss://`.
    pub secure: bool,
}

const fn spec(name: &'static str, capability: &'static str) -> Spec {
    Spec {
        capability: Some(capability),
        names_attempts: true,
        stops_if_refused: true,
        ..Spec::new(name, Carries::Bytes)
    }
}

static WS: Spec = spec("ws", "WS");
static WSS: Spec = spec("wss", "WSS");

impl Transport for Ws {
    fn spec(&self) -> &'static Spec {
        if self.secure { &WSS } else { &WS }
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(WsAddress::bind(text, self.secure)?))
    }

    fn parse_connect(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(WsAddress::connect(text, self.secure)?))
    }
}

/// What this side brings to the handshake.
fn terms(options: &Options) -> Terms {
    /// Most bytes of a message in fragments where `ZMQ_MAXMSGSIZE` sets no limit.
    const FRAGMENTS: usize = 64 << 20;
    Terms {
        mechanism: match options.mechanism {
            mechanism::PLAIN => "PLAIN",
            mechanism::CURVE => "CURVE",
            _ => "NULL",
        },
        as_server: options.as_server,
        limit: usize::try_from(options.maxmsgsize).map_or(FRAGMENTS, |most| most.saturating_add(1)),
    }
}

/// What makes a server's stream of one that was accepted, below the WebSocket.
///
/// Errors: `Invalid` for certificates and keys that cannot be used.
fn secured(options: &Options, secure: bool) -> Result<Option<Wrap>> {
    match secure {
        false => Ok(None),
        #[cfg(feature = "wss")]
        true => super::tls::server(options, super::tls::COMMON, None).map(Some),
        #[cfg(not(feature = "wss"))]
        true => Err(crate::error::Error::ProtoNotSupported),
    }
}

/// The stream below the WebSocket of a client, of one that has connected.
///
/// Errors: what is wrong with the options, in words for the log.
fn secure_client(stream: ByteStream, options: &Options, secure: bool) -> io::Result<ByteStream> {
    match secure {
        #[cfg(feature = "wss")]
        true => super::tls::client(stream, options, super::tls::COMMON, None),
        _ => {
            let _ = options;
            Ok(stream)
        }
    }
}

impl WsAddress {
    fn show(&self) -> Show {
        let (path, name) = (self.path.clone(), self.scheme());
        // tcp://host:port
        Arc::new(move |below| {
            let authority = below.strip_prefix(b"tcp").unwrap_or(below);
            [name.as_bytes(), authority, path.as_bytes()].concat()
        })
    }
}

impl Address for WsAddress {
    fn text(&self) -> Vec<u8> {
        self.text.clone().into_bytes()
    }

    fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        let secured = secured(options, self.secure)?;
        let below = self.below.listen(options)?;
        let show = self.show();
        let name = show.clone();
        let wrap: Wrap = Arc::new(move |stream, options: &Options| {
            let stream = match &secured {
                Some(wrap) => wrap(stream, options)?,
                None => stream,
            };
            Ok(ByteStream::layer(WebSocket::server(
                stream,
                terms(options),
                name.clone(),
            )))
        });
        Ok(Box::new(LayerListener::new(below, &show, wrap)))
    }

    fn resolve(&self, options: &Options) -> io::Result<Resolution> {
        let (host, path, secure) = (self.host(), self.path.clone(), self.secure);
        let show = self.show();
        let name = show.clone();
        let wrap: Wrap = Arc::new(move |stream, options: &Options| {
            let stream = secure_client(stream, options, secure)?;
            let socket = WebSocket::client(stream, terms(options), &host, &path, name.clone())?;
            Ok(ByteStream::layer(socket))
        });
        Ok(self.below.resolve(options)?.map(move |below| {
            let (show, wrap) = (show.clone(), wrap.clone());
            Box::new(LayerDialer { below, show, wrap })
        }))
    }
}

//! Schemes that are a layer over the streams of another scheme: both ends of that one, with
//! each stream wrapped and each endpoint shown as the layer's.

#![forbid(unsafe_code)]

use super::byte_stream::ByteStream;
use super::dial::Dial;
use super::interface::{Dialer, Listener};
use crate::options::Options;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Makes the layer's stream over one of the scheme below.
///
/// Errors: those of the layer; they cost that one connection.
pub(super) type Wrap = Arc<dyn Fn(ByteStream, &Options) -> io::Result<ByteStream> + Send + Sync>;

/// How the layer shows an endpoint of the scheme below.
pub(super) type Show = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// The listening end.
pub(super) struct LayerListener {
    below: Box<dyn Listener>,
    endpoint: Vec<u8>,
    wrap: Wrap,
}

impl LayerListener {
    pub(super) fn new(below: Box<dyn Listener>, show: &Show, wrap: Wrap) -> LayerListener {
        LayerListener {
            endpoint: show(below.endpoint()),
            below,
            wrap,
        }
    }
}

impl Listener for LayerListener {
    fn endpoint(&self) -> &[u8] {
        &self.endpoint
    }

    fn accept(&self, options: &Options) -> io::Result<Option<ByteStream>> {
        let stream = self.below.accept(options)?;
        stream
            .map(|stream| (self.wrap)(stream, options))
            .transpose()
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        self.below.close()
    }
}

impl AsFd for LayerListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.below.as_fd()
    }
}

impl fmt::Debug for LayerListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.below.fmt(f)
    }
}

/// The connecting end.
pub(super) struct LayerDialer {
    pub(super) below: Box<dyn Dialer>,
    pub(super) show: Show,
    pub(super) wrap: Wrap,
}

impl Dialer for LayerDialer {
    fn text(&self) -> Vec<u8> {
        (self.show)(&self.below.text())
    }

    fn dial(&self, options: &Options) -> io::Result<Dial> {
        let wrap = self.wrap.clone();
        Ok(self
            .below
            .dial(options)?
            .then(move |stream, options| wrap(stream, options)))
    }
}

impl fmt::Debug for LayerDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.below.fmt(f)
    }
}

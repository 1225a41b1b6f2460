//! Properties of the connection a message came from.

use std::ffi::{CStr, CString};
use std::sync::Arc;

/// What `zmq_msg_gets` and `ZMQ_SRCFD` answer for a message: one set for all
/// messages of a connection, shared by reference.
#[derive(Debug, Default)]
pub struct Metadata {
    properties: Vec<(CString, CString)>,
    source_fd: Option<i32>,
}

impl Metadata {
    /// Takes the properties in order; the first of equal names wins. Names and
    /// values are cut at a NUL, as C strings are. `source_fd` is the
    /// connection's descriptor.
    pub fn new(
        properties: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
        source_fd: Option<i32>,
    ) -> Self {
        let text = |mut bytes: Vec<u8>| {
            if let Some(end) = bytes.iter().position(|b| *b == 0) {
                bytes.truncate(end);
            }
            CString::new(bytes).unwrap_or_default()
        };
        let properties = properties
            .into_iter()
            .map(|(n, v)| (text(n), text(v)))
            .collect();
        Metadata {
            properties,
            source_fd,
        }
    }

    /// One more reference: `held` itself if it is one already, which is cheaper.
    #[inline]
    pub fn share(this: &Arc<Metadata>, held: Option<Arc<Metadata>>) -> Arc<Metadata> {
        match held {
            Some(held) if Arc::ptr_eq(&held, this) => held,
            _ => this.clone(),
        }
    }

    /// The value of a property; names are compared byte for byte. `Identity`
    /// is found under its newer name `Routing-Id` too.
    pub fn get(&self, name: &CStr) -> Option<&CStr> {
        let find = |name: &CStr| {
            self.properties
                .iter()
                .find(|(n, _)| n.as_c_str() == name)
                .map(|(_, v)| v.as_c_str())
        };
        find(name).or_else(|| {
            if name == c"Identity" {
                find(c"Routing-Id")
            } else {
                None
            }
        })
    }

    /// Descriptor of the connection, as it was when the message came.
    pub fn source_fd(&self) -> Option<i32> {
        self.source_fd
    }
}

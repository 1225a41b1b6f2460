//! Properties of the connection a message came from.

use std::ffi::{CStr, CString};
use std::sync::Arc;

/// What `zmq_msg_gets` and `ZMQ_SRCFD` return for a message: one set for all messages of a
/// connection, shared by reference.
#[derive(Debug, Default)]
pub struct Metadata {
    /// Names and values in turn, each followed by a NUL: one allocation.
    properties: Box<[u8]>,
    source_fd: Option<i32>,
    /// Of one message alone: its group, and the properties of its connection.
    group: Option<CString>,
    connection: Option<Arc<Metadata>>,
}

impl Metadata {
    /// Takes the properties in order; the first of equal names wins. Values are cut at a NUL, as C
    /// strings are; a name with a NUL is left out, because the part before it is another name.
    /// `source_fd` is the connection's descriptor.
    pub fn new<'a>(
        properties: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
        source_fd: Option<i32>,
    ) -> Self {
        let properties = properties.filter(|(name, _)| !name.contains(&0));
        let texts = properties.flat_map(|(name, value)| {
            let end = value.iter().position(|byte| *byte == 0);
            [name, &value[..end.unwrap_or(value.len())]]
        });
        let size = texts.clone().map(|text| text.len() + 1).sum();
        let mut flat = Vec::with_capacity(size);
        for text in texts {
            flat.extend_from_slice(text);
            flat.push(0);
        }
        Metadata {
            properties: flat.into_boxed_slice(),
            source_fd,
            ..Metadata::default()
        }
    }

    /// Those of one message, with a group of its own.
    pub(super) fn with_group(group: CString, connection: Option<Arc<Metadata>>) -> Metadata {
        Metadata {
            group: Some(group),
            connection,
            ..Metadata::default()
        }
    }

    /// The group of the message, if it is kept here.
    pub(super) fn group(&self) -> Option<&CStr> {
        self.group.as_deref()
    }

    /// The properties of the connection, if these are of one message.
    pub(super) fn connection(&self) -> Option<&Arc<Metadata>> {
        self.connection.as_ref()
    }

    /// A reference to `this`: `held` itself if it is one already, which saves an atomic operation.
    #[inline]
    pub fn share(this: &Arc<Metadata>, held: Option<Arc<Metadata>>) -> Arc<Metadata> {
        match held {
            Some(held) if Arc::ptr_eq(&held, this) => held,
            _ => this.clone(),
        }
    }

    /// The value of a property; names are compared byte for byte. `Identity` is found under its
    /// newer name `Routing-Id` too.
    pub fn get(&self, name: &CStr) -> Option<&CStr> {
        if let Some(connection) = &self.connection {
            return connection.get(name);
        }
        let find = |name: &CStr| {
            let mut rest = &self.properties[..];
            while let (Some(key), Some(value)) = (next_text(&mut rest), next_text(&mut rest)) {
                if key == name {
                    return Some(value);
                }
            }
            None
        };
        find(name).or_else(|| {
            if name == c"Identity" {
                find(c"Routing-Id")
            } else {
                None
            }
        })
    }

    /// Size of the properties in bytes.
    pub fn memory(&self) -> usize {
        self.properties.len()
    }

    /// Descriptor of the connection when the message was received.
    pub fn source_fd(&self) -> Option<i32> {
        match &self.connection {
            Some(connection) => connection.source_fd(),
            None => self.source_fd,
        }
    }
}

/// Removes the first text from `rest`.
fn next_text<'a>(rest: &mut &'a [u8]) -> Option<&'a CStr> {
    let text = CStr::from_bytes_until_nul(rest).ok()?;
    *rest = rest.get(text.count_bytes() + 1..)?;
    Some(text)
}

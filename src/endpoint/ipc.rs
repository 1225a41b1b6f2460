//! Addresses of the ipc transport.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};

/// Longest path or name after `ipc://`, in bytes, the `@` of an abstract name
/// included: the size of `sun_path` less one.
pub const IPC_NAME_MAX: usize = 107;

/// The address of an ipc endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpcAddress {
    /// A path in the file system, relative or absolute, without NUL bytes.
    Path(Vec<u8>),
    /// A name in Linux' abstract namespace, without its leading `@`.
    Abstract(Vec<u8>),
    /// Bind only: the transport makes a new directory and a socket in it.
    Wildcard,
}

impl IpcAddress {
    /// Reads the part after `ipc://` of an address to bind.
    ///
    /// A text that starts with `*` is the wildcard. Otherwise as [`Self::connect`].
    pub fn bind(text: &[u8]) -> Result<IpcAddress> {
        if text.starts_with(b"*") {
            return Ok(IpcAddress::Wildcard);
        }
        Self::connect(text)
    }

    /// Reads the part after `ipc://` of an address to connect to, where `*` is
    /// a file name like any other.
    ///
    /// Errors: `NameTooLong` beyond [`IPC_NAME_MAX`] bytes; `Invalid` for an
    /// empty path, an empty abstract name, or a NUL byte.
    pub fn connect(text: &[u8]) -> Result<IpcAddress> {
        if text.len() > IPC_NAME_MAX {
            return Err(Error::NameTooLong);
        }
        if text.is_empty() || text.contains(&0) {
            return Err(Error::Invalid);
        }
        match text.strip_prefix(b"@") {
            Some([]) => Err(Error::Invalid),
            Some(name) => Ok(IpcAddress::Abstract(name.to_vec())),
            None => Ok(IpcAddress::Path(text.to_vec())),
        }
    }

    /// Appends the address as it stands after `ipc://`.
    pub(super) fn append_to(&self, text: &mut Vec<u8>) {
        match self {
            IpcAddress::Path(path) => text.extend_from_slice(path),
            IpcAddress::Abstract(name) => {
                text.push(b'@');
                text.extend_from_slice(name);
            }
            IpcAddress::Wildcard => text.push(b'*'),
        }
    }
}

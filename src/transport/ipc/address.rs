//! ipc addresses as text.

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

    /// The address as it stands after `ipc://`.
    pub fn text(&self) -> Vec<u8> {
        match self {
            IpcAddress::Path(path) => path.clone(),
            IpcAddress::Abstract(name) => [b"@", name.as_slice()].concat(),
            IpcAddress::Wildcard => b"*".to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        use IpcAddress::{Abstract, Path, Wildcard};
        let long = |n: usize| "x".repeat(n);
        for (text, bound, connected) in [
            ("a".into(), Ok(Path(b"a".to_vec())), None),
            ("/t/a:b".into(), Ok(Path(b"/t/a:b".to_vec())), None),
            ("@a".into(), Ok(Abstract(b"a".to_vec())), None),
            ("@".into(), Err(Error::Invalid), None),
            ("a\0b".into(), Err(Error::Invalid), None),
            ("*".into(), Ok(Wildcard), Some(Path(b"*".to_vec()))),
            ("*ab".into(), Ok(Wildcard), Some(Path(b"*ab".to_vec()))),
            (long(107), Ok(Path(long(107).into_bytes())), None),
            (long(108), Err(Error::NameTooLong), None),
            (
                format!("@{}", long(106)),
                Ok(Abstract(long(106).into_bytes())),
                None,
            ),
            (format!("@{}", long(107)), Err(Error::NameTooLong), None),
        ] {
            let connected = connected.map_or(bound.clone(), Ok);
            assert_eq!(IpcAddress::bind(text.as_bytes()), bound, "{text:?}");
            assert_eq!(IpcAddress::connect(text.as_bytes()), connected, "{text:?}");
        }
        assert!(IpcAddress::bind(b"/a/\xff").is_ok(), "any byte but NUL");
    }
}

//! The properties that a peer sends about itself during the handshake.

#![forbid(unsafe_code)]

use super::error::{HandshakeError, ProtocolError, Refusal};
use super::metadata::{self, PropertyList};
use crate::abi::socket_type::SocketType;

/// The peer's socket type, routing id and metadata.
#[derive(Debug)]
pub(super) struct PeerProperties {
    own_type: SocketType,
    pub routing_id: Vec<u8>,
    pub socket_type: Option<SocketType>,
    pub properties: PropertyList,
}

impl PeerProperties {
    /// Empty properties of the peer of a socket of type `own_type`.
    pub fn new(own_type: SocketType) -> Self {
        PeerProperties {
            own_type,
            routing_id: Vec::new(),
            socket_type: None,
            properties: PropertyList::default(),
        }
    }

    /// Reads the metadata of a READY or INITIATE. Of properties of the same name
    /// the first is used.
    ///
    /// # Errors
    /// An incompatible socket type, a malformed list, an invalid name. A missing
    /// socket type is accepted.
    pub fn read_metadata(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        let mut list = PropertyList::with_capacity(bytes.len());
        for property in metadata::properties(bytes) {
            let Ok((name, value)) = property else {
                return Err(HandshakeError::Closed(Refusal::Metadata));
            };
            if !metadata::is_name(name) {
                return Err(ProtocolError::InvalidMetadata.into());
            }
            if metadata::is_reserved(name) {
                continue;
            }
            if name == metadata::SOCKET_TYPE {
                let kind = SocketType::from_name(value)
                    .filter(|kind| self.own_type.is_compatible(*kind))
                    .ok_or(HandshakeError::Closed(Refusal::SocketType))?;
                self.socket_type.get_or_insert(kind);
            }
            list.push(name, value);
        }
        self.routing_id = list.get(metadata::IDENTITY).unwrap_or_default().to_vec();
        self.properties = list;
        Ok(())
    }
}

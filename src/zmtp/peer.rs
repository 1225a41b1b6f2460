//! What a peer says about itself during the handshake.

#![forbid(unsafe_code)]

use super::error::{HandshakeError, Refusal};
use super::metadata;
use super::socket_type::SocketType;

/// Name of the property with what the ZAP handler calls the peer.
const USER_ID: &[u8] = b"User-Id";

/// What a peer tells about itself.
#[derive(Debug)]
pub(super) struct PeerProperties {
    own_type: SocketType,
    pub routing_id: Vec<u8>,
    pub socket_type: Option<SocketType>,
    pub properties: Vec<(Vec<u8>, Vec<u8>)>,
}

impl PeerProperties {
    /// Of a peer that has not said anything yet, facing a socket of `own_type`.
    pub fn new(own_type: SocketType) -> Self {
        PeerProperties {
            own_type,
            routing_id: Vec::new(),
            socket_type: None,
            properties: Vec::new(),
        }
    }

    /// Reads the metadata of a READY or INITIATE. Incompatible socket types and
    /// malformed lists close the connection; a missing type does not.
    pub fn read_metadata(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        for property in metadata::properties(bytes) {
            let Ok((name, value)) = property else {
                return Err(HandshakeError::Closed(Refusal::Metadata));
            };
            if name == metadata::SOCKET_TYPE {
                let kind = SocketType::from_name(value)
                    .filter(|kind| self.own_type.is_compatible(*kind))
                    .ok_or(HandshakeError::Closed(Refusal::SocketType))?;
                self.socket_type = Some(kind);
            } else if name == metadata::IDENTITY {
                self.routing_id = value.to_vec();
            }
            // Nobody but the handler may say so, and there may be none.
            if name == USER_ID {
                continue;
            }
            self.properties.push((name.to_vec(), value.to_vec()));
        }
        Ok(())
    }
}

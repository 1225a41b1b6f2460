//! Metadata, the list of properties in READY and INITIATE (RFC 23, 37), and in
//! ZAP replies (RFC 27): name length (1), name, value length (4), value.

#![forbid(unsafe_code)]

pub use crate::options::is_property_name as is_name;

/// Name of the property with the peer's socket type. Names are compared
/// case-sensitively, as in libzmq; the RFC makes them case-insensitive.
pub const SOCKET_TYPE: &[u8] = b"Socket-Type";
/// Name of the property with the peer's routing id.
pub const IDENTITY: &[u8] = b"Identity";
/// Name of the property with the user id that the ZAP handler assigned.
pub const USER_ID: &[u8] = b"User-Id";
/// Name of the property with the peer's address.
pub const PEER_ADDRESS: &[u8] = b"Peer-Address";

/// Whether a property of this name is set by this side only, so that the peer's is
/// ignored. Case-insensitive, because applications may compare names as the RFC does.
pub(super) fn is_reserved(name: &[u8]) -> bool {
    [USER_ID, PEER_ADDRESS]
        .iter()
        .any(|reserved| name.eq_ignore_ascii_case(reserved))
}

/// The list ends in the middle of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Appends one property to `out`.
///
/// A property whose name exceeds 255 bytes, or whose value exceeds 4 GiB, cannot
/// be encoded and is omitted.
pub fn append(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let (Ok(name_len), Ok(value_len)) = (u8::try_from(name.len()), u32::try_from(value.len()))
    else {
        return;
    };
    out.reserve(1 + name.len() + 4 + value.len());
    out.push(name_len);
    out.extend_from_slice(name);
    out.extend_from_slice(&value_len.to_be_bytes());
    out.extend_from_slice(value);
}

/// A list in one allocation, encoded as on the wire, so that it takes no more memory
/// than the bytes received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyList {
    bytes: Vec<u8>,
}

impl PropertyList {
    /// An empty list with memory for this many encoded bytes.
    pub fn with_capacity(bytes: usize) -> PropertyList {
        PropertyList {
            bytes: Vec::with_capacity(bytes),
        }
    }

    /// Adds a property, see [`append`].
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        append(name, value, &mut self.bytes);
    }

    /// The properties in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        properties(&self.bytes).flatten()
    }

    /// The value of a property; of duplicates, the first one's.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let (_, value) = self.iter().find(|(key, _)| *key == name)?;
        Some(value)
    }

    /// Adds the properties of a list of lower precedence: those whose name is in this
    /// list already, compared case-insensitively, are omitted.
    pub(super) fn extend_with(&mut self, other: PropertyList) {
        if self.bytes.is_empty() {
            *self = other;
            return;
        }
        let known = self.clone();
        let is_known = |name: &[u8]| known.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        self.bytes.reserve_exact(other.bytes.len());
        for (name, value) in other.iter().filter(|(name, _)| !is_known(name)) {
            self.push(name, value);
        }
    }

    /// Moves the list to `memory`, the buffer of the frame it was read from, if it fills
    /// at least half of it. The buffer was allocated before the list: freeing the list
    /// instead of the buffer avoids a hole in the heap for each peer.
    pub(super) fn move_to(&mut self, mut memory: Vec<u8>) {
        if (memory.capacity() / 2..=memory.capacity()).contains(&self.bytes.len()) {
            memory.clear();
            memory.extend_from_slice(&self.bytes);
            self.bytes = memory;
        }
    }

    /// Bytes of memory that the list holds.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

impl<'a> FromIterator<(&'a [u8], &'a [u8])> for PropertyList {
    fn from_iter<I: IntoIterator<Item = (&'a [u8], &'a [u8])>>(properties: I) -> Self {
        let mut list = PropertyList::default();
        for (name, value) in properties {
            list.push(name, value);
        }
        list
    }
}

/// Iterates over the properties as (name, value), in the order of the wire.
///
/// Yields `Err(Malformed)` once, as the last item, if the last property is
/// truncated.
pub fn properties(bytes: &[u8]) -> Properties<'_> {
    Properties { rest: bytes }
}

/// Iterator of [`properties`].
#[derive(Clone, Debug)]
pub struct Properties<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Properties<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((name, value, rest)) = split_first(self.rest) else {
            self.rest = &[];
            return Some(Err(Malformed));
        };
        self.rest = rest;
        Some(Ok((name, value)))
    }
}

fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&name_len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_len))?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let value_len = usize::try_from(u32::from_be_bytes(*value_len)).ok()?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_read_back() {
        let mut bytes = Vec::new();
        append(SOCKET_TYPE, b"REQ", &mut bytes);
        append(b"", b"", &mut bytes);
        append(&[b'n'; 255], &[7; 300], &mut bytes);
        assert_eq!(&bytes[..19], b"\x0bSocket-Type\0\0\0\x03REQ");
        let list: Result<Vec<_>, _> = properties(&bytes).collect();
        let expected: [(&[u8], &[u8]); 3] =
            [(SOCKET_TYPE, b"REQ"), (b"", b""), (&[b'n'; 255], &[7; 300])];
        assert_eq!(list, Ok(expected.to_vec()));
    }

    #[test]
    fn every_cut_inside_a_property_is_malformed() {
        let mut bytes = Vec::new();
        append(b"A", b"one", &mut bytes);
        let border = bytes.len();
        append(b"B", b"two", &mut bytes);
        for end in 1..bytes.len() {
            let malformed = properties(&bytes[..end]).any(|item| item.is_err());
            assert_eq!(malformed, end != border, "cut at {end}");
        }
        // A value length far beyond the end is no reason to read there.
        let huge = b"\x01A\xff\xff\xff\xffx";
        assert_eq!(properties(huge).collect::<Vec<_>>(), [Err(Malformed)]);
    }

    #[test]
    fn a_property_that_does_not_fit_is_left_out() {
        let mut bytes = Vec::new();
        append(&[b'n'; 256], b"", &mut bytes);
        assert!(bytes.is_empty());
    }
}

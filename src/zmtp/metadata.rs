//! Metadata, the list of properties in READY and INITIATE (RFC 23, 37), and in
//! ZAP replies (RFC 27): name length (1), name, value length (4), value.

#![forbid(unsafe_code)]

/// Name of the property with the peer's socket type. Names are compared with
/// case, as libzmq does it; the RFC would not.
pub const SOCKET_TYPE: &[u8] = b"Socket-Type";
/// Name of the property with the peer's routing id.
pub const IDENTITY: &[u8] = b"Identity";

/// The list ends in the middle of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Appends one property to `out`.
///
/// A name of more than 255 bytes, or a value of more than 4 GiB, cannot be
/// written down: such a property is left out.
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

/// Iterates over the properties as (name, value), in the order of the wire.
///
/// Yields `Err(Malformed)` once, as the last item, if the bytes do not end at
/// the end of a property.
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

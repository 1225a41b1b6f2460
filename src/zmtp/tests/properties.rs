//! Property tests: arbitrary bytes, in arbitrary splits.

#![forbid(unsafe_code)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::abi::socket_type::SocketType;

fn any_type() -> impl Strategy<Value = SocketType> {
    (0..21_i32).prop_map(|number| SocketType::from_number(number).expect("a valid number"))
}

/// The Debug form of a session has all there is to compare.
fn describe(handshake: Handshake) -> Option<String> {
    handshake
        .is_done()
        .then(|| format!("{:?}", handshake.into_session()))
}

/// Cuts `stream` at the given places, whatever their order.
fn pieces<'a>(stream: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.push(stream.len());
    places.sort_unstable();
    let mut start = 0;
    places
        .into_iter()
        .map(|end| {
            let piece = &stream[start..end];
            start = end;
            piece
        })
        .collect()
}

/// What a peer of any version sends, good or nearly so, and traffic behind it.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let id = || vec(any::<u8>(), 0..300);
    let tail = || vec(any::<u8>(), 0..40);
    let signature = b"\xff\0\0\0\0\0\0\0\x01\x7f";
    let old = (id(), tail(), 0..3_u8, 0..12_u8).prop_map(move |(id, tail, kind, own)| {
        let mut bytes = Vec::new();
        if kind > 0 {
            bytes.extend_from_slice(signature);
            bytes.extend_from_slice(&[kind - 1, own]);
        }
        let framing = if kind == 2 { Framing::V2 } else { Framing::V1 };
        framing.append_frame(kind == 1, false, &id, &mut bytes);
        bytes.extend_from_slice(&tail);
        bytes
    });
    let new = (any_type(), id(), tail(), 0..4_u8, any::<bool>()).prop_map(
        |(kind, id, tail, minor, command)| {
            let mut bytes = v3_greeting(minor, "NULL");
            let mut body = b"\x05READY".to_vec();
            metadata::append(metadata::SOCKET_TYPE, kind.name().as_bytes(), &mut body);
            metadata::append(metadata::IDENTITY, &id, &mut body);
            metadata::append(b"X-Any", &tail, &mut body);
            Framing::V2.append_frame(false, command, &body, &mut bytes);
            bytes.extend_from_slice(&tail);
            bytes
        },
    );
    prop_oneof![old, new]
}

/// A stream with a few bytes changed, so that decisions of all kinds come up.
fn damaged_stream() -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    (any_stream(), damage).prop_map(|(mut bytes, damage)| {
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes
    })
}

fn same_for_any_split(
    kind: SocketType,
    stream: &[u8],
    cuts: &[prop::sample::Index],
) -> Result<(), TestCaseError> {
    let whole = offer(config(kind, b"own"), [stream]);
    let split = offer(config(kind, b"own"), pieces(stream, cuts));
    let bytes = offer(config(kind, b"own"), stream.chunks(1));
    prop_assert_eq!(&whole.1, &split.1);
    prop_assert_eq!(&whole.1, &bytes.1);
    let session = describe(whole.0);
    prop_assert_eq!(&session, &describe(split.0));
    prop_assert_eq!(&session, &describe(bytes.0));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_split_of_a_good_stream_is_the_same(
        kind in any_type(),
        stream in any_stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        same_for_any_split(kind, &stream, &cuts)?;
    }

    #[test]
    fn any_split_of_a_damaged_stream_is_the_same(
        kind in any_type(),
        stream in damaged_stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        same_for_any_split(kind, &stream, &cuts)?;
    }

    #[test]
    fn random_bytes_do_no_harm(kind in any_type(), stream in vec(any::<u8>(), 0..4096)) {
        same_for_any_split(kind, &stream, &[])?;
    }

    #[test]
    fn random_frames_behind_a_good_greeting_do_no_harm(
        kind in any_type(),
        frames in vec(any::<u8>(), 0..512),
    ) {
        let stream = [v3_greeting(1, "NULL"), frames].concat();
        same_for_any_split(kind, &stream, &[])?;
    }

    #[test]
    fn parsers_take_any_bytes(bytes in vec(any::<u8>(), 0..64)) {
        let _ = command::parse(&bytes);
        let read: usize = metadata::properties(&bytes)
            .flatten()
            .map(|(name, value)| 5 + name.len() + value.len())
            .sum();
        prop_assert!(read <= bytes.len());
        for framing in [Framing::V1, Framing::V2] {
            if let Ok(Some(header)) = framing.decode_header(&bytes) {
                prop_assert!(header.len <= bytes.len());
            }
        }
    }

    #[test]
    fn headers_of_any_size_survive(size: usize, more: bool, command: bool) {
        let size = size >> 1;
        for framing in [Framing::V1, Framing::V2] {
            let mut out = [0; MAX_HEADER];
            let len = framing.encode_header(more, command, size, &mut out);
            let header = framing.decode_header(&out[..len]).ok().flatten();
            prop_assert_eq!(header.map(|h| (h.more, h.size, h.len)), Some((more, size as u64, len)));
        }
    }
}

/// A peer that promises a frame and sends and sends cannot make us keep more
/// than one frame of the largest size.
#[test]
fn what_is_kept_is_bounded() {
    for (promised, accepted) in [
        (MAX_HANDSHAKE_FRAME, true),
        (MAX_HANDSHAKE_FRAME + 1, false),
    ] {
        let mut handshake = Handshake::new(config(SocketType::Router, b""));
        let mut output = Vec::new();
        let mut input = b"\xff".to_vec();
        input.extend_from_slice(&(promised + 1).to_be_bytes());
        input.push(0);
        assert_eq!(handshake.advance(&input, &mut output).is_ok(), accepted);
        let chunk = [0; 4096];
        for _ in 0..2 * promised as usize / chunk.len() {
            let Ok(progress) = handshake.advance(&chunk, &mut output) else {
                break;
            };
            assert!(handshake.buffered() <= MAX_HANDSHAKE_FRAME as usize + MAX_HEADER);
            if progress.done {
                break;
            }
        }
        assert_eq!(handshake.is_done(), accepted);
    }
}

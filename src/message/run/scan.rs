//! Whole frames in a read buffer, which are passed on as they are.

use super::super::block::Block;
use super::super::frame;
use super::{LONGEST, REFS, Run};

/// Whole messages in a block that was read into, as a run.
pub struct Received {
    run: Run,
    messages: Messages,
}

impl Received {
    /// The whole messages at the front of `block[from..to]`, at most `most`. `None` if they have
    /// fewer than two parts in all. It stops before a frame that is a command, has flags that ZMTP
    /// does not define, or more than `limit` bytes.
    #[inline]
    pub fn at(
        block: &mut Block,
        from: usize,
        to: usize,
        most: usize,
        limit: u64,
    ) -> Option<Received> {
        let input = block.bytes(from, to);
        let messages = count_messages(&input[..input.len().min(LONGEST)], most, limit);
        if messages.parts < 2 {
            return None;
        }
        let bytes = input[..messages.len].as_ptr_range();
        let run = Run {
            start: bytes.start,
            end: bytes.end,
            block: block.give(from + messages.len, REFS),
        };
        Some(Received { run, messages })
    }

    /// The counts of the messages.
    #[inline]
    pub fn messages(&self) -> Messages {
        self.messages
    }

    /// The run.
    #[inline]
    pub fn into_run(self) -> Run {
        self.run
    }
}

/// Frames at the front of some input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Bytes of all the frames.
    pub len: usize,
    /// Frames, which are message parts.
    pub parts: usize,
    /// Whole messages.
    pub count: usize,
}

/// Counts whole messages at the front of `input`, at most `most`, in frames of ZMTP 2 and later. It
/// stops before a frame that is a command, has flags that ZMTP does not define, or more than
/// `limit` bytes.
#[inline]
fn count_messages(input: &[u8], most: usize, limit: u64) -> Messages {
    let mut whole = Messages::default();
    let (mut at, mut parts) = (0, 0);
    while whole.count < most {
        let Some(header) = frame::decode(&input[at..]) else {
            break;
        };
        let left = input.len() - (at + header.len);
        let strange = header.flags & !(frame::MORE | frame::LONG) != 0;
        if strange || header.size > limit || header.size > left as u64 {
            break;
        }
        at += header.len + header.size as usize;
        parts += 1;
        if header.flags & frame::MORE == 0 {
            whole.len = at;
            whole.parts = parts;
            whole.count += 1;
        }
    }
    whole
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn whole_messages_are_counted() {
        let count = |input: &[u8], most, limit| {
            let found = count_messages(input, most, limit);
            (found.len, found.parts, found.count)
        };
        let long = b"\x02\0\0\0\0\0\0\0\x03def";
        let mut input = b"\x01\x01a\x00\x02bc\x00\x00".to_vec();
        input.extend_from_slice(long);
        let all = (input.len(), 4, 3);
        assert_eq!(count(&input, usize::MAX, u64::MAX), all);
        assert_eq!(count(&input, 2, u64::MAX), (9, 3, 2));
        assert_eq!(count(&input, usize::MAX, 2), (9, 3, 2));
        assert_eq!(count(&input, usize::MAX, 1), (0, 0, 0), "half a message");
        for cut in 0..input.len() {
            let expected = match cut {
                0..7 => (0, 0, 0),
                7..9 => (7, 2, 1),
                _ => (9, 3, 2),
            };
            assert_eq!(
                count(&input[..cut], usize::MAX, u64::MAX),
                expected,
                "{cut}"
            );
        }
        // Commands, undefined flags and excessive sizes are left to the session.
        for strange in [
            &b"\x04\x00"[..],
            b"\x04\0\0\0\0\0\0\0\0\0",
            b"\x08\x00",
            b"\x0a\0\0\0\0\0\0\0\0\0",
            b"\xff\x00",
            b"\x02\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            let mut input = b"\x00\x01x".to_vec();
            input.extend_from_slice(strange);
            assert_eq!(count(&input, usize::MAX, u64::MAX), (3, 1, 1));
        }
    }
}

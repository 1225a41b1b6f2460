//! Encoding and parsing of ZMTP 3.x command bodies: name length (1), name, data.
//!
//! The frame header in front of a body is written and read by [`super::Framing`].

#![forbid(unsafe_code)]

/// Longest PING context that a PONG echoes, in bytes (RFC 37).
pub const MAX_CONTEXT: usize = 16;

/// Name of SUBSCRIBE with its length octet, for building frames in place.
pub const SUBSCRIBE_PREFIX: &[u8] = b"\x09SUBSCRIBE";
/// Name of CANCEL with its length octet.
pub const CANCEL_PREFIX: &[u8] = b"\x06CANCEL";
pub(super) const READY_PREFIX: &[u8] = b"\x05READY";
pub(super) const ERROR_PREFIX: &[u8] = b"\x05ERROR";
const PING_PREFIX: &[u8] = b"\x04PING";
const PONG_PREFIX: &[u8] = b"\x04PONG";
const JOIN_PREFIX: &[u8] = b"\x04JOIN";
const LEAVE_PREFIX: &[u8] = b"\x05LEAVE";

/// A parsed command, borrowing from the frame's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// The peer asks for a PONG.
    Ping {
        /// The peer is to be considered dead after this many tenths of a second
        /// without traffic; 0 sets no timeout.
        ttl_ds: u16,
        /// To be echoed in the PONG, where [`pong`] truncates it to [`MAX_CONTEXT`].
        context: &'a [u8],
    },
    /// Answer to a PING.
    Pong {
        /// The context of that PING.
        context: &'a [u8],
    },
    /// The peer subscribes to this topic.
    Subscribe(&'a [u8]),
    /// The peer cancels a subscription to this topic.
    Cancel(&'a [u8]),
    /// A DISH joins this group.
    Join(&'a [u8]),
    /// A DISH leaves this group.
    Leave(&'a [u8]),
    /// The peer refuses the handshake, with this reason.
    Error(&'a [u8]),
    /// End of the handshake, with this metadata (see [`super::metadata`]).
    Ready(&'a [u8]),
    /// A well-formed command with another name.
    Other,
}

/// Parses the body of a command frame.
///
/// `None` if it is malformed: an empty body, a name longer than the body, a
/// PING without a TTL, an ERROR with a truncated reason. After the handshake
/// such commands, like [`Command::Other`], are to be ignored.
pub fn parse(body: &[u8]) -> Option<Command<'_>> {
    let (&name_len, rest) = body.split_first()?;
    let (name, data) = rest.split_at_checked(usize::from(name_len))?;
    Some(match name {
        b"PING" => {
            let (ttl, context) = data.split_first_chunk::<2>()?;
            Command::Ping {
                ttl_ds: u16::from_be_bytes(*ttl),
                context,
            }
        }
        b"PONG" => Command::Pong { context: data },
        b"SUBSCRIBE" => Command::Subscribe(data),
        b"CANCEL" => Command::Cancel(data),
        b"JOIN" => Command::Join(data),
        b"LEAVE" => Command::Leave(data),
        b"ERROR" => {
            let (&reason_len, rest) = data.split_first()?;
            Command::Error(rest.get(..usize::from(reason_len))?)
        }
        b"READY" => Command::Ready(data),
        _ => Command::Other,
    })
}

/// Appends a PING. `ttl_ds` is `ZMQ_HEARTBEAT_TTL` in tenths of a second;
/// libzmq sends an empty `context`, and RFC 37 allows up to [`MAX_CONTEXT`].
pub fn ping(ttl_ds: u16, context: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(PING_PREFIX);
    out.extend_from_slice(&ttl_ds.to_be_bytes());
    out.extend_from_slice(context);
}

/// Appends a PONG with the `context` of a PING, truncated to [`MAX_CONTEXT`] bytes.
pub fn pong(context: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(PONG_PREFIX);
    out.extend_from_slice(&context[..context.len().min(MAX_CONTEXT)]);
}

/// Appends a SUBSCRIBE. For ZMTP 3.1 peers only; older ones expect a message
/// of `01` and the topic.
pub fn subscribe(topic: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(SUBSCRIBE_PREFIX);
    out.extend_from_slice(topic);
}

/// Appends a CANCEL. For ZMTP 3.1 peers only; older ones expect a message of
/// `00` and the topic.
pub fn cancel(topic: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(CANCEL_PREFIX);
    out.extend_from_slice(topic);
}

/// Appends a JOIN for `group` (RADIO/DISH).
pub fn join(group: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(JOIN_PREFIX);
    out.extend_from_slice(group);
}

/// Appends a LEAVE for `group` (RADIO/DISH).
pub fn leave(group: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(LEAVE_PREFIX);
    out.extend_from_slice(group);
}

/// Appends an ERROR with a ZAP `status` of three digits as its reason.
pub(super) fn error_status(status: u16, out: &mut Vec<u8>) {
    let status = status.min(999);
    let digit = |value: u16| b'0' + (value % 10) as u8;
    out.extend_from_slice(ERROR_PREFIX);
    out.extend_from_slice(&[3, digit(status / 100), digit(status / 10), digit(status)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(build: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        build(&mut out);
        out
    }

    #[test]
    fn commands_as_the_wire_has_them() {
        assert_eq!(built(|o| ping(0x0102, b"", o)), b"\x04PING\x01\x02");
        assert_eq!(built(|o| pong(b"ctx", o)), b"\x04PONGctx");
        assert_eq!(built(|o| subscribe(b"A", o)), b"\x09SUBSCRIBEA");
        assert_eq!(built(|o| cancel(b"A", o)), b"\x06CANCELA");
        assert_eq!(built(|o| join(b"g", o)), b"\x04JOINg");
        assert_eq!(built(|o| leave(b"g", o)), b"\x05LEAVEg");
        assert_eq!(built(|o| error_status(457, o)), b"\x05ERROR\x03457");
    }

    #[test]
    fn commands_parse() {
        let ping = Command::Ping {
            ttl_ds: 656,
            context: b"c",
        };
        assert_eq!(parse(b"\x04PING\x02\x90c"), Some(ping));
        assert_eq!(parse(b"\x04PONG"), Some(Command::Pong { context: b"" }));
        assert_eq!(parse(b"\x09SUBSCRIBE"), Some(Command::Subscribe(b"")));
        assert_eq!(parse(b"\x06CANCELab"), Some(Command::Cancel(b"ab")));
        assert_eq!(parse(b"\x04JOINg"), Some(Command::Join(b"g")));
        assert_eq!(parse(b"\x05LEAVEg"), Some(Command::Leave(b"g")));
        assert_eq!(parse(b"\x05READYmeta"), Some(Command::Ready(b"meta")));
        assert_eq!(
            parse(b"\x05ERROR\x03300 and more"),
            Some(Command::Error(b"300"))
        );
        assert_eq!(parse(b"\x04ping\0\0"), Some(Command::Other));
        assert_eq!(parse(b"\0"), Some(Command::Other));
    }

    #[test]
    fn malformed_commands_are_none() {
        for body in [
            &b""[..],
            b"\x05PING",
            b"\x04PING",
            b"\x04PING\0",
            b"\x05ERROR",
            b"\x05ERROR\x04300",
            b"\xff",
        ] {
            assert_eq!(parse(body), None, "{body:?}");
        }
    }

    #[test]
    fn a_long_context_is_cut_in_the_pong() {
        assert_eq!(built(|o| pong(&[b'x'; 40], o)).len(), 5 + MAX_CONTEXT);
        assert_eq!(built(|o| pong(&[b'x'; 16], o)).len(), 5 + 16);
    }
}

//! Socket types, and what each of them is.
//!
//! The facts about a type that more than its own pattern needs stand in one table, [`SPECS`].

#![forbid(unsafe_code)]

use super::numbers::draft::*;
use super::numbers::*;

/// A socket type; the discriminant is its number in `zmq.h`, which is also the
/// byte in a ZMTP 1.0 or 2.0 greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs)] // the names are those of zmq_socket(3)
pub enum SocketType {
    Pair = ZMQ_PAIR,
    Pub = ZMQ_PUB,
    Sub = ZMQ_SUB,
    Req = ZMQ_REQ,
    Rep = ZMQ_REP,
    Dealer = ZMQ_DEALER,
    Router = ZMQ_ROUTER,
    Pull = ZMQ_PULL,
    Push = ZMQ_PUSH,
    Xpub = ZMQ_XPUB,
    Xsub = ZMQ_XSUB,
    Stream = ZMQ_STREAM,
    Server = ZMQ_SERVER,
    Client = ZMQ_CLIENT,
    Radio = ZMQ_RADIO,
    Dish = ZMQ_DISH,
    Gather = ZMQ_GATHER,
    Scatter = ZMQ_SCATTER,
    Dgram = ZMQ_DGRAM,
    Peer = ZMQ_PEER,
    Channel = ZMQ_CHANNEL,
}

use SocketType::*;

/// What a socket type is. A new type is a row of [`SPECS`] and a file in `pattern/`.
#[derive(Debug)]
pub struct SocketSpec {
    /// The type.
    pub kind: SocketType,
    /// The value of the Socket-Type property (RFC 23, 37).
    pub name: &'static str,
    /// The types it may be connected with; none if it does not speak ZMTP.
    pub peers: &'static [SocketType],
    /// Messages can be received.
    pub receives: bool,
    /// What it sends are subscriptions: the pattern writes them anew for each peer, and no
    /// close has to linger for them.
    pub subscribes: bool,
    /// Subscriptions are joins of groups: JOIN and LEAVE in place of SUBSCRIBE and CANCEL.
    pub groups: bool,
    /// It filters messages by its peers' subscriptions.
    pub filters: bool,
    /// READY carries the Identity property, even an empty one.
    pub announces_identity: bool,
    /// A second connect to the same endpoint has no effect.
    pub connects_once: bool,
    /// `ZMQ_CONFLATE` has an effect.
    pub conflates: bool,
    /// Its connections pass bytes as they are, without ZMTP.
    pub raw: bool,
    /// Several threads may use one at the same time (`ZMQ_THREAD_SAFE`).
    pub thread_safe: bool,
    /// Its messages may have several parts. If not, `ZMQ_SNDMORE` is an error.
    pub multipart: bool,
}

/// A type without any of the properties.
const fn plain(kind: SocketType, name: &'static str, peers: &'static [SocketType]) -> SocketSpec {
    SocketSpec {
        kind,
        name,
        peers,
        receives: true,
        subscribes: false,
        groups: false,
        filters: false,
        announces_identity: false,
        connects_once: false,
        conflates: false,
        raw: false,
        thread_safe: false,
        multipart: true,
    }
}

/// A type that several threads may use at the same time, whose messages have one part.
const fn shareable(
    kind: SocketType,
    name: &'static str,
    peers: &'static [SocketType],
) -> SocketSpec {
    SocketSpec {
        thread_safe: true,
        multipart: false,
        ..plain(kind, name, peers)
    }
}

/// One row for each type, in the order of the numbers.
pub static SPECS: [SocketSpec; 21] = [
    plain(Pair, "PAIR", &[Pair]),
    SocketSpec {
        receives: false,
        filters: true,
        connects_once: true,
        conflates: true,
        ..plain(Pub, "PUB", &[Sub, Xsub])
    },
    SocketSpec {
        subscribes: true,
        connects_once: true,
        conflates: true,
        ..plain(Sub, "SUB", &[Pub, Xpub])
    },
    SocketSpec {
        announces_identity: true,
        connects_once: true,
        ..plain(Req, "REQ", &[Rep, Router])
    },
    plain(Rep, "REP", &[Req, Dealer]),
    SocketSpec {
        announces_identity: true,
        connects_once: true,
        conflates: true,
        ..plain(Dealer, "DEALER", &[Rep, Dealer, Router])
    },
    SocketSpec {
        announces_identity: true,
        ..plain(Router, "ROUTER", &[Req, Dealer, Router])
    },
    SocketSpec {
        conflates: true,
        ..plain(Pull, "PULL", &[Push])
    },
    SocketSpec {
        receives: false,
        conflates: true,
        ..plain(Push, "PUSH", &[Pull])
    },
    SocketSpec {
        filters: true,
        ..plain(Xpub, "XPUB", &[Sub, Xsub])
    },
    SocketSpec {
        subscribes: true,
        ..plain(Xsub, "XSUB", &[Pub, Xpub])
    },
    SocketSpec {
        raw: true,
        ..plain(Stream, "STREAM", &[])
    },
    shareable(Server, "SERVER", &[Client]),
    shareable(Client, "CLIENT", &[Server]),
    SocketSpec {
        receives: false,
        groups: true,
        ..shareable(Radio, "RADIO", &[Dish])
    },
    SocketSpec {
        subscribes: true,
        groups: true,
        ..shareable(Dish, "DISH", &[Radio])
    },
    shareable(Gather, "GATHER", &[Scatter]),
    SocketSpec {
        receives: false,
        ..shareable(Scatter, "SCATTER", &[Gather])
    },
    plain(Dgram, "DGRAM", &[]),
    shareable(Peer, "PEER", &[Peer]),
    shareable(Channel, "CHANNEL", &[Channel]),
];

// A type's number is its place in the table.
const _: () = {
    let mut at = 0;
    while at < SPECS.len() {
        assert!(SPECS[at].kind as usize == at);
        at += 1;
    }
};

impl SocketType {
    /// The facts about the type.
    #[inline]
    pub fn spec(self) -> &'static SocketSpec {
        &SPECS[self as usize]
    }

    /// The type with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        let at = usize::try_from(number).ok()?;
        SPECS.get(at).map(|spec| spec.kind)
    }

    /// Whether it is of the draft API.
    pub const fn is_draft(self) -> bool {
        self.number() > ZMQ_STREAM
    }

    /// The number in `zmq.h`.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The type with this value of the Socket-Type property, compared case-sensitively.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let spec = SPECS.iter().find(|spec| spec.name.as_bytes() == name)?;
        Some(spec.kind)
    }

    /// The value of the Socket-Type property.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Whether `ZMQ_HELLO_MSG` has an effect.
    pub fn says_hello(self) -> bool {
        self.reports_departures() || self.reports_hiccups()
    }

    /// Whether `ZMQ_DISCONNECT_MSG` has an effect.
    pub fn reports_departures(self) -> bool {
        matches!(self, Router | Rep | Server | Peer)
    }

    /// Whether `ZMQ_HICCUP_MSG` has an effect.
    pub fn reports_hiccups(self) -> bool {
        matches!(self, Dealer | Req | Client | Peer)
    }

    /// Whether the two types may be connected. Symmetric.
    pub fn is_compatible(self, peer: SocketType) -> bool {
        self.spec().peers.contains(&peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for (index, spec) in SPECS.iter().enumerate() {
            let kind = spec.kind;
            assert_eq!(usize::try_from(kind.number()), Ok(index));
            assert_eq!(SocketType::from_number(kind.number()), Some(kind));
            assert_eq!(SocketType::from_name(kind.name().as_bytes()), Some(kind));
            assert_eq!(
                spec.multipart, !spec.thread_safe,
                "one thread could end another's message"
            );
        }
        assert_eq!(SocketType::from_number(21), None);
        assert_eq!(SocketType::from_number(-1), None);
        assert_eq!(SocketType::from_name(b"pair"), None);
        assert_eq!(SocketType::from_name(b""), None);
    }

    #[test]
    fn compatibility_is_symmetric_and_has_the_known_pairs() {
        let mut pairs = 0;
        for one in SPECS.iter().map(|spec| spec.kind) {
            for two in SPECS.iter().map(|spec| spec.kind) {
                assert_eq!(one.is_compatible(two), two.is_compatible(one));
                pairs += usize::from(one.is_compatible(two));
            }
        }
        // Peers of each type: PAIR 1, PUB 2, SUB 2, REQ 2, REP 2, DEALER 3, ROUTER 3, PULL 1,
        // PUSH 1, XPUB 2, XSUB 2, and 1 for each of the 8 draft types over ZMTP.
        assert_eq!(pairs, 29);
    }
}

//! Socket types: their names and numbers on the wire, and which are compatible.

#![forbid(unsafe_code)]

/// A socket type; the discriminant is its number in `zmq.h`, which is also the
/// byte in a ZMTP 1.0 or 2.0 greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // the names are those of zmq_socket(3)
pub enum SocketType {
    Pair = 0,
    Pub = 1,
    Sub = 2,
    Req = 3,
    Rep = 4,
    Dealer = 5,
    Router = 6,
    Pull = 7,
    Push = 8,
    Xpub = 9,
    Xsub = 10,
    Stream = 11,
    Server = 12,
    Client = 13,
    Radio = 14,
    Dish = 15,
    Gather = 16,
    Scatter = 17,
    Dgram = 18,
    Peer = 19,
    Channel = 20,
}

impl SocketType {
    /// Every type, in the order of the numbers.
    pub const ALL: [SocketType; 21] = [
        SocketType::Pair,
        SocketType::Pub,
        SocketType::Sub,
        SocketType::Req,
        SocketType::Rep,
        SocketType::Dealer,
        SocketType::Router,
        SocketType::Pull,
        SocketType::Push,
        SocketType::Xpub,
        SocketType::Xsub,
        SocketType::Stream,
        SocketType::Server,
        SocketType::Client,
        SocketType::Radio,
        SocketType::Dish,
        SocketType::Gather,
        SocketType::Scatter,
        SocketType::Dgram,
        SocketType::Peer,
        SocketType::Channel,
    ];

    /// The type with this number, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The number in `zmq.h`.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The type with this value of the Socket-Type property, compared case-sensitively.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }

    /// The value of the Socket-Type property (RFC 23, 37).
    pub const fn name(self) -> &'static str {
        match self {
            SocketType::Pair => "PAIR",
            SocketType::Pub => "PUB",
            SocketType::Sub => "SUB",
            SocketType::Req => "REQ",
            SocketType::Rep => "REP",
            SocketType::Dealer => "DEALER",
            SocketType::Router => "ROUTER",
            SocketType::Pull => "PULL",
            SocketType::Push => "PUSH",
            SocketType::Xpub => "XPUB",
            SocketType::Xsub => "XSUB",
            SocketType::Stream => "STREAM",
            SocketType::Server => "SERVER",
            SocketType::Client => "CLIENT",
            SocketType::Radio => "RADIO",
            SocketType::Dish => "DISH",
            SocketType::Gather => "GATHER",
            SocketType::Scatter => "SCATTER",
            SocketType::Dgram => "DGRAM",
            SocketType::Peer => "PEER",
            SocketType::Channel => "CHANNEL",
        }
    }

    /// Whether the two types may be connected. Symmetric.
    pub const fn is_compatible(self, peer: SocketType) -> bool {
        use SocketType::*;
        match self {
            Req => matches!(peer, Rep | Router),
            Rep => matches!(peer, Req | Dealer),
            Dealer => matches!(peer, Rep | Dealer | Router),
            Router => matches!(peer, Req | Dealer | Router),
            Push => matches!(peer, Pull),
            Pull => matches!(peer, Push),
            Pub | Xpub => matches!(peer, Sub | Xsub),
            Sub | Xsub => matches!(peer, Pub | Xpub),
            Pair => matches!(peer, Pair),
            Server => matches!(peer, Client),
            Client => matches!(peer, Server),
            Radio => matches!(peer, Dish),
            Dish => matches!(peer, Radio),
            Scatter => matches!(peer, Gather),
            Gather => matches!(peer, Scatter),
            Peer => matches!(peer, Peer),
            Channel => matches!(peer, Channel),
            // Neither speaks ZMTP.
            Stream | Dgram => false,
        }
    }

    /// Whether READY carries the Identity property, even an empty one.
    pub(super) const fn announces_identity(self) -> bool {
        matches!(
            self,
            SocketType::Req | SocketType::Dealer | SocketType::Router
        )
    }

    /// Whether this type filters messages by its peers' subscriptions.
    pub(super) const fn is_publisher(self) -> bool {
        matches!(self, SocketType::Pub | SocketType::Xpub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for (index, kind) in SocketType::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(kind.number()), index);
            assert_eq!(SocketType::from_number(kind.number()), Some(kind));
            assert_eq!(SocketType::from_name(kind.name().as_bytes()), Some(kind));
        }
        assert_eq!(SocketType::from_number(21), None);
        assert_eq!(SocketType::from_name(b"pair"), None);
        assert_eq!(SocketType::from_name(b""), None);
    }

    #[test]
    fn compatibility_is_symmetric_and_has_the_known_pairs() {
        let mut pairs = 0;
        for one in SocketType::ALL {
            for two in SocketType::ALL {
                assert_eq!(one.is_compatible(two), two.is_compatible(one));
                pairs += usize::from(one.is_compatible(two));
            }
        }
        // Peers of each type: PAIR 1, PUB 2, SUB 2, REQ 2, REP 2, DEALER 3, ROUTER 3, PULL 1,
        // PUSH 1, XPUB 2, XSUB 2, and 1 for each of the 8 draft types over ZMTP.
        assert_eq!(pairs, 29);
    }
}

//! All socket types behind one enum.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::{
    dealer::Dealer, dish::Dish, pair::Pair, pub_::Pub, pull::Pull, push::Push, radio::Radio,
    rep::Rep, req::Req, router::Router, server::Server, stream::Stream, sub::Sub, xpub::Xpub,
    xsub::Xsub,
};
use crate::abi::socket_type::SocketType;
use crate::error::Result;
use crate::message::Outgoing;
use crate::pipe::{Incoming, PipeId};
use crate::sys::room::Room;

/// Declares [`AnyPattern`] from one line for each type: its name, and how it is made from
/// the seed.
macro_rules! patterns {
    ($( $(#[$doc:meta])* $name:ident($type:ty) = $make:expr; )*) => {
        /// A socket of any type.
        pub enum AnyPattern {
            $( $(#[$doc])* $name($type), )*
        }

        impl AnyPattern {
            /// A socket of the given type, or `None` for one that is not in the table. Request ids and automatic routing ids count from
            /// `seed`, which should be random.
            pub fn new(kind: SocketType, seed: u32) -> Option<AnyPattern> {
                match kind {
                    $( SocketType::$name => Some(AnyPattern::$name(make::<$type>($make, seed))), )*
                    _ => None,
                }
            }
        }

        macro_rules! dispatch {
            ($self:ident, $pattern:ident => $call:expr) => {
                match $self {
                    $( AnyPattern::$name($pattern) => $call, )*
                }
            };
        }
    };
}

fn make<T>(make: impl FnOnce(u32) -> T, seed: u32) -> T {
    make(seed)
}

// Large types are boxed, so that the enum stays small.
patterns! {
    /// `ZMQ_PAIR`.
    Pair(Pair) = |_| Pair::default();
    /// `ZMQ_PUB`.
    Pub(Box<Pub>) = |_| Box::default();
    /// `ZMQ_SUB`.
    Sub(Box<Sub>) = |_| Box::default();
    /// `ZMQ_REQ`.
    Req(Req) = Req::new;
    /// `ZMQ_REP`.
    Rep(Box<Rep>) = |seed| Box::new(Rep::new(seed));
    /// `ZMQ_DEALER`.
    Dealer(Dealer) = |_| Dealer::default();
    /// `ZMQ_ROUTER`.
    Router(Box<Router>) = |seed| Box::new(Router::new(seed));
    /// `ZMQ_PULL`.
    Pull(Pull) = |_| Pull::default();
    /// `ZMQ_PUSH`.
    Push(Push) = |_| Push::default();
    /// `ZMQ_XPUB`.
    Xpub(Box<Xpub>) = |_| Box::default();
    /// `ZMQ_XSUB`.
    Xsub(Box<Xsub>) = |_| Box::default();
    /// `ZMQ_STREAM`.
    Stream(Box<Stream>) = |seed| Box::new(Stream::new(seed));
    /// `ZMQ_SERVER`.
    Server(Box<Server>) = |seed| Box::new(Server::new(seed));
    /// `ZMQ_CLIENT`.
    Client(Dealer<true>) = |_| Dealer::default();
    /// `ZMQ_RADIO`.
    Radio(Box<Radio>) = |_| Box::default();
    /// `ZMQ_DISH`.
    Dish(Box<Dish>) = |_| Box::default();
    /// `ZMQ_GATHER`.
    Gather(Pull<true>) = |_| Pull::default();
    /// `ZMQ_SCATTER`: the runtime refuses `ZMQ_SNDMORE`.
    Scatter(Push) = |_| Push::default();
    /// `ZMQ_PEER`: a SERVER; the runtime lets the application connect to numbered peers.
    Peer(Box<Server>) = |seed| Box::new(Server::new(seed));
    /// `ZMQ_CHANNEL`.
    Channel(Pair<true>) = |_| Pair::default();
}

impl Pattern for AnyPattern {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        dispatch!(self, pattern => pattern.attached(env, pipe, how))
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        dispatch!(self, pattern => pattern.detached(env, pipe))
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        dispatch!(self, pattern => pattern.read_ready(env, pipe))
    }

    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        dispatch!(self, pattern => pattern.write_ready(env, pipe))
    }

    fn hiccup(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        dispatch!(self, pattern => pattern.hiccup(env, pipe))
    }

    fn forgets_disconnected(&self) -> bool {
        dispatch!(self, pattern => pattern.forgets_disconnected())
    }

    fn has_backlog(&self) -> bool {
        dispatch!(self, pattern => pattern.has_backlog())
    }

    fn continue_backlog(&mut self, env: &mut Env<'_>) {
        dispatch!(self, pattern => pattern.continue_backlog(env))
    }

    fn wants_routing_id(&self) -> bool {
        dispatch!(self, pattern => pattern.wants_routing_id())
    }

    fn is_raw(&self) -> bool {
        dispatch!(self, pattern => pattern.is_raw())
    }

    fn raw_notify(&self) -> bool {
        dispatch!(self, pattern => pattern.raw_notify())
    }

    fn take_latest_id(&mut self) -> Option<Vec<u8>> {
        dispatch!(self, pattern => pattern.take_latest_id())
    }

    fn latest_number(&self) -> u32 {
        dispatch!(self, pattern => pattern.latest_number())
    }

    fn numbered(&self, number: u32) -> Result<PipeId> {
        dispatch!(self, pattern => pattern.numbered(number))
    }

    fn join(&mut self, env: &mut Env<'_>, group: &[u8]) -> Result<()> {
        dispatch!(self, pattern => pattern.join(env, group))
    }

    fn leave(&mut self, env: &mut Env<'_>, group: &[u8]) -> Result<()> {
        dispatch!(self, pattern => pattern.leave(env, group))
    }

    #[inline(always)]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        dispatch!(self, pattern => pattern.send(env, part))
    }

    #[inline(always)]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        dispatch!(self, pattern => pattern.recv(env, into))
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        dispatch!(self, pattern => pattern.has_in(env))
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        dispatch!(self, pattern => pattern.has_out(env))
    }

    fn peer_state(&mut self, env: &mut Env<'_>, id: &[u8]) -> Result<i32> {
        dispatch!(self, pattern => pattern.peer_state(env, id))
    }

    fn set_option(&mut self, env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        dispatch!(self, pattern => pattern.set_option(env, option, data))
    }

    fn get_option(&mut self, option: i32, out: &mut Room<'_>) -> Result<usize> {
        dispatch!(self, pattern => pattern.get_option(option, out))
    }

    fn take_connect_routing_id(&mut self) -> Option<Vec<u8>> {
        dispatch!(self, pattern => pattern.take_connect_routing_id())
    }

    fn accepts_connect_routing_id(&self, id: &[u8]) -> bool {
        dispatch!(self, pattern => pattern.accepts_connect_routing_id(id))
    }
}

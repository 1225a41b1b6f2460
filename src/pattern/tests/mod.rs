//! Socket types against each other, joined by pipes in memory.

#![forbid(unsafe_code)]

mod dialogue;
mod manual;
mod publish;
mod queues;
mod radio;
mod router;
mod server;
mod single;
mod stream;

use super::*;
use crate::abi::socket_type::{SPECS, SocketType};
use crate::error::{Error, Result};
use crate::message::{Body, Msg, Outgoing, flag};
use crate::options::{ContextOptions, Options};
use crate::pipe::{Hwm, Incoming, Listener, PipeEnd, PipeId, Pipes, Reading, event, pair};
use crate::sync::Mutex;
use std::sync::Arc;

pub const PAIR: SocketType = SocketType::Pair;
pub const PUB: SocketType = SocketType::Pub;
pub const SUB: SocketType = SocketType::Sub;
pub const REQ: SocketType = SocketType::Req;
pub const REP: SocketType = SocketType::Rep;
pub const DEALER: SocketType = SocketType::Dealer;
pub const ROUTER: SocketType = SocketType::Router;
pub const PULL: SocketType = SocketType::Pull;
pub const PUSH: SocketType = SocketType::Push;
pub const XPUB: SocketType = SocketType::Xpub;
pub const XSUB: SocketType = SocketType::Xsub;
pub const STREAM: SocketType = SocketType::Stream;

#[derive(Default)]
struct Events(Mutex<Vec<usize>>);

impl Listener for Events {
    fn pipe_event(&self, token: usize) {
        self.0.lock().push(token);
    }
}

struct Socket {
    pattern: AnyPattern,
    pipes: Pipes,
    options: Options,
    requests: Vec<Request>,
}

/// Sockets and the pipes between them; does what the runtime does, in one thread.
#[derive(Default)]
pub struct Net {
    /// Sends and receives so far.
    calls: usize,
    sockets: Vec<Socket>,
    /// By token: which end of which socket; `None` once it is removed.
    ends: Vec<Option<(usize, PipeId)>>,
    events: Arc<Events>,
    /// What the patterns told beside pipes to close.
    pub requested: Vec<Request>,
}

impl Net {
    pub fn socket(&mut self, socket_type: SocketType) -> usize {
        self.sockets.push(Socket {
            pattern: AnyPattern::new(socket_type, 0x0102_03ff).unwrap(),
            pipes: Pipes::default(),
            options: Options::new(socket_type, &ContextOptions::default()),
            requests: Vec::new(),
        });
        self.sockets.len() - 1
    }

    /// One socket of the first type, connected to `count` of the second.
    pub fn star(
        &mut self,
        center: SocketType,
        count: usize,
        others: SocketType,
    ) -> (usize, Vec<usize>) {
        let center = self.socket(center);
        let others = (0..count).map(|_| self.socket(others)).collect::<Vec<_>>();
        for other in &others {
            self.connect(center, *other);
        }
        (center, others)
    }

    fn with<R>(&mut self, at: usize, call: impl FnOnce(&mut AnyPattern, &mut Env<'_>) -> R) -> R {
        let Socket {
            pattern,
            pipes,
            options,
            requests,
        } = &mut self.sockets[at];
        let mut env = Env {
            pipes,
            options,
            requests,
        };
        let result = call(pattern, &mut env);
        let mut requests = std::mem::take(&mut self.sockets[at].requests);
        while let Some(note) = requests.pop() {
            match note {
                Request::Close(pipe) => self.close(at, pipe),
                other => self.requested.push(other),
            }
        }
        result
    }

    /// Closes an end as the runtime does. Pipes may be named several times.
    fn close(&mut self, at: usize, pipe: PipeId) {
        if self.sockets[at].pipes.get(pipe).is_none() {
            return;
        }
        self.with(at, |pattern, env| pattern.detached(env, pipe));
        self.sockets[at].pipes.remove(pipe);
        for end in &mut self.ends {
            if *end == Some((at, pipe)) {
                *end = None;
            }
        }
    }

    fn adopt(&mut self, at: usize, end: PipeEnd, how: Attachment) -> PipeId {
        end.set_listener(self.events.clone(), self.ends.len());
        let pipe = self.sockets[at].pipes.insert(end);
        self.ends.push(Some((at, pipe)));
        self.with(at, |pattern, env| pattern.attached(env, pipe, how));
        pipe
    }

    /// Joins two sockets, the first one connecting; routing ids go ahead.
    pub fn connect(&mut self, a: usize, b: usize) -> (PipeId, PipeId) {
        let (ours, theirs) = (&self.sockets[a].options, &self.sockets[b].options);
        let hwm = |from: &Options, to: &Options| Hwm {
            snd: Some(from.sndhwm),
            rcv: Some(to.rcvhwm),
        };
        let conflate = ours.effective_conflate() || theirs.effective_conflate();
        let (mut x, mut y) = pair(hwm(ours, theirs), hwm(theirs, ours), conflate);
        let id = |options: &Options| Msg::inline(&options.routing_id).with(flag::ROUTING_ID);
        if self.sockets[b].pattern.wants_routing_id() {
            x.write(id(ours)).unwrap();
            x.flush();
        }
        if self.sockets[a].pattern.wants_routing_id() {
            y.write(id(theirs)).unwrap();
            y.flush();
        }
        if let Some(id) = self.sockets[a].pattern.take_connect_routing_id() {
            x.routing_id = id;
        }
        let how = Attachment {
            connected: true,
            subscribe_all: false,
        };
        let pipe = self.adopt(a, x, how);
        let other = self.adopt(b, y, Attachment::default());
        self.pump();
        (pipe, other)
    }

    /// A pipe whose far end is in the test's hand, as a connection's would be.
    pub fn raw(&mut self, at: usize, how: Attachment) -> (PipeId, PipeEnd) {
        let options = &self.sockets[at].options;
        let forward = Hwm {
            snd: Some(options.sndhwm),
            rcv: None,
        };
        let backward = Hwm {
            snd: None,
            rcv: Some(options.rcvhwm),
        };
        let (near, far) = pair(forward, backward, options.effective_conflate());
        let pipe = self.adopt(at, near, how);
        (pipe, far)
    }

    /// Closes the end of a socket.
    pub fn hang_up(&mut self, at: usize, pipe: PipeId) {
        self.close(at, pipe);
        self.pump();
    }

    /// Delivers events until there are none.
    pub fn pump(&mut self) {
        for _ in 0..10_000 {
            let tokens = std::mem::take(&mut *self.events.0.lock());
            if tokens.is_empty() {
                return;
            }
            for token in tokens {
                if let Some((at, pipe)) = self.ends[token] {
                    self.deliver(at, pipe);
                }
            }
        }
        panic!("events without end");
    }

    fn deliver(&mut self, at: usize, pipe: PipeId) {
        let Some(end) = self.sockets[at].pipes.get(pipe) else {
            return;
        };
        let events = end.take_events();
        let receives = self.sockets[at].options.kind.spec().receives;
        self.with(at, |pattern, env| {
            if events & event::HICCUP != 0 {
                pattern.hiccup(env, pipe);
            }
            if events & event::WRITE != 0 {
                pattern.write_ready(env, pipe);
            }
            if events & (event::READ | event::CLOSED) != 0 {
                pattern.read_ready(env, pipe);
            }
            if events & event::CLOSED != 0 && !receives {
                env.close(pipe);
            }
        });
    }

    pub fn peer_state(&mut self, at: usize, id: &[u8]) -> Result<i32> {
        self.with(at, |pattern, env| pattern.peer_state(env, id))
    }

    pub fn send_msg(&mut self, at: usize, mut msg: Msg) -> Result<()> {
        self.pump();
        let (flags, len) = (msg.flags(), msg.len());
        let sent = self.with(at, |pattern, env| pattern.send(env, &mut msg));
        self.pump();
        match sent {
            Ok(()) => assert_eq!((msg.flags(), msg.len()), (0, 0), "sent and still there"),
            Err(_) => assert_eq!((msg.flags(), msg.len()), (flags, len), "not sent and gone"),
        }
        sent
    }

    /// Sends a part, by turns in each form that there is.
    fn send_part(&mut self, at: usize, text: &str, more: bool) -> Result<()> {
        self.calls += 1;
        if self.calls % 2 == 0 {
            let mut msg = Msg::copy_from(text.as_bytes()).unwrap();
            msg.renew(more);
            return self.send_msg(at, msg);
        }
        self.pump();
        let mut body = Body::new(text.as_bytes()).unwrap();
        body.renew(more);
        let sent = self.with(at, |pattern, env| pattern.send(env, &mut body));
        self.pump();
        sent
    }

    pub fn send(&mut self, at: usize, text: &str) -> Result<()> {
        self.send_part(at, text, false)
    }

    pub fn send_more(&mut self, at: usize, text: &str) -> Result<()> {
        self.send_part(at, text, true)
    }

    /// Sends a message of several parts.
    pub fn send_all(&mut self, at: usize, parts: &[&str]) -> Result<()> {
        let (last, first) = parts.split_last().unwrap();
        for part in first {
            self.send_more(at, part)?;
        }
        self.send(at, last)
    }

    pub fn recv_msg(&mut self, at: usize) -> Result<Msg> {
        self.pump();
        let mut msg = Msg::new();
        let received = self.with(at, |pattern, env| pattern.recv(env, &mut msg));
        self.pump();
        received.map(|()| msg)
    }

    /// Receives a part, by turns to each destination that there is.
    fn recv_part(&mut self, at: usize) -> Result<(String, bool)> {
        self.calls += 1;
        if self.calls % 2 == 0 {
            let msg = self.recv_msg(at)?;
            return Ok((msg.data().escape_ascii().to_string(), msg.more()));
        }
        self.pump();
        let mut text = String::new();
        let mut into = Reading::new(|body: &[u8]| text = body.escape_ascii().to_string());
        let received = self.with(at, |pattern, env| pattern.recv(env, &mut into));
        let more = into.more();
        self.pump();
        received.map(|()| (text, more))
    }

    /// Receives a part; other than ASCII bytes come as `\xNN`.
    pub fn recv(&mut self, at: usize) -> Result<String> {
        Ok(self.recv_part(at)?.0)
    }

    /// Receives a whole message, its parts joined by `|`.
    pub fn recv_all(&mut self, at: usize) -> Result<String> {
        let mut text = String::new();
        loop {
            let (part, more) = self.recv_part(at)?;
            text += &part;
            if !more {
                return Ok(text);
            }
            text.push('|');
        }
    }

    /// Receives all messages there are.
    pub fn drain(&mut self, at: usize) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(text) = self.recv_all(at) {
            all.push(text);
            assert!(all.len() < 100_000);
        }
        all
    }

    pub fn has_in(&mut self, at: usize) -> bool {
        self.pump();
        let has = self.with(at, |pattern, env| pattern.has_in(env));
        self.pump();
        has
    }

    pub fn has_out(&mut self, at: usize) -> bool {
        self.pump();
        self.with(at, |pattern, env| pattern.has_out(env))
    }

    pub fn set(&mut self, at: usize, option: i32, value: &[u8]) -> Result<()> {
        let set = self.with(at, |pattern, env| pattern.set_option(env, option, value));
        self.pump();
        set
    }

    pub fn on(&mut self, at: usize, option: i32) {
        self.set(at, option, &1i32.to_ne_bytes()).unwrap();
    }

    pub fn get(&mut self, at: usize, option: i32) -> Result<i32> {
        let mut out = [0; 4];
        self.sockets[at]
            .pattern
            .get_option(option, &mut (&mut out).into())?;
        Ok(i32::from_ne_bytes(out))
    }

    pub fn options(&mut self, at: usize) -> &mut Options {
        &mut self.sockets[at].options
    }

    pub fn pattern(&mut self, at: usize) -> &mut AnyPattern {
        &mut self.sockets[at].pattern
    }

    pub fn pipe(&mut self, at: usize, pipe: PipeId) -> &mut PipeEnd {
        self.sockets[at].pipes.get(pipe).unwrap()
    }

    pub fn pipes(&self, at: usize) -> usize {
        self.sockets[at].pipes.len()
    }
}

pub fn text(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| part.to_string()).collect()
}

pub fn write(end: &mut PipeEnd, parts: &[&str]) {
    let (last, first) = parts.split_last().unwrap();
    for part in first {
        end.write(Msg::inline(part.as_bytes()).with(flag::MORE))
            .unwrap();
    }
    end.write(Msg::inline(last.as_bytes())).unwrap();
    end.flush();
}

/// The types that there are, by the table.
fn types() -> impl Iterator<Item = SocketType> {
    let kinds = SPECS.iter().map(|spec| spec.kind);
    kinds.filter(|kind| AnyPattern::new(*kind, 0).is_some())
}

#[test]
fn every_stable_type_exists() {
    for spec in SPECS.iter().filter(|spec| !spec.kind.is_draft()) {
        assert!(AnyPattern::new(spec.kind, 0).is_some());
    }
}

#[test]
fn unknown_options_are_refused_and_unknown_pipes_ignored() {
    for socket_type in types() {
        let mut net = Net::default();
        let at = net.socket(socket_type);
        assert_eq!(net.set(at, 9999, &[0; 4]), Err(Error::Invalid));
        assert_eq!(net.get(at, 9999), Err(Error::Invalid));
        net.with(at, |pattern, env| {
            for pipe in [PipeId(0), PipeId(77)] {
                pattern.read_ready(env, pipe);
                pattern.write_ready(env, pipe);
                pattern.hiccup(env, pipe);
                pattern.detached(env, pipe);
            }
        });
    }
}

#[test]
fn only_routers_want_routing_ids() {
    for socket_type in types() {
        let pattern = AnyPattern::new(socket_type, 0).unwrap();
        let wants = [REP, ROUTER].contains(&socket_type);
        assert_eq!(pattern.wants_routing_id(), wants);
        assert_eq!(socket_type.spec().raw, socket_type == STREAM);
        assert!(!pattern.is_raw(), "that takes an option");
    }
}

/// `cargo test --release -- --ignored --nocapture hot_paths_measured`
#[test]
#[ignore = "a measurement"]
fn hot_paths_measured() {
    use crate::abi::options::ZMQ_SUBSCRIBE;
    const COUNT: u32 = 4_000_000;
    for (from, to) in [(PUSH, PULL), (DEALER, DEALER), (DEALER, ROUTER), (PUB, SUB)] {
        let mut net = Net::default();
        let (a, b) = (net.socket(from), net.socket(to));
        if to == SUB {
            net.set(b, ZMQ_SUBSCRIBE, b"x").unwrap();
        }
        net.connect(a, b);
        let start = std::time::Instant::now();
        for _ in 0..COUNT / 100 {
            net.with(a, |pattern, env| {
                for _ in 0..100 {
                    assert!(pattern.send(env, &mut Msg::inline(b"x1234567")).is_ok());
                }
            });
            net.pump();
            net.with(b, |pattern, env| {
                let mut parts = 0;
                let mut msg = Msg::new();
                while pattern.recv(env, &mut msg).is_ok() {
                    parts += 1;
                }
                assert!(parts == 100 || parts == 200);
            });
        }
        let each = start.elapsed() / COUNT;
        println!("{from:?} -> {to:?}: {each:?} a message, sent and received");
    }
    let mut net = Net::default();
    let (router, dealer) = (net.socket(ROUTER), net.socket(DEALER));
    net.options(dealer).routing_id = b"dealer".to_vec();
    net.connect(dealer, router);
    let start = std::time::Instant::now();
    for _ in 0..COUNT / 100 {
        net.with(router, |pattern, env| {
            for _ in 0..100 {
                let mut id = Msg::inline(b"dealer").with(flag::MORE);
                assert!(pattern.send(env, &mut id).is_ok());
                assert!(pattern.send(env, &mut Msg::inline(b"x1234567")).is_ok());
            }
        });
        net.pump();
        net.with(dealer, |pattern, env| {
            let mut msg = Msg::new();
            while pattern.recv(env, &mut msg).is_ok() {}
        });
    }
    let each = start.elapsed() / COUNT;
    println!("{ROUTER:?} -> {DEALER:?}: {each:?} a message, sent and received");
}

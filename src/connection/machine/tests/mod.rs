//! Two machines in memory: bytes with latency, streams that break, and a clock of their own.
//!
//! A [`Pair`] is a connecting side and the side that accepts its streams, with a driver that does
//! what [`crate::connection::driver`] does, but moves bytes through queues. Nothing sleeps, and
//! nothing depends on the machine that the tests run on.

#![forbid(unsafe_code)]

mod handshakes;
mod losses;
mod net;
mod timing;
mod traffic;

use super::*;
use crate::abi::socket_type::SocketType;
use crate::connection::security::ZapQuery;
use crate::message::{Msg, flag};
use crate::options::{ContextOptions, Options};
use crate::pipe::{self, Hwm};
use net::Net;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The connecting side, and the accepting one.
const CLIENT: usize = 0;
const SERVER: usize = 1;

/// What became of an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    Refuses,
    /// No answer at all.
    Silent,
}

/// One side: a machine, the socket's end of its pipe, and what it has asked for.
struct Side {
    machine: Machine,
    settings: Arc<Settings>,
    socket: Option<PipeEnd>,
    /// The connection has a stream.
    connected: bool,
    linger: i32,
    asked: Vec<ZapQuery>,
    established: Vec<Established>,
    lost: Vec<Loss>,
    retries: Vec<Duration>,
    unsent: usize,
    pings: usize,
    gave_up: usize,
    finished: bool,
}

impl Side {
    fn new(settings: Arc<Settings>, attempts: Option<Attempts>, pipe: Option<PipeEnd>) -> Side {
        Side {
            machine: Machine::new(settings.clone(), false, attempts, pipe),
            settings,
            socket: None,
            connected: false,
            linger: -1,
            asked: Vec::new(),
            established: Vec::new(),
            lost: Vec::new(),
            retries: Vec::new(),
            unsent: 0,
            pings: 0,
            gave_up: 0,
            finished: false,
        }
    }

    /// The socket writes a message.
    fn send(&mut self, parts: &[&[u8]]) {
        let pipe = self.socket.as_mut().expect("a pipe");
        for (place, part) in parts.iter().enumerate() {
            let mut msg = Msg::copy_from(part).unwrap();
            msg.set(flag::MORE, place + 1 < parts.len());
            assert!(pipe.write(msg).is_ok(), "the pipe is full");
        }
        pipe.flush();
    }

    /// The socket reads a message.
    fn recv(&mut self) -> Option<Vec<Vec<u8>>> {
        let pipe = self.socket.as_mut()?;
        pipe.take_events();
        let mut parts = Vec::new();
        loop {
            let msg = pipe.read()?;
            parts.push(msg.data().to_vec());
            if !msg.more() {
                return Some(parts);
            }
        }
    }
}

/// See the module.
struct Pair {
    now: Instant,
    sides: [Side; 2],
    net: Net,
    door: Door,
    accepted: usize,
}

/// The options of a side, and what a test changes of them.
fn settings(kind: SocketType, change: impl FnOnce(&mut Options)) -> Arc<Settings> {
    let mut options = Options::new(kind, &ContextOptions::default());
    change(&mut options);
    Settings::new(&Arc::new(options), kind)
}

fn dealer(change: impl FnOnce(&mut Options)) -> Arc<Settings> {
    settings(SocketType::Dealer, change)
}

impl Pair {
    fn new(client: Arc<Settings>, server: Arc<Settings>) -> Pair {
        let now = Instant::now();
        let attempts = Attempts {
            stops_if_refused: true,
            stops_after_disconnect: false,
            seed: 0,
            created: now,
            delay: None,
            peer_id: None,
        };
        let hwm = |snd, rcv| Hwm {
            snd: Some(snd),
            rcv: Some(rcv),
        };
        let forward = hwm(client.options.sndhwm, 0);
        let (socket, pipe) = pipe::pair(forward, hwm(0, client.options.rcvhwm), false);
        let mut sides = [
            Side::new(client, Some(attempts), Some(pipe)),
            Side::new(server, None, None),
        ];
        sides[CLIENT].socket = Some(socket);
        sides[CLIENT].machine.start();
        Pair {
            now,
            sides,
            net: Net::new(5 * MILLISECOND),
            door: Door::Open,
            accepted: 0,
        }
    }

    /// Lets time pass until `done`, for `limit` at most. Returns whether `done`.
    fn run(&mut self, limit: Duration, mut done: impl FnMut(&mut Pair) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            let timers = self.sides.iter().filter_map(|s| s.machine.poll_timeout());
            let next = timers.chain(self.net.next_arrival(self.now)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
            for side in [CLIENT, SERVER] {
                let machine = &mut self.sides[side].machine;
                if machine.poll_timeout().is_some_and(|at| at <= self.now) {
                    machine.handle_timeout(self.now);
                }
            }
        }
    }

    /// Lets this time pass.
    fn pass(&mut self, time: Duration) {
        self.run(time, |_| false);
    }

    /// Lets time pass until both sides have a session.
    fn establish(&mut self) {
        let done = |pair: &mut Pair| pair.sides.iter().all(|side| side.machine.is_active());
        assert!(self.run(10 * SECOND, done), "no session");
    }

    /// Has the message arrived at `side` within a second?
    fn expect(&mut self, side: usize, parts: &[&[u8]]) {
        let mut got = None;
        self.run(SECOND, |pair| {
            got = pair.sides[side].recv();
            got.is_some()
        });
        let got = got.expect("a message");
        assert!(got.iter().eq(parts.iter()), "another message");
    }

    /// Does all that can be done now.
    fn settle(&mut self) {
        while self.drive(CLIENT) | self.drive(SERVER) {}
    }

    /// One drive of a side; false if nothing happened.
    fn drive(&mut self, side: usize) -> bool {
        let now = self.now;
        let moved = self.net.moved;
        self.sides[side].machine.pipe_events(|| now);
        let mut acted = self.perform_all(side);
        self.flush(side);
        self.read(side);
        self.sides[side].machine.finish_if_drained(false);
        acted |= self.perform_all(side);
        acted || self.net.moved != moved
    }

    fn flush(&mut self, side: usize) {
        let (machine, net, now) = (&mut self.sides[side].machine, &mut self.net, self.now);
        if !self.sides[side].connected {
            return;
        }
        let write = |head: &[u8], body: &[u8]| {
            if head.is_empty() {
                return net.write(side, body, now);
            }
            let count = net.write(side, head, now)?;
            let rest = if count == head.len() { body } else { &[] };
            Ok(count + net.write(side, rest, now).unwrap_or(0))
        };
        if let (_, Err(error)) = machine.transmit(usize::MAX, write) {
            machine.write_failed(&error, now);
        }
    }

    fn read(&mut self, side: usize) {
        let now = self.now;
        self.sides[side].machine.begin_input(now);
        loop {
            let Side {
                machine, connected, ..
            } = &mut self.sides[side];
            let Some(mut room) = machine.room().filter(|_| *connected) else {
                break;
            };
            match self.net.read(side, &mut room, now) {
                Some(0) => machine.stream_failed(Loss::Stream(0), now),
                Some(count) => machine.handle_input(count, now),
                None => break,
            }
            self.perform_all(side);
            self.sides[side].machine.begin_input(now);
        }
        self.sides[side].machine.end_input();
    }

    fn perform_all(&mut self, side: usize) -> bool {
        let mut any = false;
        while let Some(action) = self.sides[side].machine.poll_event() {
            self.perform(side, action);
            any = true;
        }
        any
    }

    fn perform(&mut self, side: usize, action: Action) {
        let now = self.now;
        if matches!(
            action,
            Action::Ask(_) | Action::Establish | Action::Fail(_) | Action::LastFlush
        ) {
            self.flush(side);
        }
        let this = &mut self.sides[side];
        let machine = &mut this.machine;
        match action {
            Action::Dial => self.dial(),
            Action::AbandonAttempt(code) => machine.attempt_failed(code, now),
            Action::Ask(query) => this.asked.push(*query),
            Action::Establish => machine.establish(now),
            Action::Fail(error) => machine.fail(error, now),
            Action::Attach(end) => this.socket = Some(*end),
            Action::Established(session) => this.established.push(session),
            Action::PingQueued | Action::Ping => {
                this.pings += 1;
                self.flush(side);
                self.net.takes_in(side);
            }
            Action::Suspect => {
                self.read(side);
                let takes_in = self.net.takes_in(side);
                let machine = &mut self.sides[side].machine;
                machine.confirm_silence(|| takes_in, now);
            }
            Action::Probe(probe) => machine.probed(probe, self.net.has_ended(side)),
            Action::PipeClosed => machine.pipe_closed(this.linger, now),
            Action::LastFlush => machine.last_flush_done(now),
            Action::Unsent(count, _) => this.unsent += count,
            Action::Lost(lost) => this.lost.push(lost.why),
            Action::Release => {
                if std::mem::take(&mut this.connected) {
                    self.net.close(side, now);
                }
            }
            Action::RetryIn(delay) => this.retries.push(delay),
            Action::GaveUp { .. } => this.gave_up += 1,
            Action::Finish => this.finished = true,
            Action::ThroughProxy => unreachable!("there is no proxy"),
            Action::PingReceived | Action::DeferMail | Action::Rest | Action::LeftUnread(_) => {}
        }
    }

    /// The client begins to connect.
    fn dial(&mut self) {
        let now = self.now;
        let in_progress = self.door != Door::Open;
        self.sides[CLIENT].machine.dialing(in_progress, false, now);
        match self.door {
            Door::Silent => return,
            Door::Refuses => {
                let machine = &mut self.sides[CLIENT].machine;
                return machine.attempt_failed(libc::ECONNREFUSED, now);
            }
            Door::Open => {}
        }
        self.net.connect();
        if self.accepted > 0 {
            let server = &mut self.sides[SERVER];
            let settings = server.settings.clone();
            let before = std::mem::replace(server, Side::new(settings, None, None));
            (server.lost, server.established) = (before.lost, before.established);
        }
        self.accepted += 1;
        for (fd, side) in self.sides.iter_mut().enumerate() {
            let peer = Peer {
                address: b"192.0.2.1".to_vec(),
                fd: fd as i32,
                pings: false,
            };
            side.connected = true;
            side.machine.connected(peer, now);
        }
    }
}

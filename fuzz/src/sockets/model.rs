//! The model of sockets that are joined over inproc: what each call must
//! answer.

#![forbid(unsafe_code)]

use super::pipe::{Direction, Pipe};
use super::turn::Turn;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use zmq::testing::error::{Error, Result};

/// A part of a message, and whether more follow.
pub type Part = (Vec<u8>, bool);

/// Socket types, with their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Pair = 0,
    Pub = 1,
    Sub = 2,
    Req = 3,
    Rep = 4,
    Dealer = 5,
    Router = 6,
    Pull = 7,
    Push = 8,
}

/// Where a REQ or REP stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    Idle,
    Sending,
    Waiting,
    Receiving,
}

/// Where the message that a ROUTER or REP sends goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Route {
    #[default]
    Address,
    Pipe(usize),
    Dropped,
}

/// A socket.
pub struct Socket {
    pub kind: Kind,
    pub open: bool,
    pub hwm: (i32, i32),
    pub id: Vec<u8>,
    pub mandatory: bool,
    pub bound: Vec<usize>,
    /// Names connected to, with their pipes.
    pub connected: Vec<(usize, usize)>,
    /// Pipes in the order of their coming.
    pub pipes: Vec<usize>,
    pub input: Turn,
    pub output: Turn,
    /// What is left of a half-read message whose pipe is gone.
    pub rest: VecDeque<Part>,
    /// What is left of a half-sent message whose pipe is gone goes nowhere.
    pub dropping: bool,
    pub state: State,
    pub route: Route,
    pub reply_pipe: Option<usize>,
    /// Parts read ahead.
    pub ahead: VecDeque<Part>,
    pub more_in: bool,
    pub filters: BTreeMap<Vec<u8>, u32>,
    /// Who gets the message being published.
    pub receivers: Vec<usize>,
    pub publishing: bool,
}

impl Socket {
    /// One without peers.
    pub fn new(kind: Kind, hwm: (i32, i32), id: Vec<u8>, mandatory: bool) -> Socket {
        Socket {
            kind,
            open: true,
            hwm,
            id,
            mandatory,
            bound: Vec::new(),
            connected: Vec::new(),
            pipes: Vec::new(),
            input: Turn::default(),
            output: Turn::default(),
            rest: VecDeque::new(),
            dropping: false,
            state: State::default(),
            route: Route::default(),
            reply_pipe: None,
            ahead: VecDeque::new(),
            more_in: false,
            filters: BTreeMap::new(),
            receivers: Vec::new(),
            publishing: false,
        }
    }

    fn reads(&self) -> bool {
        !matches!(self.kind, Kind::Pub | Kind::Push)
    }
}

/// All sockets and pipes.
#[derive(Default)]
pub struct Model {
    pub sockets: Vec<Socket>,
    pub pipes: Vec<Pipe>,
    /// Who is bound to each name, and the pipes that wait for it.
    names: BTreeMap<usize, usize>,
    waiting: BTreeMap<usize, Vec<usize>>,
    /// Ends that are to hear that the other one is closed.
    closings: VecDeque<(usize, usize)>,
}

impl Model {
    /// Whether two sockets have a pipe between them, or are the same.
    fn are_joined(&self, one: usize, two: usize) -> bool {
        let between = |pipe: &usize| {
            let ends = self.pipes[*pipe].ends;
            ends == [Some(one), Some(two)] || ends == [Some(two), Some(one)]
        };
        let mut pipes = self.sockets[one]
            .pipes
            .iter()
            .chain(&self.sockets[two].pipes);
        one == two || pipes.any(between)
    }

    /// Whether a socket can connect without having two pipes to the same peer,
    /// which are more than the model tells apart.
    pub fn may_connect(&self, socket: usize, name: usize) -> bool {
        let known = &self.sockets[socket].connected;
        let peer = self.names.get(&name);
        known.iter().all(|(other, _)| *other != name)
            && peer.is_none_or(|peer| !self.are_joined(socket, *peer))
    }

    /// The same of binding. Nor does it know the turn of those who connected and gave
    /// up before the name was bound.
    pub fn may_bind(&self, socket: usize, name: usize) -> bool {
        let waiting = self.waiting.get(&name).into_iter().flatten();
        if !self.names.contains_key(&name) && waiting.clone().any(|pipe| !self.pipes[*pipe].open[0])
        {
            return false;
        }
        let peers: Vec<_> = waiting
            .filter_map(|pipe| self.pipes[*pipe].ends[0])
            .collect();
        let different: BTreeSet<_> = peers.iter().collect();
        self.names.contains_key(&name)
            || different.len() == peers.len()
                && peers.iter().all(|peer| !self.are_joined(socket, *peer))
    }

    /// `zmq_bind`.
    pub fn bind(&mut self, socket: usize, name: usize) -> Result<()> {
        if self.names.contains_key(&name) {
            return Err(Error::AddrInUse);
        }
        self.names.insert(name, socket);
        self.sockets[socket].bound.push(name);
        let waiting = self.waiting.remove(&name).unwrap_or_default();
        for pipe in &waiting {
            self.join(*pipe, socket);
        }
        for pipe in waiting {
            self.attach(socket, pipe);
        }
        self.settle();
        Ok(())
    }

    /// The second end of a pipe is there: the limits are complete.
    fn join(&mut self, pipe: usize, binder: usize) {
        let (snd, rcv) = self.sockets[binder].hwm;
        let pipe_ = &mut self.pipes[pipe];
        pipe_.ends[1] = Some(binder);
        let Some(first) = pipe_.ends[0] else { return };
        let (own_snd, own_rcv) = self.sockets[first].hwm;
        pipe_.ways[0].set_limit(own_snd, Some(rcv));
        pipe_.ways[1].set_limit(snd, Some(own_rcv));
        let first = &mut self.sockets[first];
        first.output.activate(pipe);
        // A ROUTER that connected hears only now who this is.
        if matches!(first.kind, Kind::Router | Kind::Rep) && first.pipes.contains(&pipe) {
            first.input.attach(pipe);
        }
    }

    /// `zmq_connect`.
    pub fn connect(&mut self, socket: usize, name: usize) {
        let (snd, rcv) = self.sockets[socket].hwm;
        let pipe = self.pipes.len();
        let mut ways = [Direction::default(), Direction::default()];
        ways[0].set_limit(snd, None);
        ways[1].set_limit(rcv, None);
        self.pipes.push(Pipe {
            ends: [Some(socket), None],
            open: [true, true],
            ways,
        });
        let binder = self.names.get(&name).copied();
        match binder {
            Some(_) => {}
            None => self.waiting.entry(name).or_default().push(pipe),
        }
        self.attach(socket, pipe);
        if self.sockets[socket].pipes.contains(&pipe) {
            self.sockets[socket].connected.push((name, pipe));
        }
        if let Some(binder) = binder {
            self.join(pipe, binder);
            self.attach(binder, pipe);
            if !self.pipes[pipe].open[0] {
                self.closings.push_back((binder, pipe));
            }
        }
        self.settle();
    }

    fn attach(&mut self, socket: usize, pipe: usize) {
        let complete = self.pipes[pipe].ends[1].is_some();
        let here = &mut self.sockets[socket];
        if here.kind == Kind::Pair && !here.pipes.is_empty() {
            return self.close_end(socket, pipe);
        }
        here.pipes.push(pipe);
        here.output.attach(pipe);
        if !matches!(here.kind, Kind::Router | Kind::Rep) || complete {
            here.input.attach(pipe);
        }
    }

    /// Closes a socket's end of a pipe.
    fn close_end(&mut self, socket: usize, pipe: usize) {
        let here = &mut self.pipes[pipe];
        let side = here.side(socket);
        here.open[side] = false;
        here.ways[side].rollback();
        here.ways[1 - side].clear();
        if let Some(peer) = here.ends[1 - side] {
            self.closings.push_back((peer, pipe));
        }
    }

    /// Everybody hears of what was closed.
    fn settle(&mut self) {
        while let Some((socket, pipe)) = self.closings.pop_front() {
            let side = self.pipes[pipe].side(socket);
            if !self.sockets[socket].pipes.contains(&pipe) {
                continue;
            }
            let unread = self.pipes[pipe].ways[1 - side].has_messages();
            if !self.sockets[socket].reads() || !unread {
                self.detach(socket, pipe);
            }
        }
    }

    /// A socket forgets a pipe.
    fn detach(&mut self, socket: usize, pipe: usize) {
        let side = self.pipes[pipe].side(socket);
        let here = &mut self.sockets[socket];
        here.pipes.retain(|other| *other != pipe);
        here.connected.retain(|(_, other)| *other != pipe);
        here.receivers.retain(|other| *other != pipe);
        if here.reply_pipe == Some(pipe) {
            here.reply_pipe = None;
        }
        if here.route == Route::Pipe(pipe) {
            here.route = Route::Dropped;
        }
        let interrupted = here.input.is_amid(pipe) && here.rest.is_empty();
        if interrupted {
            loop {
                let Some((part, more)) = self.pipes[pipe].ways[1 - side].read() else {
                    panic!("half a message in a pipe");
                };
                here.rest.push_back((part, more));
                if !more {
                    break;
                }
            }
        }
        let follow = here.input.more && here.rest.is_empty() && !interrupted;
        here.input.detach(pipe, follow);
        if here.output.is_amid(pipe) {
            here.dropping = true;
            here.output.more = false;
        }
        let amid = here.output.more;
        here.output.detach(pipe, amid);
        self.close_end(socket, pipe);
    }

    /// `zmq_unbind`.
    pub fn unbind(&mut self, socket: usize, name: usize) -> Result<()> {
        if self.names.get(&name) != Some(&socket) {
            return Err(Error::NotFound);
        }
        self.names.remove(&name);
        self.sockets[socket].bound.retain(|other| *other != name);
        Ok(())
    }

    /// `zmq_disconnect`.
    pub fn disconnect(&mut self, socket: usize, name: usize) -> Result<()> {
        let all: Vec<usize> = self.sockets[socket]
            .connected
            .iter()
            .filter(|(other, _)| *other == name)
            .map(|(_, pipe)| *pipe)
            .collect();
        if all.is_empty() {
            return Err(Error::NotFound);
        }
        for pipe in all {
            self.detach(socket, pipe);
        }
        self.settle();
        Ok(())
    }

    /// `zmq_close`.
    pub fn close(&mut self, socket: usize) {
        self.sockets[socket].open = false;
        self.names.retain(|_, bound| *bound != socket);
        for pipes in self.waiting.values_mut() {
            // What was sent waits all the same.
            pipes.retain(|pipe| {
                let pipe = &self.pipes[*pipe];
                pipe.ends[0] != Some(socket) || pipe.ways[0].has_messages()
            });
        }
        for pipe in std::mem::take(&mut self.sockets[socket].pipes) {
            self.close_end(socket, pipe);
        }
        self.settle();
    }

    /// Writes a part, and wakes the reader.
    pub fn write(&mut self, pipe: usize, side: usize, part: &[u8], more: bool) {
        let here = &mut self.pipes[pipe];
        here.ways[side].write(part.to_vec(), more);
        if let Some(reader) = here.ends[1 - side].filter(|_| !more) {
            self.sockets[reader].input.activate(pipe);
        }
    }

    /// Reads a part, and wakes the writer.
    fn read(&mut self, pipe: usize, side: usize) -> Option<Part> {
        let here = &mut self.pipes[pipe];
        let had_room = here.ways[1 - side].has_room();
        let part = here.ways[1 - side].read()?;
        if !had_room && here.ways[1 - side].has_room() {
            if let Some(writer) = here.ends[1 - side] {
                self.sockets[writer].output.activate(pipe);
            }
        }
        Some(part)
    }

    /// Writes a part to the pipe whose turn it is. Says which: none for a part
    /// that goes nowhere.
    pub fn send_in_turn(
        &mut self,
        socket: usize,
        part: &[u8],
        more: bool,
    ) -> Result<Option<usize>> {
        let here = &mut self.sockets[socket];
        if here.dropping {
            here.dropping = more;
            return Ok(None);
        }
        while let Some(pipe) = self.sockets[socket].output.current() {
            let side = self.pipes[pipe].side(socket);
            if self.pipes[pipe].has_room(side) {
                self.write(pipe, side, part, more);
                self.sockets[socket].output.moved(more);
                return Ok(Some(pipe));
            }
            let here = &mut self.sockets[socket];
            if here.output.more {
                self.pipes[pipe].ways[side].rollback();
                here.output.more = false;
                here.dropping = more;
                return Ok(None);
            }
            here.output.skip();
        }
        Err(Error::Again)
    }

    /// Whether that would succeed.
    pub fn can_send_in_turn(&mut self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        if here.output.more || here.dropping {
            return true;
        }
        while let Some(pipe) = self.sockets[socket].output.current() {
            let side = self.pipes[pipe].side(socket);
            if self.pipes[pipe].has_room(side) {
                return true;
            }
            self.sockets[socket].output.skip();
        }
        false
    }

    /// Reads a part from the pipe whose turn it is, and says which: none for
    /// one that is gone.
    pub fn recv_in_turn(&mut self, socket: usize) -> Option<(Option<usize>, Part)> {
        let here = &mut self.sockets[socket];
        if let Some((part, more)) = here.rest.pop_front() {
            here.input.more = more;
            return Some((None, (part, more)));
        }
        while let Some(pipe) = self.sockets[socket].input.current() {
            let side = self.pipes[pipe].side(socket);
            if let Some((part, more)) = self.read(pipe, side) {
                self.sockets[socket].input.moved(more);
                return Some((Some(pipe), (part, more)));
            }
            self.dry(socket, pipe, side);
        }
        None
    }

    /// Whether that would give something.
    pub fn can_recv_in_turn(&mut self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        if here.input.more || !here.rest.is_empty() {
            return true;
        }
        while let Some(pipe) = self.sockets[socket].input.current() {
            let side = self.pipes[pipe].side(socket);
            if self.pipes[pipe].ways[1 - side].has_messages() {
                return true;
            }
            self.dry(socket, pipe, side);
        }
        false
    }

    /// A pipe was found empty: if its other end is closed, that was all.
    fn dry(&mut self, socket: usize, pipe: usize, side: usize) {
        let here = &mut self.sockets[socket].input;
        here.more = false;
        here.skip();
        if !self.pipes[pipe].open[1 - side] {
            self.closings.push_back((socket, pipe));
        }
    }

    /// What was given up during a call is closed after it.
    pub fn end_call(&mut self) {
        self.settle();
    }
}

impl Model {
    /// Whether the next part that a socket sends is an address.
    pub fn is_addressing(&self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        here.kind == Kind::Router && here.route == Route::Address
    }

    /// Whether a receive may still find something.
    pub fn may_receive(&self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        let unread = |pipe: &usize| {
            let pipe = &self.pipes[*pipe];
            pipe.ways[1 - pipe.side(socket)].has_messages()
        };
        let stuck = here.kind == Kind::Rep && here.state == State::Sending
            || here.kind == Kind::Req && !matches!(here.state, State::Waiting | State::Receiving);
        let kept = !here.rest.is_empty() || !here.ahead.is_empty();
        here.reads() && !stuck && (kept || here.pipes.iter().any(unread))
    }
}

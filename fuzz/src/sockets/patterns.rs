//! What each socket type does with its queues.

#![forbid(unsafe_code)]

use super::model::{Kind, Model, Part, Route, State};
use zmq::testing::error::{Error, Result};

impl Model {
    /// `zmq_send`.
    pub fn send(&mut self, socket: usize, part: &[u8], more: bool) -> Result<()> {
        let result = match self.sockets[socket].kind {
            Kind::Pair | Kind::Push | Kind::Dealer => {
                self.send_in_turn(socket, part, more).map(drop)
            }
            Kind::Pull | Kind::Sub => Err(Error::NotSupported),
            Kind::Pub => {
                self.publish(socket, part, more);
                Ok(())
            }
            Kind::Req => self.request(socket, part, more),
            Kind::Rep => self.reply(socket, part, more),
            Kind::Router => self.send_to(socket, part, more),
        };
        self.end_call();
        result
    }

    /// `zmq_recv`.
    pub fn recv(&mut self, socket: usize) -> Result<Part> {
        let result = match self.sockets[socket].kind {
            Kind::Pair | Kind::Pull | Kind::Dealer => self
                .recv_in_turn(socket)
                .map(|(_, part)| part)
                .ok_or(Error::Again),
            Kind::Push | Kind::Pub => Err(Error::NotSupported),
            Kind::Sub => self.recv_topic(socket).ok_or(Error::Again),
            Kind::Req => self.recv_reply(socket),
            Kind::Rep => self.recv_request(socket),
            Kind::Router => self.recv_from(socket).ok_or(Error::Again),
        };
        self.end_call();
        result
    }

    /// `ZMQ_POLLOUT` of `ZMQ_EVENTS`.
    pub fn has_out(&mut self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        let ready = match here.kind {
            Kind::Pair | Kind::Push | Kind::Dealer => self.can_send_in_turn(socket),
            Kind::Pull | Kind::Sub => false,
            Kind::Pub => true,
            Kind::Req => {
                let asked = matches!(here.state, State::Waiting | State::Receiving);
                !asked && self.can_send_in_turn(socket)
            }
            Kind::Rep => here.state == State::Sending,
            Kind::Router => {
                let room = |pipe: &usize| {
                    let pipe = &self.pipes[*pipe];
                    pipe.ends[1].is_some() && pipe.has_room(pipe.side(socket))
                };
                !here.mandatory || here.route != Route::Address || here.pipes.iter().any(room)
            }
        };
        self.end_call();
        ready
    }

    /// `ZMQ_POLLIN` of `ZMQ_EVENTS`.
    pub fn has_in(&mut self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        let ready = match (here.kind, here.state) {
            (Kind::Push | Kind::Pub, _) => false,
            (Kind::Pair | Kind::Pull | Kind::Dealer, _) => self.can_recv_in_turn(socket),
            (Kind::Sub, _) => self.look_for_topic(socket),
            (Kind::Req, State::Idle | State::Sending) | (Kind::Rep, State::Sending) => false,
            (Kind::Req, State::Receiving) => self.can_recv_in_turn(socket),
            (Kind::Req, State::Waiting) => {
                let ready = self.recv_reply_envelope(socket);
                if ready {
                    self.sockets[socket].state = State::Receiving;
                }
                ready
            }
            (Kind::Rep, State::Idle) => {
                let ready = self.recv_request_envelope(socket);
                if ready {
                    self.sockets[socket].state = State::Receiving;
                }
                ready
            }
            (Kind::Rep | Kind::Router, _) => self.look_ahead(socket),
        };
        self.end_call();
        ready
    }

    // PUB and SUB

    fn publish(&mut self, socket: usize, part: &[u8], more: bool) {
        if !self.sockets[socket].publishing {
            let wanted = |pipe: &usize| {
                let pipe = &self.pipes[*pipe];
                let peer = pipe.ends[1 - pipe.side(socket)];
                peer.is_some_and(|peer| self.wants(peer, part))
            };
            let pipes = &self.sockets[socket].pipes;
            let receivers = pipes.iter().copied().filter(wanted).collect();
            self.sockets[socket].receivers = receivers;
        }
        for pipe in self.sockets[socket].receivers.clone() {
            let side = self.pipes[pipe].side(socket);
            if self.pipes[pipe].has_room(side) {
                self.write(pipe, side, part, more);
            } else {
                self.pipes[pipe].ways[side].rollback();
                self.sockets[socket]
                    .receivers
                    .retain(|other| *other != pipe);
            }
        }
        self.sockets[socket].publishing = more;
    }

    fn wants(&self, socket: usize, data: &[u8]) -> bool {
        let filters = &self.sockets[socket].filters;
        (0..=data.len()).any(|end| filters.contains_key(&data[..end]))
    }

    /// The first part of the next message that is wanted.
    fn next_topic(&mut self, socket: usize) -> Option<Part> {
        while let Some((_, (part, more))) = self.recv_in_turn(socket) {
            if self.wants(socket, &part) {
                return Some((part, more));
            }
            let mut more = more;
            while more {
                let Some((_, (_, after))) = self.recv_in_turn(socket) else {
                    break;
                };
                more = after;
            }
        }
        None
    }

    fn recv_topic(&mut self, socket: usize) -> Option<Part> {
        let here = &mut self.sockets[socket];
        let part = match here.ahead.pop_front() {
            Some(part) => Some(part),
            None if here.more_in => self.recv_in_turn(socket).map(|(_, part)| part),
            None => self.next_topic(socket),
        };
        self.sockets[socket].more_in = part.as_ref().is_some_and(|(_, more)| *more);
        part
    }

    fn look_for_topic(&mut self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        if here.more_in || !here.ahead.is_empty() {
            return true;
        }
        let found = self.next_topic(socket);
        let ready = found.is_some();
        self.sockets[socket].ahead.extend(found);
        ready
    }

    /// `ZMQ_SUBSCRIBE` and `ZMQ_UNSUBSCRIBE`.
    pub fn filter(&mut self, socket: usize, topic: &[u8], on: bool) {
        let filters = &mut self.sockets[socket].filters;
        if on {
            *filters.entry(topic.to_vec()).or_default() += 1;
        } else if let Some(count) = filters.get_mut(topic) {
            *count -= 1;
            if *count == 0 {
                filters.remove(topic);
            }
        }
    }

    // REQ

    fn request(&mut self, socket: usize, part: &[u8], more: bool) -> Result<()> {
        match self.sockets[socket].state {
            State::Waiting | State::Receiving => return Err(Error::Fsm),
            State::Idle => {
                self.sockets[socket].reply_pipe = None;
                let pipe = self.send_in_turn(socket, &[], true)?;
                self.sockets[socket].reply_pipe = pipe;
                self.sockets[socket].state = State::Sending;
                // Late replies to earlier requests.
                while self.recv_in_turn(socket).is_some() {}
            }
            State::Sending => {}
        }
        self.send_in_turn(socket, part, more)?;
        if !more {
            self.sockets[socket].state = State::Waiting;
        }
        Ok(())
    }

    /// A part from the pipe that owes the reply.
    fn recv_owed(&mut self, socket: usize) -> Option<Part> {
        while let Some((pipe, part)) = self.recv_in_turn(socket) {
            let owing = self.sockets[socket].reply_pipe;
            if owing.is_none() || owing == pipe {
                return Some(part);
            }
        }
        None
    }

    fn recv_reply_envelope(&mut self, socket: usize) -> bool {
        while let Some((part, more)) = self.recv_owed(socket) {
            if more && part.is_empty() {
                return true;
            }
            let mut more = more;
            while more {
                let Some((_, after)) = self.recv_owed(socket) else {
                    break;
                };
                more = after;
            }
        }
        false
    }

    fn recv_reply(&mut self, socket: usize) -> Result<Part> {
        let state = self.sockets[socket].state;
        match state {
            State::Idle | State::Sending => return Err(Error::Fsm),
            State::Waiting if !self.recv_reply_envelope(socket) => return Err(Error::Again),
            _ => self.sockets[socket].state = State::Receiving,
        }
        let part = self.recv_owed(socket).ok_or(Error::Again)?;
        if !part.1 {
            self.sockets[socket].state = State::Idle;
        }
        Ok(part)
    }

    // REP

    /// The request's sender, to whom the reply goes, and the delimiter.
    fn recv_request_envelope(&mut self, socket: usize) -> bool {
        let Some((pipe, (part, more))) = self.recv_in_turn(socket) else {
            return false;
        };
        assert!(part.is_empty() && more, "what a REQ sends");
        let pipe = pipe.filter(|pipe| {
            let pipe = &self.pipes[*pipe];
            pipe.has_room(pipe.side(socket))
        });
        self.sockets[socket].route = pipe.map_or(Route::Dropped, Route::Pipe);
        self.send_on(socket, &[], true);
        true
    }

    fn recv_request(&mut self, socket: usize) -> Result<Part> {
        let state = self.sockets[socket].state;
        match state {
            State::Idle if !self.recv_request_envelope(socket) => return Err(Error::Again),
            State::Idle | State::Receiving => self.sockets[socket].state = State::Receiving,
            _ => return Err(Error::Fsm),
        }
        let (_, part) = self.recv_in_turn(socket).ok_or(Error::Again)?;
        if !part.1 {
            self.sockets[socket].state = State::Sending;
        }
        Ok(part)
    }

    fn reply(&mut self, socket: usize, part: &[u8], more: bool) -> Result<()> {
        if self.sockets[socket].state != State::Sending {
            return Err(Error::Fsm);
        }
        if !more {
            self.sockets[socket].state = State::Idle;
        }
        self.send_on(socket, part, more);
        Ok(())
    }

    // ROUTER

    /// Sends a part of a message whose way is known.
    fn send_on(&mut self, socket: usize, part: &[u8], more: bool) {
        let route = self.sockets[socket].route;
        if !more {
            self.sockets[socket].route = Route::Address;
        }
        let Route::Pipe(pipe) = route else { return };
        let side = self.pipes[pipe].side(socket);
        if self.pipes[pipe].has_room(side) {
            self.write(pipe, side, part, more);
            return;
        }
        self.pipes[pipe].ways[side].rollback();
        if more {
            self.sockets[socket].route = Route::Dropped;
        }
    }

    fn send_to(&mut self, socket: usize, part: &[u8], more: bool) -> Result<()> {
        if self.sockets[socket].route != Route::Address {
            self.send_on(socket, part, more);
            return Ok(());
        }
        if !more {
            return Ok(());
        }
        let named = self.sockets[socket]
            .pipes
            .iter()
            .copied()
            .find(|pipe| self.peer_id(socket, *pipe).is_some_and(|id| id == part));
        let mut error = Error::HostUnreachable;
        if let Some(pipe) = named {
            let here = &self.pipes[pipe];
            let side = here.side(socket);
            if here.has_room(side) {
                self.sockets[socket].route = Route::Pipe(pipe);
                return Ok(());
            }
            if here.open[1 - side] {
                error = Error::Again;
            }
        }
        if self.sockets[socket].mandatory {
            return Err(error);
        }
        self.sockets[socket].route = Route::Dropped;
        Ok(())
    }

    /// The routing id of the peer behind a pipe, once it is known.
    fn peer_id(&self, socket: usize, pipe: usize) -> Option<&[u8]> {
        let pipe = &self.pipes[pipe];
        pipe.ends[1]?;
        let peer = pipe.ends[1 - pipe.side(socket)]?;
        Some(&self.sockets[peer].id)
    }

    /// Reads the next message's first part ahead, and its sender's id.
    fn prefetch(&mut self, socket: usize) -> bool {
        let Some((pipe, part)) = self.recv_in_turn(socket) else {
            return false;
        };
        let id = pipe.and_then(|pipe| self.peer_id(socket, pipe));
        let id = id.unwrap_or_default().to_vec();
        self.sockets[socket].ahead.extend([(id, true), part]);
        true
    }

    fn recv_from(&mut self, socket: usize) -> Option<Part> {
        let here = &self.sockets[socket];
        let part = if !here.ahead.is_empty() {
            self.sockets[socket].ahead.pop_front()
        } else if here.more_in {
            self.recv_in_turn(socket).map(|(_, part)| part)
        } else {
            self.prefetch(socket);
            self.sockets[socket].ahead.pop_front()
        };
        self.sockets[socket].more_in = part.as_ref().is_some_and(|(_, more)| *more);
        part
    }

    fn look_ahead(&mut self, socket: usize) -> bool {
        let here = &self.sockets[socket];
        // A REP that was asked has the rest of a request.
        let amid = here.more_in || here.kind == Kind::Rep;
        amid || !here.ahead.is_empty() || self.prefetch(socket)
    }
}

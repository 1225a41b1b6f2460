//! Proxies: moving messages between two sockets until a `TERMINATE` or an error.
//!
//! A proxy runs in the application thread that called `zmq_proxy`, and uses sockets by
//! their handles, as the application would; it holds no lock between two calls on them. A
//! side is read only while the other one can take a message, so back-pressure passes
//! through. A call that would sleep may be suspended instead: the proxy is then kept in a
//! thread-local until [`Proxy::resume`].

#![forbid(unsafe_code)]

use super::poll::{Item, poll};
use super::socket::{self, DONTWAIT, POLLIN, POLLOUT, SLEEPS, SNDMORE};
use crate::abi::numbers::ZMQ_REP;
use crate::abi::options::ZMQ_TYPE;
use crate::error::{Error, Result};
use crate::message::{Msg, flag};
use crate::pipe::Bare;
use crate::sync::local::thread_cell;
use crate::sync::parker::Wake;
use crate::sync::suspend::{self, SleepOn};
use smallvec::SmallVec;

/// Messages moved in one direction before the other direction is checked.
const BURST: usize = 1000;
/// Counts of one side of a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traffic {
    /// Parts received, and their bytes.
    received: (u64, u64),
    /// Parts sent, and their bytes.
    sent: (u64, u64),
}

/// The state of a proxy, set by its control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Active,
    Paused,
    Terminated,
}

/// A command of the control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Switch(Mode),
    Statistics,
    Unknown,
}

impl Command {
    fn parse(body: &[u8]) -> Command {
        match body {
            b"PAUSE" => Command::Switch(Mode::Paused),
            b"RESUME" => Command::Switch(Mode::Active),
            b"TERMINATE" => Command::Switch(Mode::Terminated),
            b"STATISTICS" => Command::Statistics,
            _ => Command::Unknown,
        }
    }
}

/// A proxy: the addresses of the sockets' handles, and its counts.
pub struct Proxy {
    frontend: usize,
    backend: usize,
    capture: Option<usize>,
    control: Option<usize>,
    /// The control socket is a REP, which must reply to every command.
    control_replies: bool,
    mode: Mode,
    front: Traffic,
    back: Traffic,
    /// Calls are suspended instead of sleeping, see [`suspending`](Proxy::suspending).
    suspends: bool,
    /// Parts received until the last suspension without a sleep.
    stopped_at: u64,
    /// The part that was received but not sent when the call was suspended.
    pending: Option<Pending>,
}

/// A part that was received and not yet sent.
struct Pending {
    msg: Msg,
    to_back: bool,
    /// The part was sent to the capture socket.
    captured: bool,
}

thread_cell! {
    /// The proxies of this thread whose calls are suspended, the last one on top.
    static SUSPENDED: Vec<Proxy> = Vec::new();
}

impl Proxy {
    /// A proxy between two sockets (which may be the same), which copies all messages to
    /// `capture`.
    pub fn new(frontend: usize, backend: usize, capture: Option<usize>) -> Proxy {
        Proxy {
            frontend,
            backend,
            capture,
            control: None,
            control_replies: false,
            mode: Mode::Active,
            front: Traffic::default(),
            back: Traffic::default(),
            suspends: false,
            stopped_at: 0,
            pending: None,
        }
    }

    /// Makes [`run`](Self::run) suspend instead of sleeping.
    pub fn suspending(mut self) -> Proxy {
        self.suspends = true;
        self
    }

    /// Sets the control socket. [`Error::NotSocket`], [`Error::Term`].
    pub fn obey(&mut self, control: usize) -> Result<()> {
        let mut socket_type = [0; size_of::<i32>()];
        socket::get_option(control, ZMQ_TYPE, &mut socket_type)?;
        self.control_replies = i32::from_ne_bytes(socket_type) == ZMQ_REP;
        self.control = Some(control);
        Ok(())
    }

    /// Moves messages until the control socket receives `TERMINATE`, or until an error, as a
    /// rule [`Error::Term`]. After [`Error::Suspended`] the caller sleeps, then calls
    /// [`resume`](Self::resume).
    pub fn run(mut self) -> Result<()> {
        let result = self.run_until_done();
        if result == Err(Error::Suspended) {
            let mut all = SUSPENDED.take();
            all.push(self);
            SUSPENDED.set(all);
        }
        result
    }

    /// Continues the proxy that this thread suspended last.
    pub fn resume() -> Result<()> {
        let mut all = SUSPENDED.take();
        let proxy = all.pop();
        SUSPENDED.set(all);
        let proxy = proxy.ok_or(Error::Fault)?;
        if proxy.pending.is_none() {
            // Suspended in `zmq_poll`: the proxy checks its sockets and waits anew.
            let wake = suspend::resume().map(|resumed| resumed.wake);
            if wake == Some(Wake::Interrupted) {
                return Err(Error::Interrupted);
            }
        }
        proxy.run()
    }

    fn run_until_done(&mut self) -> Result<()> {
        if let Some(pending) = self.pending.take() {
            self.forward(pending.to_back, Some(pending))?;
        }
        while self.mode != Mode::Terminated {
            self.step()?;
            self.stop_at_times()?;
        }
        Ok(())
    }

    /// Suspends without a sleep, between two messages, after [`BURST`] parts: the cancellation
    /// point of a proxy that never has to wait.
    fn stop_at_times(&mut self) -> Result<()> {
        let moved = self.front.received.0 + self.back.received.0;
        if !self.suspends || moved - self.stopped_at < BURST as u64 || !suspend::is_possible() {
            return Ok(());
        }
        self.stopped_at = moved;
        suspend::suspend(SleepOn::None, None, Box::new(()));
        Err(Error::Suspended)
    }

    /// Executes a command of the control socket if there is one; else moves messages; else
    /// waits for either.
    fn step(&mut self) -> Result<()> {
        if let Some(control) = self.control {
            if socket::ready(control, POLLIN)? != 0 {
                return self.execute_command(control);
            }
        }
        if self.mode == Mode::Paused {
            // No events of the data sockets; an error of these still ends the wait.
            return self.wait((0, 0));
        }
        let same = self.frontend == self.backend;
        let in_front = socket::ready(self.frontend, POLLIN | POLLOUT)?;
        let in_back = match same {
            true => in_front,
            false => socket::ready(self.backend, POLLIN | POLLOUT)?,
        };
        let forward = in_front & POLLIN != 0 && (same || in_back & POLLOUT != 0);
        let backward = !same && in_back & POLLIN != 0 && in_front & POLLOUT != 0;
        if forward {
            self.forward(true, None)?;
        }
        if backward {
            self.forward(false, None)?;
        }
        match (forward || backward, same) {
            (true, _) => Ok(()),
            (false, true) => self.wait((POLLIN, 0)),
            (false, false) => self.wait(missing(in_front, in_back)),
        }
    }

    /// Waits for the given events of frontend and backend, or for a command.
    fn wait(&self, (front, back): (i16, i16)) -> Result<()> {
        let mut items: SmallVec<[Item; 3]> = SmallVec::new();
        items.push(Item::Socket(self.frontend, front));
        items.push(Item::Socket(self.backend, back));
        if let Some(control) = self.control {
            items.push(Item::Socket(control, POLLIN));
        }
        let mut ready = [0; 3];
        poll(&items, &mut ready[..items.len()], -1, self.suspends).map(|_| ())
    }

    /// Reads one part from the control socket and executes that command.
    fn execute_command(&mut self, control: usize) -> Result<()> {
        let command = match socket::recv(control, DONTWAIT) {
            Ok(msg) => Command::parse(msg.data()),
            Err(Error::Again) => return Ok(()),
            Err(error) => return Err(error),
        };
        match command {
            Command::Statistics => return self.send_statistics(control),
            Command::Switch(mode) => self.mode = mode,
            Command::Unknown => {}
        }
        if self.control_replies {
            socket::send(control, &mut Msg::new(), 0)?;
        }
        Ok(())
    }

    /// Sends eight parts: for frontend received, frontend sent, backend received and backend
    /// sent the number of parts and of bytes.
    fn send_statistics(&self, control: usize) -> Result<()> {
        let pairs = [
            self.front.received,
            self.front.sent,
            self.back.received,
            self.back.sent,
        ];
        let numbers = pairs.iter().flat_map(|&(count, bytes)| [count, bytes]);
        for (index, number) in numbers.enumerate() {
            let flags = if index < 7 { SNDMORE } else { 0 };
            socket::send_bytes(control, &number.to_ne_bytes(), flags)?;
        }
        Ok(())
    }

    /// Moves up to [`BURST`] messages in one direction, beginning with `pending`.
    fn forward(&mut self, to_back: bool, pending: Option<Pending>) -> Result<()> {
        let (from, to) = match to_back {
            true => (self.frontend, self.backend),
            false => (self.backend, self.frontend),
        };
        let mut captured = pending.as_ref().is_some_and(|pending| pending.captured);
        let (mut have, resumed) = (pending.is_some(), pending.is_some());
        let mut msg = pending.map_or_else(Msg::new, |pending| pending.msg);
        for _ in 0..BURST {
            loop {
                if !std::mem::replace(&mut have, false) {
                    let into = &mut Bare(&mut msg);
                    match socket::recv_into(socket::find(from)?, into, DONTWAIT | SLEEPS) {
                        Ok(()) => {}
                        Err(Error::Again) => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
                let (more, size) = (msg.more(), msg.len() as u64);
                self.deliver(&mut msg, to, to_back, &mut captured)?;
                if resumed {
                    suspend::end(); // the suspended send is done
                }
                self.count(to_back, size);
                if !more {
                    break;
                }
            }
            if from != to && socket::ready(to, POLLOUT)? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends a part to the capture socket, if there is one, and to `to`.
    fn deliver(
        &mut self,
        msg: &mut Msg,
        to: usize,
        to_back: bool,
        captured: &mut bool,
    ) -> Result<()> {
        let flags = if msg.more() { SNDMORE } else { 0 };
        let how = if self.suspends { flags } else { flags | SLEEPS };
        let mut result = Ok(());
        if let (Some(capture), false) = (self.capture, *captured) {
            result = socket::send_from(socket::find(capture)?, &mut msg.share(), how);
        }
        if result.is_ok() {
            *captured = true;
            result = socket::send_from(socket::find(to)?, msg, how);
        }
        if result == Err(Error::Suspended) {
            // The first attempt to send the part has reset its flags.
            msg.set(flag::MORE, flags & SNDMORE != 0);
            self.pending = Some(Pending {
                msg: msg.take(),
                to_back,
                captured: *captured,
            });
        }
        *captured = false;
        result
    }

    fn count(&mut self, to_back: bool, size: u64) {
        let (source, sink) = match to_back {
            true => (&mut self.front, &mut self.back),
            false => (&mut self.back, &mut self.front),
        };
        source.received.0 += 1;
        source.received.1 += size;
        sink.sent.0 += 1;
        sink.sent.1 += size;
    }
}

/// The events to wait for on either side after nothing could be moved: for each direction
/// only what is missing, so that the wait does not return at once.
fn missing(front: i16, back: i16) -> (i16, i16) {
    let of = |source: i16, sink: i16| match (source & POLLIN != 0, sink & POLLOUT != 0) {
        (false, _) => (POLLIN, 0),
        (true, false) => (0, POLLOUT),
        (true, true) => (0, 0),
    };
    let (front_in, back_out) = of(front, back);
    let (back_in, front_out) = of(back, front);
    (front_in | front_out, back_in | back_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_match_whole_and_exactly() {
        assert_eq!(Command::parse(b"PAUSE"), Command::Switch(Mode::Paused));
        assert_eq!(Command::parse(b"RESUME"), Command::Switch(Mode::Active));
        assert_eq!(
            Command::parse(b"TERMINATE"),
            Command::Switch(Mode::Terminated)
        );
        assert_eq!(Command::parse(b"STATISTICS"), Command::Statistics);
        for other in [&b"pause"[..], b"PAUSE\0", b"PAUS", b"", b"STATISTICS "] {
            assert_eq!(Command::parse(other), Command::Unknown);
        }
    }

    #[test]
    fn only_what_is_missing_is_waited_for() {
        assert_eq!(missing(0, 0), (POLLIN, POLLIN));
        assert_eq!(missing(POLLOUT, POLLOUT), (POLLIN, POLLIN));
        // The frontend has a message that the backend cannot take.
        assert_eq!(missing(POLLIN | POLLOUT, 0), (0, POLLIN | POLLOUT));
        assert_eq!(missing(POLLIN, POLLIN), (POLLOUT, POLLOUT));
    }
}

//! Requests to the ZAP handler of a context, on behalf of a connection.
//!
//! A connection calls [`ask`] under its lock, in the handshake. Each request gets a pipe of
//! its own to the handler's socket, like the connection of an anonymous REQ. The reply is
//! read by the thread that sends it, through the pipe's listener, and passed to the
//! connection. A request ends with the connection's handshake: if the handler has not begun
//! to read it by then, it is withdrawn, so that peers that disconnect cost neither memory
//! nor the handler's time.

#![forbid(unsafe_code)]

use super::inproc::{Registry, routing_id_message};
use super::member::Member;
use crate::connection::{OpenQuestion, ZapClient, ZapQuery};
use crate::message::{Msg, flag};
use crate::pipe::{self, Hwm, Listener, PipeEnd, event};
use crate::sync::Mutex;
use crate::sys::log::{Text, log};
use crate::zmtp::{ZapVerdict, zap};
use std::sync::{Arc, Weak};

/// No HWM: a request is never dropped.
const UNLIMITED: Hwm = Hwm {
    snd: Some(0),
    rcv: Some(0),
};

/// A request without a verdict.
struct Question {
    client: Weak<dyn ZapClient>,
    token: u64,
    handler: Option<Weak<dyn Member>>,
    /// This end of the pipe, until there is a verdict or the handler has disconnected.
    state: Mutex<Option<State>>,
}

struct State {
    end: PipeEnd,
    /// The frames of the reply so far.
    reply: Vec<Vec<u8>>,
}

/// The connection's handle of its request, which withdraws it when dropped.
struct Open(Arc<Question>);

impl OpenQuestion for Open {}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.withdraw();
    }
}

/// Sends `query` to the handler among the inproc names. The verdict goes to
/// [`ZapClient::zap_reply`]; without a
/// handler that is `Unavailable`, before this returns.
pub fn ask(
    names: &Registry,
    query: ZapQuery,
    client: &Arc<dyn ZapClient>,
) -> Option<Box<dyn OpenQuestion>> {
    let mut ours = None;
    let mut handler = None;
    let found = names.connect_if_bound(zap::NAME, |binding| {
        let (mut end, theirs) = pipe::pair(UNLIMITED, UNLIMITED, false);
        if binding.wants_routing_id {
            if let Some(id) = routing_id_message(&[]) {
                end.write_unchecked(id);
            }
        }
        write_request(&mut end, &query);
        handler = binding.binder.socket().map(Arc::downgrade);
        ours = Some(end);
        theirs
    });
    let Some(end) = ours.filter(|_| found) else {
        log!(Debug, client.origin(), "ZAP: there is no handler");
        client.zap_reply(query.token, ZapVerdict::Unavailable);
        return None;
    };
    let question = Arc::new(Question {
        client: Arc::downgrade(client),
        token: query.token,
        handler,
        state: Mutex::new(None),
    });
    end.set_listener(question.clone(), 0);
    *question.state.lock() = Some(State {
        end,
        reply: Vec::new(),
    });
    // The reply may have arrived before `state` was set: recheck.
    question.check();
    Some(Box::new(Open(question)))
}

fn write_request(end: &mut PipeEnd, query: &ZapQuery) {
    let frames = zap::request_frames(
        &query.request,
        &query.domain,
        &query.address,
        &query.routing_id,
    );
    let last = frames.len() - 1;
    for (place, frame) in frames.into_iter().enumerate() {
        if let Ok(mut msg) = Msg::copy_from(frame) {
            msg.set(flag::MORE, place != last);
            end.write_unchecked(msg);
        }
    }
    end.flush();
}

impl Question {
    /// Reads the frames of the reply that have arrived, and passes a complete one to the
    /// connection.
    fn check(&self) {
        let Some(verdict) = self.read() else { return };
        if let Some(client) = self.client.upgrade() {
            client.zap_reply(self.token, verdict);
        }
    }

    fn read(&self) -> Option<ZapVerdict> {
        let mut place = self.state.lock();
        let state = place.as_mut()?;
        let events = state.end.take_events();
        let mut verdict = None;
        while let Some(msg) = state.end.read() {
            if msg.has(flag::ROUTING_ID) {
                continue;
            }
            // One frame more than allowed is kept, for `verdict` to reject the reply.
            if state.reply.len() <= zap::REPLY_FRAMES {
                state.reply.push(msg.data().to_vec());
            }
            if !msg.more() {
                let judged = zap::verdict(&state.reply);
                self.log(&judged, &state.reply);
                verdict = Some(judged);
                break;
            }
        }
        // A handler that disconnects leaves the request open, as in libzmq: the handshake
        // ends at its time limit. `Unavailable` could let the peer in.
        if verdict.is_some() || events & event::CLOSED != 0 {
            let ended = place.take();
            drop(place);
            drop(ended); // calls the listener of the handler's end, so not under the lock
        }
        verdict
    }
}

impl Question {
    /// Withdraws the request. If the handler makes no calls, an I/O thread removes the pipe
    /// from its socket.
    fn withdraw(&self) {
        let open = self.state.lock().take();
        if let Some(mut open) = open {
            open.end.withdraw();
            if let Some(handler) = self.handler.as_ref().and_then(Weak::upgrade) {
                handler.defer_mail();
            }
        }
    }

    fn log(&self, verdict: &ZapVerdict, reply: &[Vec<u8>]) {
        let Some(client) = self.client.upgrade() else {
            return;
        };
        let (origin, frame) = (client.origin(), |place: usize| {
            Text(reply.get(place).map_or(&[], Vec::as_slice))
        });
        match verdict {
            ZapVerdict::Accept(_) => log!(Debug, origin, "ZAP: {} {}", frame(3), frame(4)),
            ZapVerdict::Deny(_) => log!(
                Warn,
                origin,
                "ZAP refuses a peer: {} {}",
                frame(3),
                frame(4)
            ),
            _ => log!(
                Warn,
                origin,
                "ZAP refuses a peer: the handler's reply is malformed"
            ),
        }
    }
}

impl Listener for Question {
    fn pipe_event(&self, _token: usize) {
        self.check();
    }
}

#[cfg(test)]
mod tests {
    use crate::abi::options::*;
    use crate::error::Error;
    use crate::message::flag;
    use crate::runtime::socket::endpoints;
    use crate::runtime::{context, socket};

    use crate::abi::numbers::{ZMQ_DEALER as DEALER, ZMQ_REP as REP, ZMQ_ROUTER as ROUTER};

    /// Answers one request with `status`; returns its frames.
    fn handle(handler: usize, status: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            let msg = socket::recv(handler, 0).expect("a request");
            frames.push(msg.data().to_vec());
            if !msg.has(flag::MORE) {
                break;
            }
        }
        for part in [b"1.0", &b"1"[..], status, b"", b"joe"] {
            socket::send_bytes(handler, part, socket::SNDMORE).expect("sent");
        }
        socket::send_bytes(handler, b"", 0).expect("sent");
        frames
    }

    /// Connects a PLAIN client to a server whose handler replies with `status`; returns the
    /// user id of the received message.
    fn plain(status: Option<&[u8]>) -> Result<Option<String>, Error> {
        let context = context::create().expect("a context").address();
        let make = |kind| socket::create(context, kind).expect("a socket").address();
        let set = |socket, option, value: &[u8]| {
            socket::set_option(socket, option, Some(value)).expect("good");
        };
        let (handler, server, client) = (make(REP), make(DEALER), make(DEALER));
        for socket in [handler, server, client] {
            set(socket, ZMQ_LINGER, &0_i32.to_ne_bytes());
            let timeout: i32 = if status == Some(b"200") { 10_000 } else { 200 };
            set(socket, ZMQ_RCVTIMEO, &timeout.to_ne_bytes());
        }
        set(server, ZMQ_PLAIN_SERVER, &1_i32.to_ne_bytes());
        set(client, ZMQ_PLAIN_USERNAME, b"admin");
        set(client, ZMQ_PLAIN_PASSWORD, b"secret");
        if status.is_some() {
            endpoints::bind(handler, b"inproc://zeromq.zap.01").expect("bound");
        }
        endpoints::bind(server, b"tcp://127.0.0.1:*").expect("bound");
        let mut text = [0; 64];
        let len = socket::get_option(server, ZMQ_LAST_ENDPOINT, &mut text).expect("fits");
        endpoints::connect(client, &text[..len - 1]).expect("begun");
        socket::send_bytes(client, b"hello", 0).expect("queued");
        if let Some(status) = status {
            let frames = handle(handler, status);
            assert_eq!(frames.len(), 8); // without the delimiter, which REP keeps
            assert_eq!(frames[5..], [&b"PLAIN"[..], b"admin", b"secret"]);
            assert_eq!(frames[3], b"127.0.0.1");
        }
        let received = socket::recv(server, 0).map(|msg| {
            assert_eq!(msg.data(), b"hello");
            let user = msg.metadata().and_then(|list| list.get(c"User-Id"));
            user.map(|user| user.to_string_lossy().into_owned())
        });
        for socket in [handler, server, client] {
            socket::close(socket).expect("closed");
        }
        context::terminate(context, false).expect("ended");
        received
    }

    #[test]
    fn a_handler_lets_in_or_keeps_out() {
        assert_eq!(plain(Some(b"200")), Ok(Some("joe".into())));
        assert_eq!(plain(Some(b"400")), Err(Error::Again));
        assert_eq!(plain(Some(b"300")), Err(Error::Again));
    }

    #[test]
    fn a_question_has_one_answer() {
        let context = context::create().expect("a context").address();
        let make = |kind| {
            let socket = socket::create(context, kind).expect("a socket").address();
            let set = |option, value: i32| {
                socket::set_option(socket, option, Some(&value.to_ne_bytes())).expect("good");
            };
            set(ZMQ_LINGER, 0);
            set(ZMQ_RCVTIMEO, 10_000);
            socket
        };
        let (handler, server) = (make(ROUTER), make(DEALER));
        let one = Some(&1_i32.to_ne_bytes()[..]);
        socket::set_option(handler, ZMQ_ROUTER_MANDATORY, one).expect("good");
        socket::set_option(server, ZMQ_PLAIN_SERVER, one).expect("good");
        endpoints::bind(handler, b"inproc://zeromq.zap.01").expect("bound");
        endpoints::bind(server, b"tcp://127.0.0.1:*").expect("bound");
        let mut text = [0; 64];
        let len = socket::get_option(server, ZMQ_LAST_ENDPOINT, &mut text).expect("fits");
        let client = make(DEALER);
        socket::set_option(client, ZMQ_PLAIN_USERNAME, Some(b"admin")).expect("good");
        socket::set_option(client, ZMQ_PLAIN_PASSWORD, Some(b"secret")).expect("good");
        endpoints::connect(client, &text[..len - 1]).expect("begun");
        socket::send_bytes(client, b"hello", 0).expect("queued");
        let asker = socket::recv(handler, 0).expect("a routing id");
        while socket::recv(handler, 0).expect("a request").has(flag::MORE) {}
        let answer = |part: &[u8], flags| socket::send_bytes(handler, part, flags);
        answer(asker.data(), socket::SNDMORE).expect("routed");
        for part in [b"", &b"1.0"[..], b"1", b"200", b"", b"joe"] {
            answer(part, socket::SNDMORE).expect("sent");
        }
        answer(b"", 0).expect("sent");
        assert_eq!(socket::recv(server, 0).expect("let in").data(), b"hello");
        let again = answer(asker.data(), socket::SNDMORE);
        assert_eq!(again, Err(Error::HostUnreachable));
        for socket in [handler, server, client] {
            socket::close(socket).expect("closed");
        }
        context::terminate(context, false).expect("ended");
    }

    #[test]
    fn without_a_handler_no_peer_gets_in() {
        assert_eq!(plain(None), Err(Error::Again));
    }
}

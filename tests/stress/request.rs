//! DEALER and REQ, answered by ROUTER and REP.

#![forbid(unsafe_code)]

use crate::common::{Context, Socket};
use crate::messages::*;
use crate::sockets::*;
use crate::travel::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use zmq::abi::options::*;

/// Gives every message back until told to stop. The head is behind `skip` parts.
fn echo(socket: Socket, skip: usize, stop: Arc<AtomicBool>, mut random: Random) -> JoinHandle<()> {
    socket.set(ZMQ_RCVTIMEO, 50).unwrap();
    let mut ledger = Ledger::default();
    travel(random.clone(), move || {
        random.pause();
        match receive(socket, 0) {
            Ok(parts) => {
                ledger.next(check(&parts[skip..]));
                forward(socket, parts).unwrap();
            }
            Err(error) => assert_eq!(error, libc::EAGAIN),
        }
        let more = !stop.load(Ordering::SeqCst);
        if !more {
            socket.close().unwrap();
        }
        more
    })
}

/// What one client has under way.
struct Client {
    context: Context,
    kind: i32,
    endpoint: String,
    source: u32,
    life: u32,
    socket: Option<Socket>,
    sent: u64,
    answered: u64,
    goal: u64,
    /// Requests without an answer yet, at most.
    window: u64,
    random: Random,
}

impl Client {
    /// Sends a request or takes an answer. False after the last life.
    fn step(&mut self, lives: u32) -> bool {
        self.random.pause();
        let Some(socket) = self.socket else {
            return self.life < lives && self.begin();
        };
        // Some lives end in the middle of things.
        if self.random.below(400) == 0 {
            socket.set(ZMQ_LINGER, 0).unwrap();
            if self.kind == DEALER {
                let _ = socket.send(b"half", SNDMORE | DONTWAIT);
            }
            self.end(socket);
        } else if self.answered == self.goal {
            self.end(socket);
        } else {
            self.exchange(socket);
        }
        true
    }

    fn begin(&mut self) -> bool {
        let socket = open(self.context, self.kind);
        socket.connect(&self.endpoint).unwrap();
        self.socket = Some(socket);
        (self.sent, self.answered) = (0, 0);
        self.goal = 1 + self.random.below(150);
        true
    }

    fn end(&mut self, socket: Socket) {
        socket.close().unwrap();
        self.socket = None;
        self.life += 1;
    }

    fn exchange(&mut self, socket: Socket) {
        let open = self.sent - self.answered;
        if self.sent < self.goal && open < self.window && (open == 0 || self.random.below(2) == 0) {
            let id = self.id(self.sent);
            send(socket, &[], id).unwrap();
            self.sent += 1;
        } else {
            let want = self.id(self.answered);
            let parts = receive(socket, 0).unwrap_or_else(|e| panic!("{e:?} for {want:?}"));
            assert_eq!(check(&parts), want);
            self.answered += 1;
        }
    }

    fn id(&self, number: u64) -> Id {
        Id {
            source: self.source,
            life: self.life,
            number,
        }
    }
}

fn clients(transport: &str, seed: u64, client: i32, server: i32, window: u64) {
    const LIVES: u32 = 16;
    let context = Context::new();
    let socket = open(context, server);
    let endpoint = bind(socket, transport);
    let stop = Arc::new(AtomicBool::new(false));
    let skip = usize::from(server == ROUTER) + usize::from(server == ROUTER && client == REQ);
    let server = echo(socket, skip, stop.clone(), Random(seed));
    let journey = |source: u32| {
        let mut client = Client {
            context,
            kind: client,
            endpoint: endpoint.clone(),
            source,
            life: 0,
            socket: None,
            sent: 0,
            answered: 0,
            goal: 0,
            window,
            random: Random(seed << 8 | u64::from(source)),
        };
        travel(client.random.clone(), move || client.step(LIVES))
    };
    join((0..4).map(journey).collect());
    stop.store(true, Ordering::SeqCst);
    join(vec![server]);
    terminate(context);
}

#[test]
fn dealers_of_a_router_come_and_go() {
    each(&TRANSPORTS, |transport, seed| {
        clients(transport, seed, DEALER, ROUTER, 60);
    });
}

#[test]
fn requesters_come_and_go() {
    each(&TRANSPORTS, |transport, seed| {
        clients(transport, seed, REQ, REP, 1);
        clients(transport, seed, REQ, ROUTER, 1);
    });
}

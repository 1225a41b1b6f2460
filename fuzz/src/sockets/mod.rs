//! Sequences of calls on sockets that are joined over inproc, against a model
//! of each pattern: what must be received and in which order, what must be
//! refused and how.

#![forbid(unsafe_code)]

mod model;
mod patterns;
mod pipe;
mod turn;

use super::input::Input;
use model::{Kind, Model};
use zmq::abi::options::{
    ZMQ_RCVHWM, ZMQ_RCVMORE, ZMQ_ROUTER_MANDATORY, ZMQ_ROUTING_ID, ZMQ_SNDHWM, ZMQ_SUBSCRIBE,
    ZMQ_UNSUBSCRIBE,
};
use zmq::testing::error::{Error, Result};
use zmq::testing::runtime::context;
use zmq::testing::runtime::socket::{self, endpoints};

/// Socket types that talk to each other.
const FAMILIES: [[Kind; 2]; 6] = [
    [Kind::Pair, Kind::Pair],
    [Kind::Push, Kind::Pull],
    [Kind::Pub, Kind::Sub],
    [Kind::Req, Kind::Rep],
    [Kind::Dealer, Kind::Router],
    [Kind::Dealer, Kind::Dealer],
];

/// `ZMQ_POLLIN` and `ZMQ_POLLOUT`.
const POLLIN: i16 = 1;
const POLLOUT: i16 = 2;

/// Most sockets at a time, names of each side, and calls.
const SOCKETS: usize = 6;
const NAMES: usize = 2;
const CALLS: usize = 400;

/// A family, and then calls on sockets of its types.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let mut world = World::new(FAMILIES[input.below(FAMILIES.len())]);
    for _ in 0..CALLS {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.settle();
    }
    world.drain();
    world.end();
}

/// The sockets and their model.
struct World {
    kinds: [Kind; 2],
    context: usize,
    /// Handles, by the numbers of the model.
    handles: Vec<usize>,
    model: Model,
    /// Parts sent so far.
    sent: u32,
    /// Whether to tell of each call (`FUZZ_TRACE`).
    trace: bool,
}

impl World {
    fn new(kinds: [Kind; 2]) -> World {
        World {
            kinds,
            context: context::create().expect("a context").address(),
            handles: Vec::new(),
            model: Model::default(),
            sent: 0,
            trace: std::env::var_os("FUZZ_TRACE").is_some(),
        }
    }

    /// Tells of a call.
    fn say(&self, number: usize, call: &str, what: &dyn std::fmt::Debug) {
        if self.trace {
            let kind = self.model.sockets[number].kind;
            eprintln!("{number} {kind:?} {call} {what:?}");
        }
    }

    /// The open sockets.
    fn open(&self) -> Vec<usize> {
        let all = 0..self.handles.len();
        all.filter(|number| self.model.sockets[*number].open)
            .collect()
    }

    /// Lets every socket take in what the others told it.
    fn settle(&self) {
        for _ in 0..3 {
            for number in self.open() {
                socket::ready(self.handles[number], 0).expect("alive");
            }
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let call = input.byte();
        let open = self.open();
        if open.is_empty() || (call >= 0xf8 && open.len() < SOCKETS) {
            return self.create(input);
        }
        let number = open[usize::from(call >> 5) % open.len()];
        match call & 0x1f {
            0..=7 => self.send(number, input),
            8..=17 => self.recv(number),
            18 | 19 => self.poll(number),
            20 | 21 => self.bind(number, input),
            22 | 23 => self.connect(number, input),
            24 | 25 => {
                let name = self.name(number, call & 1 == 0, input);
                self.release(number, name);
            }
            26 if input.flag() => self.close(number),
            27..=29 if self.kinds[1] == Kind::Sub => self.filter(number, input),
            _ if open.len() < SOCKETS => self.create(input),
            _ => self.poll(number),
        }
    }

    /// Which of the two kinds a socket is, 0 for both if they are the same.
    fn side(&self, number: usize) -> usize {
        usize::from(self.model.sockets[number].kind != self.kinds[0])
    }

    /// A name that a socket binds (or that its peers bind).
    fn name(&self, number: usize, own: bool, input: &mut Input<'_>) -> usize {
        let same = self.kinds[0] == self.kinds[1];
        let side = match (same, own) {
            (true, _) => 0,
            (false, true) => self.side(number),
            (false, false) => 1 - self.side(number),
        };
        side * NAMES + input.below(NAMES)
    }

    fn create(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let kind = self.kinds[usize::from(choice & 1)];
        let hwm = [1, 0, 2, 3, 5, 8, 100, 1000];
        let hwm = (
            hwm[usize::from(choice >> 1 & 7)],
            hwm[usize::from(choice >> 4 & 7)],
        );
        let mandatory = kind == Kind::Router && choice & 0x80 != 0;
        let handle = socket::create(self.context, kind as i32).expect("a socket");
        let handle = handle.address();
        let id = format!("peer {}", self.handles.len()).into_bytes();
        let set = |option, value: &[u8]| {
            socket::set_option(handle, option, Some(value)).expect("a good value");
        };
        set(ZMQ_SNDHWM, &i32::to_ne_bytes(hwm.0));
        set(ZMQ_RCVHWM, &i32::to_ne_bytes(hwm.1));
        set(ZMQ_ROUTING_ID, &id);
        if mandatory {
            set(ZMQ_ROUTER_MANDATORY, &i32::to_ne_bytes(1));
        }
        self.handles.push(handle);
        let new = model::Socket::new(kind, hwm, id, mandatory);
        self.model.sockets.push(new);
        self.say(self.handles.len() - 1, "hwm", &hwm);
    }

    fn send(&mut self, number: usize, input: &mut Input<'_>) {
        let shape = input.byte();
        let more = shape & 1 == 1;
        let addressing = self.model.is_addressing(number);
        let part = match addressing {
            true => format!("peer {}", shape >> 1 & 7).into_bytes(),
            false => self.part(shape),
        };
        let more = more || (addressing && shape & 0x70 != 0);
        let flags = socket::DONTWAIT | if more { socket::SNDMORE } else { 0 };
        let result = socket::send_bytes(self.handles[number], &part, flags);
        self.say(
            number,
            "send",
            &(part.get(..9).unwrap_or(&part), more, result),
        );
        assert_eq!(result, self.model.send(number, &part, more));
    }

    /// A part like no other: a topic, a number, and so many bytes.
    fn part(&mut self, shape: u8) -> Vec<u8> {
        self.sent += 1;
        let size = [0, 0, 1, 20, 40, 300, 3000, 9000][usize::from(shape >> 5)];
        let mut part = b"abcab"[usize::from(shape >> 1 & 3)..][..2].to_vec();
        part.extend_from_slice(&self.sent.to_be_bytes());
        part.resize(part.len() + size, self.sent as u8);
        part
    }

    fn recv(&mut self, number: usize) {
        let handle = self.handles[number];
        let found = socket::recv(handle, socket::DONTWAIT);
        let found = found.map(|msg| (msg.data().to_vec(), msg.more()));
        self.say(
            number,
            "recv",
            &found
                .as_ref()
                .map(|(part, more)| (part.get(..9).unwrap_or(part), more)),
        );
        let expected = self.model.recv(number);
        assert_eq!(found, expected, "{:?}", self.model.sockets[number].kind);
        if let Ok((_, more)) = expected {
            let mut out = [0; 4];
            let length = socket::get_option(handle, ZMQ_RCVMORE, &mut out);
            assert_eq!((length, i32::from_ne_bytes(out)), (Ok(4), more.into()));
        }
    }

    fn poll(&mut self, number: usize) {
        let found = socket::ready(self.handles[number], POLLIN | POLLOUT).expect("alive");
        self.say(number, "poll", &found);
        let out = if self.model.has_out(number) {
            POLLOUT
        } else {
            0
        };
        let ready = if self.model.has_in(number) { POLLIN } else { 0 };
        let kind = self.model.sockets[number].kind;
        assert_eq!(found, ready | out, "{kind:?}");
    }

    fn bind(&mut self, number: usize, input: &mut Input<'_>) {
        let name = self.name(number, true, input);
        if !self.model.may_bind(number, name) {
            return;
        }
        let found = endpoints::bind(self.handles[number], &text(name));
        self.say(number, "bind", &(name, found));
        assert_eq!(found, self.model.bind(number, name));
    }

    fn connect(&mut self, number: usize, input: &mut Input<'_>) {
        let name = self.name(number, false, input);
        if !self.model.may_connect(number, name) {
            return;
        }
        let found = endpoints::connect(self.handles[number], &text(name));
        self.say(number, "connect", &(name, found));
        assert_eq!(found, Ok(()));
        self.model.connect(number, name);
    }

    /// Unbind and disconnect are one: what is not bound is disconnected.
    fn release(&mut self, number: usize, name: usize) {
        let expected = self.model.unbind(number, name);
        let expected = expected.or_else(|_| self.model.disconnect(number, name));
        self.say(number, "release", &(name, expected));
        assert_eq!(
            endpoints::release(self.handles[number], &text(name)),
            expected
        );
    }

    fn filter(&mut self, number: usize, input: &mut Input<'_>) {
        let choice = input.byte();
        let on = choice & 1 == 0;
        let option = if on { ZMQ_SUBSCRIBE } else { ZMQ_UNSUBSCRIBE };
        let topic = &b"abcab"[usize::from(choice >> 1 & 3)..][..usize::from(choice >> 3) % 3];
        let result = socket::set_option(self.handles[number], option, Some(topic));
        self.say(number, "filter", &(on, topic));
        if self.model.sockets[number].kind == Kind::Sub {
            assert_eq!(result, Ok(()));
            self.model.filter(number, topic, on);
        } else {
            assert_eq!(result, Err(Error::Invalid));
        }
    }

    fn close(&mut self, number: usize) {
        self.say(number, "close", &());
        assert_eq!(socket::close(self.handles[number]), Ok(()));
        self.model.close(number);
        let gone: Result<i16> = socket::ready(self.handles[number], 0);
        assert_eq!(gone, Err(Error::NotSocket));
    }

    /// Everything that was not received yet must be there.
    fn drain(&mut self) {
        for number in self.open() {
            let most = 10 * CALLS;
            let more = (0..most).any(|_| {
                self.recv(number);
                self.settle();
                !self.model.may_receive(number)
            });
            assert!(more, "no end of messages");
        }
    }

    fn end(self) {
        for number in self.open() {
            assert_eq!(socket::close(self.handles[number]), Ok(()));
        }
        assert_eq!(context::terminate(self.context, false), Ok(()));
    }
}

fn text(name: usize) -> Vec<u8> {
    format!("inproc://{name}").into_bytes()
}

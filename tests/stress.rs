//! All patterns on all transports with sockets that come and go, pauses, and
//! threads that hand their sockets on. What arrives must be whole, in order,
//! once, and all of it where nothing may be dropped.
//!
//! The seed is fixed. `FERROZMQ_STRESS=<seconds>` goes on with other seeds for
//! so long in each test; a failure names its seed, `FERROZMQ_SEED=<seed>` starts
//! with it.

#![cfg(target_os = "linux")]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use zmq::error::Error;
use zmq::message::Msg;
use zmq::options::constants::*;
use zmq::runtime::proxy::Proxy;
use zmq::runtime::{context, endpoints, socket};

const PAIR: i32 = 0;
const PUB: i32 = 1;
const SUB: i32 = 2;
const REQ: i32 = 3;
const REP: i32 = 4;
const DEALER: i32 = 5;
const ROUTER: i32 = 6;
const PULL: i32 = 7;
const PUSH: i32 = 8;
const XPUB: i32 = 9;
const XSUB: i32 = 10;
const DONTWAIT: i32 = 1;
const SNDMORE: i32 = 2;

/// Bound of every wait that is expected to succeed.
const PATIENCE: Duration = Duration::from_secs(20);
const TRANSPORTS: [&str; 3] = ["inproc", "ipc", "tcp"];

// ---- chance ------------------------------------------------------------------

/// Splitmix64.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Now and then a pause, seldom a long one.
    fn pause(&mut self) {
        match self.below(2048) {
            0..32 => thread::sleep(Duration::from_micros(self.below(200))),
            32..34 => thread::sleep(Duration::from_millis(self.below(5))),
            34..64 => thread::yield_now(),
            _ => {}
        }
    }
}

/// Repeats `step` until it answers false, on one thread after the other.
fn travel(mut random: Random, mut step: impl FnMut() -> bool + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        loop {
            let steps = 1 + random.below(300);
            let leg = thread::spawn(move || {
                let more = (0..steps).all(|_| step());
                (step, more)
            });
            let (back, more) = leg.join().expect("a leg of a journey failed");
            step = back;
            if !more {
                return;
            }
        }
    })
}

// ---- messages ----------------------------------------------------------------

/// What a message is: whose, of which of the sender's lives, the how manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Id {
    source: u32,
    life: u32,
    number: u64,
}

impl Id {
    fn chance(self, salt: u64) -> Random {
        let life = u64::from(self.source) << 32 | u64::from(self.life);
        Random(life.wrapping_mul(0x1000_0001_b3).wrapping_add(self.number) ^ salt << 56)
    }

    fn head(self) -> [u8; 16] {
        let mut head = [0; 16];
        head[..4].copy_from_slice(&self.source.to_ne_bytes());
        head[4..8].copy_from_slice(&self.life.to_ne_bytes());
        head[8..].copy_from_slice(&self.number.to_ne_bytes());
        head
    }

    fn read(head: &[u8]) -> Id {
        assert_eq!(head.len(), 16, "a head is torn");
        Id {
            source: u32::from_ne_bytes(head[..4].try_into().unwrap()),
            life: u32::from_ne_bytes(head[4..8].try_into().unwrap()),
            number: u64::from_ne_bytes(head[8..].try_into().unwrap()),
        }
    }

    /// The parts after the head: up to three, mostly small.
    fn parts(self) -> Vec<Vec<u8>> {
        let mut chance = self.chance(1);
        let count = chance.below(4);
        let mut part = || {
            let size = match chance.below(64) {
                0 => 70_000,
                1..3 => 9_000,
                3..8 => 2_000 + chance.below(100),
                8..24 => 30 + chance.below(8),
                _ => chance.below(300),
            };
            let mut byte = chance.next();
            let mut next = || {
                byte = byte.wrapping_add(0x0101_0101_0101_0107);
                (byte >> 16) as u8
            };
            (0..size).map(|_| next()).collect()
        };
        (0..count).map(|_| part()).collect()
    }
}

/// Sends `before`, the head and the parts.
fn send(socket: usize, before: &[&[u8]], id: Id) -> Result<(), Error> {
    send_with(socket, before, id, 0)
}

fn send_with(socket: usize, before: &[&[u8]], id: Id, flags: i32) -> Result<(), Error> {
    let (head, parts) = (id.head(), id.parts());
    let mut all: Vec<&[u8]> = before.to_vec();
    all.push(&head);
    all.extend(parts.iter().map(Vec::as_slice));
    for (i, part) in all.iter().enumerate() {
        let more = if i + 1 < all.len() { SNDMORE } else { 0 };
        // Once the first is in, the others must not be refused.
        let wait = if i == 0 { flags } else { 0 };
        socket::send_bytes(socket, part, more | wait)?;
    }
    Ok(())
}

/// All parts of the next message.
fn receive(socket: usize, flags: i32) -> Result<Vec<Msg>, Error> {
    let mut parts = vec![socket::recv(socket, flags)?];
    while parts.last().is_some_and(Msg::more) {
        parts.push(socket::recv(socket, DONTWAIT).expect("a part did not come with the first"));
    }
    Ok(parts)
}

/// Sends on what `receive` gave.
fn forward(socket: usize, parts: Vec<Msg>) -> Result<(), Error> {
    for part in parts {
        let more = if part.more() { SNDMORE } else { 0 };
        socket::send(socket, part, more).map_err(|(error, _)| error)?;
    }
    Ok(())
}

/// Checks each byte.
fn check(parts: &[Msg]) -> Id {
    let id = Id::read(parts[0].data());
    let wanted = id.parts();
    assert_eq!(parts.len(), wanted.len() + 1, "parts of {id:?}");
    for (got, want) in parts[1..].iter().zip(&wanted) {
        assert!(got.data() == want, "a part of {id:?} is damaged");
    }
    id
}

/// What has come from each life of each sender.
#[derive(Default)]
struct Ledger(HashMap<(u32, u32), u64>);

impl Ledger {
    /// The next of its life, with none left out.
    fn next(&mut self, id: Id) {
        let next = self.0.entry((id.source, id.life)).or_default();
        assert_eq!(id.number, *next, "{id:?}");
        *next += 1;
    }

    /// Later than all before.
    fn later(&mut self, id: Id) {
        let next = self.0.entry((id.source, id.life)).or_default();
        assert!(id.number >= *next, "{id:?} came after {}", *next);
        *next = id.number + 1;
    }
}

// ---- sockets -----------------------------------------------------------------

fn set(socket: usize, option: i32, value: i32) {
    socket::set_option(socket, option, Some(&value.to_ne_bytes())).unwrap();
}

fn open(context: usize, kind: i32) -> usize {
    let socket = socket::create(context, kind).unwrap().address();
    set(socket, ZMQ_RCVTIMEO, PATIENCE.as_millis() as i32);
    set(socket, ZMQ_SNDTIMEO, PATIENCE.as_millis() as i32);
    set(socket, ZMQ_RECONNECT_IVL, 5);
    socket
}

/// A free endpoint, bound.
fn bind(socket: usize, transport: &str) -> Vec<u8> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let text = match transport {
        "tcp" => "tcp://127.0.0.1:*".to_owned(),
        "ipc" => "ipc://*".to_owned(),
        _ => format!("inproc://{}", NUMBER.fetch_add(1, Ordering::SeqCst)),
    };
    endpoints::bind(socket, text.as_bytes()).unwrap();
    let mut last = [0; 256];
    let len = socket::get_option(socket, ZMQ_LAST_ENDPOINT, &mut last).unwrap();
    last[..len - 1].to_vec()
}

/// Binds to an endpoint that another socket has just let go of.
fn bind_again(socket: usize, endpoint: &[u8]) {
    let begin = Instant::now();
    while let Err(error) = endpoints::bind(socket, endpoint) {
        assert_eq!(error, Error::AddrInUse);
        assert!(begin.elapsed() < PATIENCE, "the endpoint stays taken");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends the context; everything lingers as long as it must, but not for ever.
fn terminate(context: usize) {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(context::terminate(context)));
    let ended = receiver.recv_timeout(PATIENCE);
    ended.expect("the context does not end").unwrap();
}

/// Runs a scenario with each transport and the fixed seed, and then with other
/// seeds for as long as was asked for.
fn each(transports: &[&str], scenario: fn(&str, u64)) {
    let number = |name| std::env::var(name).ok()?.parse().ok();
    let first: u64 = number("FERROZMQ_SEED").unwrap_or(1);
    let longer = Duration::from_secs(number("FERROZMQ_STRESS").unwrap_or(0));
    let begin = Instant::now();
    for seed in first.. {
        for transport in transports {
            eprintln!("{transport}, seed {seed}");
            scenario(transport, seed);
        }
        if begin.elapsed() >= longer {
            return;
        }
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a thread failed");
    }
}

// ---- PUSH and PULL -----------------------------------------------------------

/// How many messages a sender sends in one of its lives.
fn length(seed: u64, source: u32, life: u32) -> u64 {
    let id = Id {
        source,
        life,
        number: seed,
    };
    id.chance(2).below(150)
}

/// A sender that dies and comes back, always with a socket of its own, and
/// lingers until all is sent.
fn sender(
    context: usize,
    seed: u64,
    source: u32,
    lives: u32,
    attach: impl Fn(usize) + Send + 'static,
) -> JoinHandle<()> {
    let mut random = Random(seed ^ u64::from(source) << 32);
    let mut live: Option<usize> = None;
    let (mut life, mut number) = (0, 0);
    travel(random.clone(), move || {
        random.pause();
        if life == lives {
            return false;
        }
        let socket = *live.get_or_insert_with(|| {
            let socket = open(context, PUSH);
            attach(socket);
            socket
        });
        if number < length(seed, source, life) {
            let id = Id {
                source,
                life,
                number,
            };
            send(socket, &[], id).unwrap_or_else(|error| panic!("{id:?}: {error:?}"));
            number += 1;
        } else {
            if random.below(2) == 0 {
                // Half a message, which nobody must ever see.
                let _ = socket::send_bytes(socket, b"half", SNDMORE | DONTWAIT);
            }
            socket::close(socket).unwrap();
            live = None;
            (life, number) = (life + 1, 0);
        }
        true
    })
}

#[test]
fn pushers_come_and_go() {
    each(&TRANSPORTS, |transport, seed| {
        const SOURCES: u32 = 4;
        const LIVES: u32 = 12;
        let context = context::create().unwrap().address();
        let pull = open(context, PULL);
        let endpoint = bind(pull, transport);
        let total: u64 = (0..SOURCES)
            .flat_map(|source| (0..LIVES).map(move |life| length(seed, source, life)))
            .sum();
        let mut threads = Vec::new();
        for source in 0..SOURCES {
            let endpoint = endpoint.clone();
            let attach = move |socket| endpoints::connect(socket, &endpoint).unwrap();
            threads.push(sender(context, seed, source, LIVES, attach));
        }
        threads.push(collector(pull, total, Random(seed)));
        join(threads);
        terminate(context);
    });
}

/// Receives so many messages, each life's in order, and nothing else.
fn collector(pull: usize, total: u64, mut random: Random) -> JoinHandle<()> {
    let mut ledger = Ledger::default();
    let mut count = 0;
    travel(random.clone(), move || {
        random.pause();
        if count == total {
            set(pull, ZMQ_RCVTIMEO, 20);
            assert_eq!(receive(pull, 0).err(), Some(Error::Again), "one too many");
            socket::close(pull).unwrap();
            return false;
        }
        let parts = receive(pull, 0);
        let parts = parts.unwrap_or_else(|e| panic!("{e:?} after {count} of {total}"));
        ledger.next(check(&parts));
        count += 1;
        true
    })
}

#[test]
fn bound_pushers_come_and_go() {
    each(&["ipc", "tcp"], |transport, seed| {
        const SOURCES: u32 = 3;
        const LIVES: u32 = 6;
        let context = context::create().unwrap().address();
        let pull = open(context, PULL);
        let mut threads = Vec::new();
        for source in 0..SOURCES {
            let first = open(context, PUSH);
            let endpoint = bind(first, transport);
            socket::close(first).unwrap();
            endpoints::connect(pull, &endpoint).unwrap();
            let attach = move |socket| bind_again(socket, &endpoint);
            threads.push(sender(context, seed, source, LIVES, attach));
        }
        let total: u64 = (0..SOURCES)
            .flat_map(|source| (0..LIVES).map(move |life| length(seed, source, life)))
            .sum();
        threads.push(collector(pull, total, Random(seed)));
        join(threads);
        terminate(context);
    });
}

#[test]
fn pullers_share() {
    each(&TRANSPORTS, |transport, seed| {
        const COUNT: u64 = 4000;
        let context = context::create().unwrap().address();
        let pulls: Vec<usize> = (0..3).map(|_| open(context, PULL)).collect();
        let push = open(context, PUSH);
        for &pull in &pulls {
            endpoints::connect(push, &bind(pull, transport)).unwrap();
        }
        let all = Arc::new(Mutex::new(HashSet::new()));
        let mut threads = Vec::new();
        for (i, &pull) in pulls.iter().enumerate() {
            set(pull, ZMQ_RCVTIMEO, 50);
            let mut random = Random(seed + i as u64);
            let (all, mut ledger, mut last) = (all.clone(), Ledger::default(), Instant::now());
            threads.push(travel(random.clone(), move || {
                random.pause();
                match receive(pull, 0) {
                    Ok(parts) => {
                        let id = check(&parts);
                        ledger.later(id);
                        last = Instant::now();
                        assert!(all.lock().unwrap().insert(id.number), "{id:?} came twice");
                    }
                    Err(error) => assert_eq!(error, Error::Again),
                }
                let count = all.lock().unwrap().len();
                assert!(last.elapsed() < PATIENCE, "{count} came");
                count < COUNT as usize
            }));
        }
        let mut random = Random(seed);
        let mut number = 0;
        threads.push(travel(random.clone(), move || {
            random.pause();
            let (source, life) = (0, 0);
            let id = Id {
                source,
                life,
                number,
            };
            send(push, &[], id).unwrap();
            number += 1;
            number < COUNT
        }));
        join(threads);
        for socket in pulls.into_iter().chain([push]) {
            socket::close(socket).unwrap();
        }
        terminate(context);
    });
}

// ---- requests and answers ----------------------------------------------------

/// Gives every message back until told to stop. The head is behind `skip` parts.
fn echo(socket: usize, skip: usize, stop: Arc<AtomicBool>, mut random: Random) -> JoinHandle<()> {
    set(socket, ZMQ_RCVTIMEO, 50);
    let mut ledger = Ledger::default();
    travel(random.clone(), move || {
        random.pause();
        match receive(socket, 0) {
            Ok(parts) => {
                ledger.next(check(&parts[skip..]));
                forward(socket, parts).unwrap();
            }
            Err(error) => assert_eq!(error, Error::Again),
        }
        let more = !stop.load(Ordering::SeqCst);
        if !more {
            socket::close(socket).unwrap();
        }
        more
    })
}

/// What one client has under way.
struct Client {
    context: usize,
    kind: i32,
    endpoint: Vec<u8>,
    source: u32,
    life: u32,
    socket: Option<usize>,
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
            set(socket, ZMQ_LINGER, 0);
            if self.kind == DEALER {
                let _ = socket::send_bytes(socket, b"half", SNDMORE | DONTWAIT);
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
        endpoints::connect(socket, &self.endpoint).unwrap();
        self.socket = Some(socket);
        (self.sent, self.answered) = (0, 0);
        self.goal = 1 + self.random.below(150);
        true
    }

    fn end(&mut self, socket: usize) {
        socket::close(socket).unwrap();
        self.socket = None;
        self.life += 1;
    }

    fn exchange(&mut self, socket: usize) {
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
    const LIVES: u32 = 12;
    let context = context::create().unwrap().address();
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

// ---- PUB and SUB -------------------------------------------------------------

const TOPICS: [&[u8]; 4] = [b"a", b"ab", b"c", b"d"];

/// Publishes on all topics until told to stop, each topic with its own numbers.
fn publisher(socket: usize, stop: Arc<AtomicBool>, mut random: Random) -> JoinHandle<()> {
    let mut numbers = [0u64; TOPICS.len()];
    travel(random.clone(), move || {
        if random.below(40) == 0 {
            thread::sleep(Duration::from_micros(500)); // the receivers' queues are endless
        }
        let topic = random.below(TOPICS.len() as u64) as usize;
        let id = Id {
            source: topic as u32,
            life: 0,
            number: numbers[topic],
        };
        send(socket, &[TOPICS[topic]], id).unwrap();
        numbers[topic] += 1;
        let more = !stop.load(Ordering::SeqCst);
        if !more {
            set(socket, ZMQ_LINGER, 0);
            socket::close(socket).unwrap();
        }
        more
    })
}

/// Subscribes, receives and goes, several times. `gapless`: between the first
/// and the last of a topic nothing is left out.
fn subscriber(
    context: usize,
    endpoint: Vec<u8>,
    gapless: bool,
    done: Arc<AtomicUsize>,
    mut random: Random,
) -> JoinHandle<()> {
    const LIVES: usize = 5;
    let mut life = 0;
    travel(random.clone(), move || {
        let socket = open(context, SUB);
        set(socket, ZMQ_RCVHWM, 0);
        let mut wanted: HashSet<&[u8]> = HashSet::new();
        for _ in 0..1 + random.below(2) {
            let topic = TOPICS[random.below(TOPICS.len() as u64) as usize];
            socket::set_option(socket, ZMQ_SUBSCRIBE, Some(topic)).unwrap();
            wanted.insert(topic);
        }
        endpoints::connect(socket, &endpoint).unwrap();
        let mut next: HashMap<u32, u64> = HashMap::new();
        for _ in 0..random.below(200) {
            random.pause();
            let parts = receive(socket, 0).unwrap();
            let topic = parts[0].data();
            assert!(wanted.iter().any(|prefix| topic.starts_with(prefix)));
            let id = check(&parts[1..]);
            assert_eq!(TOPICS[id.source as usize], topic);
            if let Some(next) = next.insert(id.source, id.number + 1) {
                let right = if gapless {
                    id.number == next
                } else {
                    id.number >= next
                };
                assert!(right, "{id:?} instead of {next}");
            }
        }
        socket::close(socket).unwrap();
        life += 1;
        if life == LIVES {
            done.fetch_add(1, Ordering::SeqCst);
        }
        life < LIVES
    })
}

#[test]
fn subscribers_come_and_go() {
    each(&TRANSPORTS, |transport, seed| {
        publish(transport, seed, false)
    });
}

#[test]
fn subscribers_behind_a_proxy_come_and_go() {
    each(&TRANSPORTS, |transport, seed| {
        publish(transport, seed, true)
    });
}

fn publish(transport: &str, seed: u64, proxied: bool) {
    const SUBSCRIBERS: usize = 4;
    let context = context::create().unwrap().address();
    let endless = |kind| {
        let socket = open(context, kind);
        set(socket, ZMQ_SNDHWM, 0);
        set(socket, ZMQ_RCVHWM, 0);
        socket
    };
    let source = endless(PUB);
    let mut endpoint = bind(source, transport);
    let mut proxy = None;
    if proxied {
        let (front, back) = (endless(XSUB), endless(XPUB));
        endpoints::connect(front, &endpoint).unwrap();
        endpoint = bind(back, transport);
        proxy = Some(thread::spawn(move || {
            assert_eq!(Proxy::new(front, back, None).run(), Err(Error::Term));
            for socket in [front, back] {
                set_linger_and_close(socket);
            }
        }));
    }
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let publisher = publisher(source, stop.clone(), Random(seed));
    let journey = |i: usize| {
        let random = Random(seed << 8 | i as u64);
        subscriber(context, endpoint.clone(), !proxied, done.clone(), random)
    };
    let subscribers = (0..SUBSCRIBERS).map(journey).collect();
    join(subscribers);
    assert_eq!(done.load(Ordering::SeqCst), SUBSCRIBERS);
    stop.store(true, Ordering::SeqCst);
    join(vec![publisher]);
    context::shutdown(context).unwrap();
    join(proxy.into_iter().collect());
    terminate(context);
}

/// After the context's end options can no longer be set, but close is allowed.
fn set_linger_and_close(socket: usize) {
    let _ = socket::set_option(socket, ZMQ_LINGER, Some(&0i32.to_ne_bytes()));
    socket::close(socket).unwrap();
}

// ---- PAIR --------------------------------------------------------------------

#[test]
fn a_pair_talks_both_ways_at_once() {
    each(&TRANSPORTS, |transport, seed| {
        const COUNT: u64 = 2500;
        let context = context::create().unwrap().address();
        let (left, right) = (open(context, PAIR), open(context, PAIR));
        endpoints::connect(right, &bind(left, transport)).unwrap();
        let end = |socket: usize, source: u32| {
            let mut random = Random(seed + u64::from(source));
            let (mut sent, mut got, mut last) = (0, 0, Instant::now());
            let mut ledger = Ledger::default();
            set(socket, ZMQ_RCVTIMEO, 20);
            travel(random.clone(), move || {
                random.pause();
                let mut wait = 0;
                if sent < COUNT {
                    let life = 0;
                    let number = sent;
                    let id = Id {
                        source,
                        life,
                        number,
                    };
                    match send_with(socket, &[], id, DONTWAIT) {
                        Ok(()) => (sent, wait) = (sent + 1, DONTWAIT),
                        Err(error) => assert_eq!(error, Error::Again),
                    }
                }
                if got < COUNT {
                    match receive(socket, wait) {
                        Ok(parts) => {
                            let id = check(&parts);
                            assert_ne!(id.source, source);
                            ledger.next(id);
                            (got, last) = (got + 1, Instant::now());
                        }
                        Err(error) => assert_eq!(error, Error::Again),
                    }
                }
                assert!(last.elapsed() < PATIENCE, "{sent} sent, {got} received");
                sent < COUNT || got < COUNT
            })
        };
        join(vec![end(left, 0), end(right, 1)]);
        for socket in [left, right] {
            socket::close(socket).unwrap();
        }
        terminate(context);
    });
}

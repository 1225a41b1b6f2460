//! PUB and SUB, with and without a proxy in between.

#![forbid(unsafe_code)]

use crate::common::{self, Context, Socket};
use crate::messages::*;
use crate::sockets::*;
use crate::travel::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use zmq::abi::errors::ETERM;
use zmq::abi::options::*;

const TOPICS: [&[u8]; 4] = [b"a", b"ab", b"c", b"d"];

/// Publishes on all topics until told to stop, each topic with its own numbers.
fn publisher(socket: Socket, stop: Arc<AtomicBool>, mut random: Random) -> JoinHandle<()> {
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
            socket.set(ZMQ_LINGER, 0).unwrap();
            socket.close().unwrap();
        }
        more
    })
}

/// Subscribes, receives and goes, several times. `gapless`: between the first
/// and the last of a topic nothing is left out.
fn subscriber(
    context: Context,
    endpoint: String,
    gapless: bool,
    done: Arc<AtomicUsize>,
    mut random: Random,
) -> JoinHandle<()> {
    const LIVES: usize = 5;
    let mut life = 0;
    travel(random.clone(), move || {
        let socket = open(context, SUB);
        socket.set(ZMQ_RCVHWM, 0).unwrap();
        let mut wanted: HashSet<&[u8]> = HashSet::new();
        for _ in 0..1 + random.below(2) {
            let topic = TOPICS[random.below(TOPICS.len() as u64) as usize];
            socket.set_bytes(ZMQ_SUBSCRIBE, topic).unwrap();
            wanted.insert(topic);
        }
        socket.connect(&endpoint).unwrap();
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
        socket.close().unwrap();
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
    let context = Context::new();
    let endless = |kind| {
        let socket = open(context, kind);
        socket.set(ZMQ_SNDHWM, 0).unwrap();
        socket.set(ZMQ_RCVHWM, 0).unwrap();
        socket
    };
    let source = endless(PUB);
    let mut endpoint = bind(source, transport);
    let mut proxy = None;
    if proxied {
        let (front, back) = (endless(XSUB), endless(XPUB));
        front.connect(&endpoint).unwrap();
        endpoint = bind(back, transport);
        proxy = Some(thread::spawn(move || {
            assert_eq!(common::proxy(front, back), ETERM);
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
    context.shutdown().unwrap();
    join(proxy.into_iter().collect());
    terminate(context);
}

/// After the context's end options can no longer be set, but close is allowed.
fn set_linger_and_close(socket: Socket) {
    let _ = socket.set(ZMQ_LINGER, 0);
    socket.close().unwrap();
}

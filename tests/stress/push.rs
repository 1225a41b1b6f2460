//! PUSH and PULL.

#![forbid(unsafe_code)]

use crate::messages::*;
use crate::sockets::*;
use crate::travel::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use zmq::abi::options::*;
use zmq::error::Error;
use zmq::runtime::{context, endpoints, socket};
use zmq::sync::Mutex;

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
        const LIVES: u32 = 16;
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
        const LIVES: u32 = 20;
        // A wildcard's folder would go with its first socket.
        let folder = std::env::temp_dir().join(format!("zmq-stress-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let context = context::create().unwrap().address();
        let pull = open(context, PULL);
        let mut threads = Vec::new();
        for source in 0..SOURCES {
            let endpoint = match transport {
                "ipc" => format!("ipc://{}/{source}", folder.display()).into_bytes(),
                _ => {
                    let first = open(context, PUSH);
                    // Nobody else's ports are on this address.
                    let endpoint = bind(first, "tcp://127.0.0.2:*");
                    socket::close(first).unwrap();
                    endpoint
                }
            };
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
        std::fs::remove_dir_all(&folder).unwrap();
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
                        assert!(all.lock().insert(id.number), "{id:?} came twice");
                    }
                    Err(error) => assert_eq!(error, Error::Again),
                }
                let count = all.lock().len();
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

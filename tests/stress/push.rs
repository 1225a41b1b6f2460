//! PUSH and PULL.

#![forbid(unsafe_code)]

use crate::common::{Context, Socket};
use crate::messages::*;
use crate::sockets::*;
use crate::travel::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;
use zmq::abi::options::*;

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
    context: Context,
    seed: u64,
    source: u32,
    lives: u32,
    attach: impl Fn(Socket) + Send + 'static,
) -> JoinHandle<()> {
    let mut random = Random(seed ^ u64::from(source) << 32);
    let mut live: Option<Socket> = None;
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
                let _ = socket.send(b"half", SNDMORE | DONTWAIT);
            }
            socket.close().unwrap();
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
        let context = Context::new();
        let pull = open(context, PULL);
        let endpoint = bind(pull, transport);
        let total: u64 = (0..SOURCES)
            .flat_map(|source| (0..LIVES).map(move |life| length(seed, source, life)))
            .sum();
        let mut threads = Vec::new();
        for source in 0..SOURCES {
            let endpoint = endpoint.clone();
            let attach = move |socket: Socket| socket.connect(&endpoint).unwrap();
            threads.push(sender(context, seed, source, LIVES, attach));
        }
        threads.push(collector(pull, total, Random(seed)));
        join(threads);
        terminate(context);
    });
}

/// Receives so many messages, each life's in order, and nothing else.
fn collector(pull: Socket, total: u64, mut random: Random) -> JoinHandle<()> {
    let mut ledger = Ledger::default();
    let mut count = 0;
    travel(random.clone(), move || {
        random.pause();
        if count == total {
            pull.set(ZMQ_RCVTIMEO, 20).unwrap();
            assert_eq!(receive(pull, 0).err(), Some(libc::EAGAIN), "one too many");
            pull.close().unwrap();
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
        let context = Context::new();
        let pull = open(context, PULL);
        let mut threads = Vec::new();
        for source in 0..SOURCES {
            let endpoint = match transport {
                "ipc" => format!("ipc://{}/{source}", folder.display()),
                _ => {
                    let first = open(context, PUSH);
                    // Nobody else's ports are on this address.
                    let endpoint = bind(first, "tcp://127.0.0.2:*");
                    first.close().unwrap();
                    endpoint
                }
            };
            pull.connect(&endpoint).unwrap();
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
        let context = Context::new();
        let pulls: Vec<Socket> = (0..3).map(|_| open(context, PULL)).collect();
        let push = open(context, PUSH);
        for &pull in &pulls {
            push.connect(&bind(pull, transport)).unwrap();
        }
        // Whether each number has come, and how many have. Atomics, because ThreadSanitizer does
        // not see what a contended lock of the standard library orders.
        let all: Arc<[AtomicBool]> = (0..COUNT).map(|_| AtomicBool::new(false)).collect();
        let count = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::new();
        for (i, &pull) in pulls.iter().enumerate() {
            pull.set(ZMQ_RCVTIMEO, 50).unwrap();
            let mut random = Random(seed + i as u64);
            let (all, count) = (all.clone(), count.clone());
            let (mut ledger, mut last) = (Ledger::default(), Instant::now());
            threads.push(travel(random.clone(), move || {
                random.pause();
                match receive(pull, 0) {
                    Ok(parts) => {
                        let id = check(&parts);
                        ledger.later(id);
                        last = Instant::now();
                        let before = all[id.number as usize].swap(true, Ordering::SeqCst);
                        assert!(!before, "{id:?} came twice");
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => assert_eq!(error, libc::EAGAIN),
                }
                let count = count.load(Ordering::SeqCst);
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
            socket.close().unwrap();
        }
        terminate(context);
    });
}

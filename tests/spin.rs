//! `ZMQ_FERRO_SPIN` 0: a thread that has to wait sleeps, at once and each time.

#![cfg(target_os = "linux")]

mod common;

use common::{Context, Socket};
use zmq::abi::numbers::{ZMQ_REP as REP, ZMQ_REQ as REQ};
use zmq::abi::options::*;

const ROUNDS: u64 = 2000;

/// How often the calling thread has left its processor: by going to sleep, or for one
/// that it woke, which then may have answered before it could go.
fn sleeps() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let lines = status
        .lines()
        .filter(|line| line.contains("voluntary_ctxt_switches:"));
    lines
        .map(|line| {
            line.rsplit(':')
                .next()
                .unwrap()
                .trim()
                .parse::<u64>()
                .unwrap()
        })
        .sum()
}

fn make(context: Context, kind: i32) -> Socket {
    let made = context.socket(kind).unwrap();
    for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_RCVTIMEO, 8000), (ZMQ_SNDTIMEO, 8000)] {
        made.set(option, value).unwrap();
    }
    made
}

/// Sleeps of a client that asks `ROUNDS` times over `endpoint`.
fn sleeps_of_client(endpoint: &str, spin: i32) -> u64 {
    let context = Context::new();
    context.set(ZMQ_FERRO_SPIN, spin).unwrap();
    assert_eq!(context.get(ZMQ_FERRO_SPIN), Ok(spin));
    let (client, server) = (make(context, REQ), make(context, REP));
    server.bind(endpoint).unwrap();
    client.connect(&server.last_endpoint()).unwrap();
    let serving = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            let question = server.recv(0).unwrap();
            if spin == 0 {
                // The answer is not to be there before the client waits for it.
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
            server.send(question.data(), 0).unwrap();
        }
        server
    });
    let before = sleeps();
    for round in 0..ROUNDS {
        client.send(&round.to_ne_bytes(), 0).unwrap();
        assert_eq!(client.recv(0).unwrap().data(), round.to_ne_bytes());
    }
    let slept = sleeps() - before;
    serving.join().unwrap().close().unwrap();
    client.close().unwrap();
    context.terminate().unwrap();
    slept
}

#[test]
fn without_it_each_wait_is_a_sleep() {
    for endpoint in ["inproc://spin", "tcp://127.0.0.1:*", "ipc://*"] {
        let slept = sleeps_of_client(endpoint, 0);
        assert!(
            slept >= ROUNDS * 9 / 10,
            "{slept} sleeps in {ROUNDS} rounds"
        );
        // With it, an answer may come sooner; how often depends on the machine.
        sleeps_of_client(endpoint, 1);
    }
}

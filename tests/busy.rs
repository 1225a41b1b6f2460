//! Beside more busy threads than there are processors: who waits for an answer gets it,
//! whether it comes over a stream or from a socket of the same process.

mod common;

use common::{Context, Socket, poll};
use std::sync::atomic::{AtomicBool, Ordering};
use zmq::abi::numbers::{ZMQ_DEALER as DEALER, ZMQ_POLLIN};
use zmq::abi::options::*;

const ROUNDS: u64 = 300;

fn make(context: Context) -> Socket {
    let made = context.socket(DEALER).unwrap();
    for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_RCVTIMEO, 9000), (ZMQ_SNDTIMEO, 9000)] {
        made.set(option, value).unwrap();
    }
    made
}

/// A socket that sends back `ROUNDS` messages, and where it listens.
fn serve<'a>(
    scope: &'a std::thread::Scope<'a, '_>,
    context: Context,
    endpoint: &str,
) -> (Socket, String) {
    let server = make(context);
    server.bind(endpoint).unwrap();
    scope.spawn(move || {
        for _ in 0..ROUNDS {
            let question = server.recv(0).unwrap();
            server.send(question.data(), 0).unwrap();
        }
    });
    (server, server.last_endpoint())
}

fn ask(context: Context, polls: bool) {
    let client = make(context);
    let mut servers = Vec::new();
    std::thread::scope(|scope| {
        for endpoint in ["tcp://127.0.0.1:*", "inproc://busy", "ipc://*"] {
            let (server, text) = serve(scope, context, endpoint);
            client.connect(&text).unwrap();
            servers.push(server);
        }
        // Its turn goes round the three.
        for round in 0..ROUNDS * servers.len() as u64 {
            client.send(&round.to_ne_bytes(), 0).unwrap();
            if polls {
                assert_eq!(poll(&[client], ZMQ_POLLIN, 9000), Ok(1));
            }
            assert_eq!(client.recv(0).unwrap().data(), round.to_ne_bytes());
        }
    });
    servers.push(client);
    for one in servers {
        one.close().unwrap();
    }
}

#[test]
fn answers_come() {
    let stop = AtomicBool::new(false);
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..2 * processors {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let done = std::panic::catch_unwind(|| {
            for polls in [false, true] {
                let context = Context::new();
                ask(context, polls);
                context.terminate().unwrap();
            }
        });
        stop.store(true, Ordering::Relaxed);
        done.unwrap();
    });
}

//! Beside more busy threads than there are processors: who waits for an answer gets it,
//! whether it comes over a stream or from a socket of the same process.

use std::sync::atomic::{AtomicBool, Ordering};
use zmq::abi::options::*;
use zmq::runtime::{context, endpoints, poll, socket};

use zmq::abi::numbers::ZMQ_DEALER as DEALER;
const ROUNDS: u64 = 300;

fn make(context: usize) -> usize {
    let made = socket::create(context, DEALER).unwrap().address();
    for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_RCVTIMEO, 9000), (ZMQ_SNDTIMEO, 9000)] {
        socket::set_option(made, option, Some(&i32::to_ne_bytes(value))).unwrap();
    }
    made
}

/// A socket that sends back `ROUNDS` messages, and where it listens.
fn serve<'a>(
    scope: &'a std::thread::Scope<'a, '_>,
    context: usize,
    endpoint: &[u8],
) -> (usize, Vec<u8>) {
    let server = make(context);
    endpoints::bind(server, endpoint).unwrap();
    let mut text = [0; 256];
    let len = socket::get_option(server, ZMQ_LAST_ENDPOINT, &mut text).unwrap();
    scope.spawn(move || {
        for _ in 0..ROUNDS {
            let question = socket::recv(server, 0).unwrap();
            socket::send_bytes(server, question.data(), 0).unwrap();
        }
    });
    (server, text[..len - 1].to_vec())
}

fn ask(context: usize, polls: bool) {
    let client = make(context);
    let mut servers = Vec::new();
    std::thread::scope(|scope| {
        for endpoint in [&b"tcp://127.0.0.1:*"[..], b"inproc://busy", b"ipc://*"] {
            let (server, text) = serve(scope, context, endpoint);
            endpoints::connect(client, &text).unwrap();
            servers.push(server);
        }
        // Its turn goes round the three.
        for round in 0..ROUNDS * servers.len() as u64 {
            socket::send_bytes(client, &round.to_ne_bytes(), 0).unwrap();
            if polls {
                let items = [poll::Item::Socket(client, socket::POLLIN)];
                assert_eq!(poll::poll(&items, &mut [0], 9000, false), Ok(1));
            }
            assert_eq!(socket::recv(client, 0).unwrap().data(), round.to_ne_bytes());
        }
    });
    servers.push(client);
    for one in servers {
        socket::close(one).unwrap();
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
                let context = context::create().unwrap().address();
                ask(context, polls);
                context::terminate(context, false).unwrap();
            }
        });
        stop.store(true, Ordering::Relaxed);
        done.unwrap();
    });
}

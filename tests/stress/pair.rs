//! PAIR.

#![forbid(unsafe_code)]

use crate::common::{Context, Socket};
use crate::messages::*;
use crate::sockets::*;
use crate::travel::*;
use std::time::Instant;
use zmq::abi::options::*;

#[test]
fn a_pair_talks_both_ways_at_once() {
    each(&TRANSPORTS, |transport, seed| {
        const COUNT: u64 = 2500;
        let context = Context::new();
        let (left, right) = (open(context, PAIR), open(context, PAIR));
        right.connect(&bind(left, transport)).unwrap();
        let end = |socket: Socket, source: u32| {
            let mut random = Random(seed + u64::from(source));
            let (mut sent, mut got, mut last) = (0, 0, Instant::now());
            let mut ledger = Ledger::default();
            socket.set(ZMQ_RCVTIMEO, 20).unwrap();
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
                        Err(error) => assert_eq!(error, libc::EAGAIN),
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
                        Err(error) => assert_eq!(error, libc::EAGAIN),
                    }
                }
                assert!(last.elapsed() < PATIENCE, "{sent} sent, {got} received");
                sent < COUNT || got < COUNT
            })
        };
        join(vec![end(left, 0), end(right, 1)]);
        for socket in [left, right] {
            socket.close().unwrap();
        }
        terminate(context);
    });
}

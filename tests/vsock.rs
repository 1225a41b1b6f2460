//! vsock endpoints, as far as the kernel goes: without the family a clear error,
//! with it listening and connecting, and messages where it has a loopback.

#![cfg(target_os = "linux")]

mod common;

use common::{Context, Socket};
use std::time::{Duration, Instant};
use zmq::abi::numbers::{ZMQ_PULL as PULL, ZMQ_PUSH as PUSH};
use zmq::abi::options::*;

/// The context id of the loopback, where there is one.
const LOCAL: u32 = 1;

fn kernel_has_vsock() -> bool {
    socket2::Socket::new(socket2::Domain::VSOCK, socket2::Type::STREAM, None).is_ok()
}

/// Whether a stream to this machine itself can be made.
fn has_loopback(port: u32) -> bool {
    let socket = socket2::Socket::new(socket2::Domain::VSOCK, socket2::Type::STREAM, None);
    let address = socket2::SockAddr::vsock(LOCAL, port);
    socket.is_ok_and(|s| s.connect_timeout(&address, Duration::from_secs(1)).is_ok())
}

fn make(context: Context, kind: i32) -> Socket {
    let made = context.socket(kind).unwrap();
    for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_RCVTIMEO, 5000), (ZMQ_SNDTIMEO, 5000)] {
        made.set(option, value).unwrap();
    }
    made
}

#[test]
fn as_far_as_the_kernel_goes() {
    let context = Context::new();
    let (pull, push) = (make(context, PULL), make(context, PUSH));
    for text in ["vsock://", "vsock://1", "vsock://x:1", "vsock://1:x"] {
        assert_eq!(pull.bind(text).unwrap_err(), libc::EINVAL);
        assert_eq!(push.connect(text).unwrap_err(), libc::EINVAL);
    }
    match kernel_has_vsock() {
        true => with_vsock(pull, push),
        false => {
            for attempt in [pull.bind("vsock://*:*"), push.connect("vsock://1:5560")] {
                assert_eq!(attempt.unwrap_err(), libc::EPROTONOSUPPORT);
            }
        }
    }
    let begun = Instant::now();
    pull.close().unwrap();
    push.close().unwrap();
    context.terminate().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
}

fn with_vsock(pull: Socket, push: Socket) {
    pull.bind("vsock://-1:*").unwrap();
    let bound = pull.last_endpoint();
    let port: u32 = bound
        .strip_prefix("vsock://*:")
        .and_then(|port| port.parse().ok())
        .expect("a port");
    // Taken, then given back.
    assert_eq!(push.bind(&bound).unwrap_err(), libc::EADDRINUSE);
    let there = format!("vsock://{LOCAL}:{port}");
    push.connect(&there).unwrap();
    assert_eq!(push.last_endpoint(), there);
    if has_loopback(port) {
        push.send(b"over vsock", 0).unwrap();
        assert_eq!(pull.recv(0).unwrap().data(), b"over vsock");
    } else {
        println!("this kernel has no vsock loopback: no message was sent");
    }
    push.disconnect(&there).unwrap();
    assert_eq!(push.disconnect(&there).unwrap_err(), libc::ENOENT);
    pull.unbind(&format!("vsock://-1:{port}")).unwrap();
    let begun = Instant::now();
    while push.bind(&bound).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "the port was not given back"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

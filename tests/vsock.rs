//! vsock endpoints, as far as the kernel goes: without the family a clear error,
//! with it listening and connecting, and messages where it has a loopback.

#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};
use zmq::abi::options::*;
use zmq::runtime::{context, endpoints, socket};

use zmq::abi::numbers::{ZMQ_PULL as PULL, ZMQ_PUSH as PUSH};
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

fn last_endpoint(socket: usize) -> String {
    let mut text = [0; 256];
    let len = socket::get_option(socket, ZMQ_LAST_ENDPOINT, &mut text).unwrap();
    String::from_utf8(text[..len - 1].to_vec()).unwrap()
}

fn make(context: usize, kind: i32) -> usize {
    let made = socket::create(context, kind).unwrap().address();
    for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_RCVTIMEO, 5000), (ZMQ_SNDTIMEO, 5000)] {
        socket::set_option(made, option, Some(&i32::to_ne_bytes(value))).unwrap();
    }
    made
}

#[test]
fn as_far_as_the_kernel_goes() {
    let context = context::create().unwrap().address();
    let (pull, push) = (make(context, PULL), make(context, PUSH));
    for text in [
        &b"vsock://"[..],
        b"vsock://1",
        b"vsock://x:1",
        b"vsock://1:x",
    ] {
        assert_eq!(
            endpoints::bind(pull, text).unwrap_err().errno(),
            libc::EINVAL
        );
        assert_eq!(
            endpoints::connect(push, text).unwrap_err().errno(),
            libc::EINVAL
        );
    }
    match kernel_has_vsock() {
        true => with_vsock(pull, push),
        false => {
            for attempt in [
                endpoints::bind(pull, b"vsock://*:*"),
                endpoints::connect(push, b"vsock://1:5560"),
            ] {
                assert_eq!(attempt.unwrap_err().errno(), libc::EPROTONOSUPPORT);
            }
        }
    }
    let begun = Instant::now();
    socket::close(pull).unwrap();
    socket::close(push).unwrap();
    context::terminate(context, false).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
}

fn with_vsock(pull: usize, push: usize) {
    endpoints::bind(pull, b"vsock://-1:*").unwrap();
    let bound = last_endpoint(pull);
    let port: u32 = bound
        .strip_prefix("vsock://*:")
        .and_then(|port| port.parse().ok())
        .expect("a port");
    // Taken, then given back.
    assert_eq!(
        endpoints::bind(push, bound.as_bytes()).unwrap_err().errno(),
        libc::EADDRINUSE
    );
    let there = format!("vsock://{LOCAL}:{port}");
    endpoints::connect(push, there.as_bytes()).unwrap();
    assert_eq!(last_endpoint(push), there);
    if has_loopback(port) {
        socket::send_bytes(push, b"over vsock", 0).unwrap();
        assert_eq!(socket::recv(pull, 0).unwrap().data(), b"over vsock");
    } else {
        println!("this kernel has no vsock loopback: no message was sent");
    }
    endpoints::release(push, there.as_bytes()).unwrap();
    assert_eq!(
        endpoints::release(push, there.as_bytes())
            .unwrap_err()
            .errno(),
        libc::ENOENT
    );
    endpoints::release(pull, format!("vsock://-1:{port}").as_bytes()).unwrap();
    let begun = Instant::now();
    while endpoints::bind(push, bound.as_bytes()).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "the port was not given back"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

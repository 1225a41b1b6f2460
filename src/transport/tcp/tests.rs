//! What is particular to tcp: hosts, interfaces, IPv6, source addresses, options.

#![forbid(unsafe_code)]

use super::super::conformance::helpers::*;
use super::super::{ByteStream, Endpoint, Resolution};
use crate::error::Error;
use crate::options::Options;
use crate::sys::{interfaces, resolver};
use socket2::SockRef;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd};

fn six() -> Options {
    with(|options| options.ipv6 = true)
}

/// Whether `::1` can be bound here. If not, says why a test does less.
fn has_ipv6_loopback() -> bool {
    let found = std::net::TcpListener::bind("[::1]:0");
    if let Err(error) = &found {
        eprintln!("IPv6 loopback is not tested here: {error}");
        // Then the library must say so too, and not pretend.
        assert!(try_bind("tcp://[::1]:*", &six()).is_err());
    }
    found.is_ok()
}

fn port_of(endpoint: &str) -> u16 {
    let (_, port) = endpoint.rsplit_once(':').expect("port");
    port.parse().expect("numeric port")
}

#[test]
fn names_of_bound_sockets() {
    let options = defaults();
    for (text, prefix) in [
        ("tcp://*:*", "tcp://0.0.0.0:"),
        ("tcp://*:0", "tcp://0.0.0.0:"),
        ("tcp://0.0.0.0:*", "tcp://0.0.0.0:"),
        ("tcp://127.0.0.1:*", "tcp://127.0.0.1:"),
        ("tcp://[127.0.0.1]:*", "tcp://127.0.0.1:"),
        ("tcp://127.1:*", "tcp://127.0.0.1:"),
        ("tcp://localhost:*", "tcp://127.0.0.1:"),
        ("tcp://127.0.0.1:0;127.0.0.1:*", "tcp://127.0.0.1:"),
        ("tcp://127.0.0.1%1:*", "tcp://127.0.0.1:"),
    ] {
        let bound = try_bind(text, &options).expect(text);
        assert!(bound.starts_with(prefix), "{text} is {bound}");
        assert_ne!(port_of(&bound), 0, "{text} is {bound}");
    }
}

#[test]
fn binds_to_interfaces() {
    let loopback = "lo";
    let options = defaults();
    for text in [
        format!("tcp://{loopback}:*"),
        format!("tcp://[{loopback}]:*"),
        format!("tcp://{loopback}%{loopback}:*"),
        format!("tcp://{loopback}:*;127.0.0.1:*"),
    ] {
        let bound = try_bind(&text, &options).expect(&text);
        assert!(bound.starts_with("tcp://127.0.0.1:"), "{text} is {bound}");
    }
    if has_ipv6_loopback() {
        let bound = try_bind(&format!("tcp://{loopback}:*"), &six()).expect("interface");
        let link = interfaces::address_of(loopback, true).expect("interfaces");
        let ip = link.expect("an IPv6 address").ip();
        assert!(bound.starts_with(&format!("tcp://[{ip}")), "{bound}");
    }
}

#[test]
fn bind_errors() {
    let options = defaults();
    for (text, expected) in [
        ("tcp://:5555", Error::NoDevice),
        ("tcp://[]:5555", Error::NoDevice),
        ("tcp://%1:5555", Error::NoDevice),
        ("tcp://[::1]:5555", Error::NoDevice),
        ("tcp://[::1:5555", Error::NoDevice),
        ("tcp://127.0.0.1 :5555", Error::NoDevice),
        ("tcp://nosuchif:0;127.0.0.1:*", Error::NoDevice),
        ("tcp://127.0.0.1%nosuchif:5555", Error::Invalid),
        ("tcp://127.0.0.1:abc", Error::Invalid),
        ("tcp://192.0.2.77:*", Error::Os(libc::EADDRNOTAVAIL)),
    ] {
        assert_eq!(try_bind(text, &options), Err(expected), "{text}");
    }
    // A label of 70 letters is no valid name: no lookup is made.
    let unknown = format!("tcp://{}:*", "a".repeat(70));
    assert_eq!(try_bind(&unknown, &options), Err(Error::NoDevice));
    let taken = bind("tcp://127.0.0.1:*", &options);
    assert_eq!(try_bind(&text_of(&*taken), &options), Err(Error::AddrInUse));
    let inproc = try_bind("inproc://a", &options);
    assert_eq!(inproc, Err(Error::ProtoNotSupported));
}

#[test]
fn over_ipv6_serves_both_families() {
    if !resolver::has_ipv6() {
        eprintln!("not run: the system has no IPv6 sockets");
        // Falls back to IPv4.
        let bound = try_bind("tcp://*:*", &six()).expect("IPv4 instead");
        assert!(bound.starts_with("tcp://0.0.0.0:"), "{bound}");
        return;
    }
    let listener = bind("tcp://*:*", &six());
    assert!(text_of(&*listener).starts_with("tcp://[::]:"));
    let port = port_of(&text_of(&*listener));
    let four = defaults();
    let _old = dial(&format!("tcp://127.0.0.1:{port}"), &four).expect("IPv4 peer");
    let theirs = accept(&*listener, &six());
    assert_eq!(theirs.peer_address_text(), "::ffff:127.0.0.1");
    let mapped = dial(&format!("tcp://127.0.0.1:{port}"), &six()).expect("mapped peer");
    let expected = format!("tcp://[::ffff:127.0.0.1]:{port}");
    assert_eq!(mapped.remote_endpoint(), expected.as_bytes());
    assert_eq!(
        try_bind("tcp://127.0.0.1:*", &six()).map(|text| text.starts_with("tcp://[::ffff:127")),
        Ok(true)
    );
    if has_ipv6_loopback() {
        let _new = dial(&format!("tcp://[::1]:{port}"), &six()).expect("IPv6 peer");
        let _mapped = accept(&*listener, &six());
        assert_eq!(accept(&*listener, &six()).peer_address_text(), "::1");
        let bound = try_bind("tcp://::1:*", &six()).expect("::1");
        assert!(bound.starts_with("tcp://[::1]:"), "{bound}");
    }
}

#[test]
fn connects_from_the_source_address() {
    let options = defaults();
    let listener = bind("tcp://127.0.0.1:*", &options);
    let port = port_of(&text_of(&*listener));
    // Any address of 127/8 is local on Linux alone.
    let source = "127.0.0.2";
    for text in [
        format!("tcp://{source}:0;127.0.0.1:{port}"),
        format!("tcp://{source}:*;127.0.0.1:{port}"),
    ] {
        let ours = dial(&text, &options).expect(&text);
        let theirs = accept(&*listener, &options);
        assert_eq!(theirs.peer_address_text(), source);
        assert_eq!(theirs.remote_endpoint(), ours.local_endpoint());
    }
    // One source port for two peers: the address may be bound again.
    let second = bind("tcp://127.0.0.1:*", &options);
    let first = dial(&format!("tcp://127.0.0.1:*;127.0.0.1:{port}"), &options).expect("first");
    let local = String::from_utf8(first.local_endpoint()).expect("text");
    let fixed = port_of(&local);
    let shared = format!(
        "tcp://127.0.0.1:{fixed};{}",
        &text_of(&*second)["tcp://".len()..]
    );
    let other = dial(&shared, &options).map(|stream| stream.local_endpoint());
    // The kernel lets two sockets share a port only if both asked for it.
    assert_eq!(other.expect("shared source port"), local.as_bytes());
}

#[test]
fn connect_errors_come_with_the_attempt() {
    let options = defaults();
    for (text, errno) in [
        ("tcp://:5555", libc::EINVAL),
        ("tcp://a:65536", libc::EINVAL),
        ("tcp://[::1]:5555", libc::EINVAL),
        ("tcp://a*b:5555", libc::EINVAL),
        ("tcp://127.0.0.1%nosuchif:5555", libc::EINVAL),
        ("tcp://nosuchif:0;127.0.0.1:5555", libc::ENODEV),
    ] {
        let error = dialers(text, &options).expect_err(text);
        assert_eq!(error.raw_os_error(), Some(errno), "{text}");
    }
    let unknown = format!("tcp://{}:5555", "a".repeat(70));
    let error = dialers(&unknown, &options).expect_err("no such host");
    assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    let inproc = Endpoint::parse_connect(b"inproc://a").expect("inproc");
    assert!(inproc.address().resolve(&options).is_err());
}

#[test]
fn only_host_names_need_a_lookup() {
    let options = defaults();
    let start = |text: &str| {
        let endpoint = Endpoint::parse_connect(text.as_bytes()).expect(text);
        endpoint.address().resolve(&options).expect(text)
    };
    assert!(matches!(start("tcp://127.0.0.1:1"), Resolution::Ready(_)));
    assert!(matches!(start("ipc://a"), Resolution::Ready(_)));
    let Resolution::Lookup(job) = start("tcp://localhost:1") else {
        panic!("a host name is looked up");
    };
    assert_eq!(job.question.host, "localhost");
    let found = dialers("tcp://localhost:1", &options).expect("localhost");
    let texts: Vec<_> = found.iter().map(|t| t.text()).collect();
    assert!(texts.contains(&b"tcp://127.0.0.1:1".to_vec()), "{texts:?}");
}

#[test]
fn never_connects_to_itself() {
    let options = defaults();
    // Binding the source to the target's port makes certain what otherwise
    // happens by chance.
    let free = text_of(&*bind("tcp://127.0.0.1:*", &options));
    let port = port_of(&free);
    let text = format!("tcp://127.0.0.1:{port};127.0.0.1:{port}");
    let error = dial(&text, &options).expect_err("it met itself");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(try_bind(&free, &options).as_deref(), Ok(free.as_str()));
}

#[test]
fn binds_again_while_old_connections_linger() {
    let options = defaults();
    let listener = bind("tcp://127.0.0.1:*", &options);
    let text = text_of(&*listener);
    let (ours, theirs) = pair(&*listener, &options);
    // The side that closes first keeps the port in TIME_WAIT for a minute.
    drop((theirs, listener));
    let end = until("the end", || ours.read(&mut [0]).ok());
    assert_eq!(end, 0);
    drop(ours);
    assert_eq!(try_bind(&text, &options), Ok(text));
}

#[test]
fn options_reach_the_kernel() {
    let options = with(|options| {
        options.sndbuf = 65_536;
        options.rcvbuf = 65_536;
        options.tos = 0x28;
        options.tcp_keepalive = 1;
        options.tcp_keepalive_cnt = 3;
        options.tcp_keepalive_idle = 77;
        options.tcp_keepalive_intvl = 5;
        options.tcp_maxrt = 4321;
    });
    let listener = bind("tcp://127.0.0.1:*", &options);
    let (ours, theirs) = pair(&*listener, &options);
    for stream in [&ours, &theirs] {
        let fd = stream.as_fd();
        let socket = SockRef::from(&fd);
        assert!(socket.tcp_nodelay().expect("TCP_NODELAY"));
        assert!(socket.nonblocking().expect("O_NONBLOCK"));
        assert!(socket.keepalive().expect("SO_KEEPALIVE"));
        assert_eq!(socket.tcp_keepalive_time().expect("idle").as_secs(), 77);
        assert_eq!(socket.tos_v4().expect("IP_TOS"), 0x28);
        // Linux reports twice what was asked for.
        let size = socket.send_buffer_size().expect("SO_SNDBUF");
        assert!((65_536..=131_072).contains(&size), "{size}");
        let size = socket.recv_buffer_size().expect("SO_RCVBUF");
        assert!((65_536..=131_072).contains(&size), "{size}");
        assert_eq!(socket.tcp_keepalive_retries().expect("count"), 3);
        assert_eq!(socket.tcp_keepalive_interval().expect("wait").as_secs(), 5);
        let limit = socket.tcp_user_timeout().expect("TCP_USER_TIMEOUT");
        assert_eq!(limit.map(|t| t.as_millis()), Some(4321));
    }
    let plain = defaults();
    let (ours, _theirs) = pair(&*listener, &plain);
    let fd = ours.as_fd();
    assert!(!SockRef::from(&fd).keepalive().expect("SO_KEEPALIVE"));
}

#[test]
fn what_the_kernel_refuses_is_an_error() {
    let unknown_device = with(|options| options.bindtodevice = b"nosuchif".to_vec());
    assert!(try_bind("tcp://127.0.0.1:*", &unknown_device).is_err());
    let no_probes = with(|options| {
        options.tcp_keepalive = 1;
        options.tcp_keepalive_cnt = 0;
    });
    let listener = bind("tcp://127.0.0.1:*", &no_probes);
    assert!(dial(&text_of(&*listener), &no_probes).is_err());
    let _ours = dial(&text_of(&*listener), &defaults()).expect("dial");
    // Both connections reached the queue; both fail to be tuned.
    let result = until("a peer", || listener.accept(&no_probes).err());
    assert_eq!(result.raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn filters_refuse_peers() {
    let allow = |mask: &str| {
        let filter = (mask.as_bytes().to_vec(), false);
        with(|options| options.tcp_accept_filters = vec![filter])
    };
    let listener = bind("tcp://127.0.0.1:*", &defaults());
    let _first = dial(&text_of(&*listener), &defaults()).expect("dial");
    let refused = until("a peer", || listener.accept(&allow("10.0.0.0/8")).err());
    assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
    let _second = dial(&text_of(&*listener), &defaults()).expect("dial");
    accept(&*listener, &allow("127.0.0.0/8"));
}

#[test]
fn a_stream_is_readable_at_its_low_water_mark() {
    let readable = |stream: &ByteStream, within| {
        crate::sys::is_ready_within(stream.as_raw_fd(), libc::POLLIN, within)
    };
    let options = defaults();
    let listener = bind("tcp://127.0.0.1:*", &options);
    let (ours, theirs) = pair(&*listener, &options);
    assert!(ours.set_low_water(3).expect("set"));
    write_all(&theirs, b"ab");
    assert!(!readable(&ours, 20));
    write_all(&theirs, b"c");
    assert!(readable(&ours, 5000));
    assert_eq!(read_exactly(&ours, 3), b"abc");
    assert!(ours.set_low_water(1).expect("set"));
    write_all(&theirs, b"d");
    assert!(readable(&ours, 5000));
    assert_eq!(read_exactly(&ours, 1), b"d");
    assert!(ours.set_low_water(3).expect("set"));
    drop(theirs);
    assert!(readable(&ours, 5000), "the end is there, whatever the mark");

    let listener = bind("ipc://*", &options);
    let (ours, _theirs) = pair(&*listener, &options);
    assert!(!ours.set_low_water(3).expect("not offered"));
}

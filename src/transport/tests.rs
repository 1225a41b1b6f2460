//! What is particular to a transport: names, wildcards, files, options.

#![forbid(unsafe_code)]

use std::fs;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::SockRef;

use super::conformance::{accept, bind, dial, pair, read_exactly, targets, text_of, write_all};
use super::{ByteStream, Dial, Listener, Resolution, StreamOptions};
use crate::endpoint::{AddressMask, parse};
use crate::error::{Error, Result};
use crate::sys::{interfaces, resolver};

fn try_bind(text: &str, options: &StreamOptions) -> Result<String> {
    let endpoint = parse::bind(text.as_bytes())?;
    let bound = Listener::bind(&endpoint, options);
    bound
        .map(|listener| text_of(&listener))
        .map_err(|failure| failure.error)
}

fn six() -> StreamOptions {
    StreamOptions {
        ipv6: true,
        ..StreamOptions::default()
    }
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

/// A directory of one test, removed with what is in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let mut random = [0; 8];
        crate::sys::random::fill(&mut random).expect("randomness");
        let name = format!("fz{:x}", u64::from_ne_bytes(random));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("test directory");
        Folder(path)
    }

    fn at(&self, name: &str) -> (PathBuf, String) {
        let path = self.0.join(name);
        let text = format!("ipc://{}", path.display());
        (path, text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[test]
fn tcp_names_of_bound_sockets() {
    let options = StreamOptions::default();
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
fn tcp_binds_to_interfaces() {
    let loopback = "lo";
    let options = StreamOptions::default();
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
fn tcp_bind_errors() {
    let options = StreamOptions::default();
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
    assert_eq!(try_bind(&text_of(&taken), &options), Err(Error::AddrInUse));
    let inproc = try_bind("inproc://a", &options);
    assert_eq!(inproc, Err(Error::ProtoNotSupported));
}

#[test]
fn tcp_over_ipv6_serves_both_families() {
    if !resolver::has_ipv6() {
        eprintln!("not run: the system has no IPv6 sockets");
        // Falls back to IPv4.
        let bound = try_bind("tcp://*:*", &six()).expect("IPv4 instead");
        assert!(bound.starts_with("tcp://0.0.0.0:"), "{bound}");
        return;
    }
    let listener = bind("tcp://*:*", &six());
    assert!(text_of(&listener).starts_with("tcp://[::]:"));
    let port = port_of(&text_of(&listener));
    let four = StreamOptions::default();
    let _old = dial(&format!("tcp://127.0.0.1:{port}"), &four).expect("IPv4 peer");
    let theirs = accept(&listener, &six());
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
        let _mapped = accept(&listener, &six());
        assert_eq!(accept(&listener, &six()).peer_address_text(), "::1");
        let bound = try_bind("tcp://::1:*", &six()).expect("::1");
        assert!(bound.starts_with("tcp://[::1]:"), "{bound}");
    }
}

#[test]
fn tcp_connects_from_the_source_address() {
    let options = StreamOptions::default();
    let listener = bind("tcp://127.0.0.1:*", &options);
    let port = port_of(&text_of(&listener));
    // Any address of 127/8 is local on Linux alone.
    let source = "127.0.0.2";
    for text in [
        format!("tcp://{source}:0;127.0.0.1:{port}"),
        format!("tcp://{source}:*;127.0.0.1:{port}"),
    ] {
        let ours = dial(&text, &options).expect(&text);
        let theirs = accept(&listener, &options);
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
        &text_of(&second)["tcp://".len()..]
    );
    let other = dial(&shared, &options).map(|stream| stream.local_endpoint());
    // The kernel lets two sockets share a port only if both asked for it.
    assert_eq!(other.expect("shared source port"), local.as_bytes());
}

#[test]
fn tcp_connect_errors_come_with_the_attempt() {
    let options = StreamOptions::default();
    for (text, errno) in [
        ("tcp://:5555", libc::EINVAL),
        ("tcp://a:65536", libc::EINVAL),
        ("tcp://[::1]:5555", libc::EINVAL),
        ("tcp://a*b:5555", libc::EINVAL),
        ("tcp://127.0.0.1%nosuchif:5555", libc::EINVAL),
        ("tcp://nosuchif:0;127.0.0.1:5555", libc::ENODEV),
    ] {
        let error = targets(text, &options).expect_err(text);
        assert_eq!(error.raw_os_error(), Some(errno), "{text}");
    }
    let unknown = format!("tcp://{}:5555", "a".repeat(70));
    let error = targets(&unknown, &options).expect_err("no such host");
    assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    let inproc = parse::connect(b"inproc://a").expect("inproc");
    assert!(Resolution::start(&inproc, &options).is_err());
}

#[test]
fn only_host_names_need_a_lookup() {
    let options = StreamOptions::default();
    let start = |text: &str| {
        let endpoint = parse::connect(text.as_bytes()).expect(text);
        Resolution::start(&endpoint, &options).expect(text)
    };
    assert!(matches!(start("tcp://127.0.0.1:1"), Resolution::Ready(_)));
    assert!(matches!(start("ipc://a"), Resolution::Ready(_)));
    let Resolution::Lookup(job) = start("tcp://localhost:1") else {
        panic!("a host name is looked up");
    };
    assert_eq!(job.host(), "localhost");
    let found = targets("tcp://localhost:1", &options).expect("localhost");
    let texts: Vec<_> = found.iter().map(|t| t.text()).collect();
    assert!(texts.contains(&b"tcp://127.0.0.1:1".to_vec()), "{texts:?}");
}

#[test]
fn tcp_never_connects_to_itself() {
    let options = StreamOptions::default();
    // Binding the source to the target's port makes certain what otherwise
    // happens by chance.
    let free = text_of(&bind("tcp://127.0.0.1:*", &options));
    let port = port_of(&free);
    let text = format!("tcp://127.0.0.1:{port};127.0.0.1:{port}");
    let error = dial(&text, &options).expect_err("it met itself");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(try_bind(&free, &options).as_deref(), Ok(free.as_str()));
}

#[test]
fn tcp_binds_again_while_old_connections_linger() {
    let options = StreamOptions::default();
    let listener = bind("tcp://127.0.0.1:*", &options);
    let text = text_of(&listener);
    let (ours, theirs) = pair(&listener, &options);
    // The side that closes first keeps the port in TIME_WAIT for a minute.
    drop((theirs, listener));
    let end = super::conformance::until("the end", || ours.read(&mut [0]).ok());
    assert_eq!(end, 0);
    drop(ours);
    assert_eq!(try_bind(&text, &options), Ok(text));
}

#[test]
fn tcp_options_reach_the_kernel() {
    let options = StreamOptions {
        sndbuf: 65_536,
        rcvbuf: 65_536,
        tos: 0x28,
        keepalive: 1,
        keepalive_cnt: 3,
        keepalive_idle: 77,
        keepalive_intvl: 5,
        tcp_maxrt: 4321,
        priority: 3,
        ..StreamOptions::default()
    };
    let listener = bind("tcp://127.0.0.1:*", &options);
    let (ours, theirs) = pair(&listener, &options);
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
        assert_eq!(socket.priority().expect("SO_PRIORITY"), 3);
    }
    let plain = StreamOptions::default();
    let (ours, _theirs) = pair(&listener, &plain);
    let fd = ours.as_fd();
    assert!(!SockRef::from(&fd).keepalive().expect("SO_KEEPALIVE"));
}

#[test]
fn what_the_kernel_refuses_is_an_error() {
    let unknown_device = StreamOptions {
        bind_to_device: Some("nosuchif".to_owned()),
        ..StreamOptions::default()
    };
    assert!(try_bind("tcp://127.0.0.1:*", &unknown_device).is_err());
    let no_probes = StreamOptions {
        keepalive: 1,
        keepalive_cnt: 0,
        ..StreamOptions::default()
    };
    let listener = bind("tcp://127.0.0.1:*", &no_probes);
    assert!(dial(&text_of(&listener), &no_probes).is_err());
    let _ours = dial(&text_of(&listener), &StreamOptions::default()).expect("dial");
    // Both connections reached the queue; both fail to be tuned.
    let result = super::conformance::until("a peer", || listener.accept(&no_probes).err());
    assert_eq!(result.raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn tcp_filters_refuse_peers() {
    let allow = |mask: &str| StreamOptions {
        tcp_accept_filters: vec![AddressMask::parse(mask.as_bytes(), false).expect(mask)],
        ..StreamOptions::default()
    };
    let listener = bind("tcp://127.0.0.1:*", &StreamOptions::default());
    let _first = dial(&text_of(&listener), &StreamOptions::default()).expect("dial");
    let refused =
        super::conformance::until("a peer", || listener.accept(&allow("10.0.0.0/8")).err());
    assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
    let _second = dial(&text_of(&listener), &StreamOptions::default()).expect("dial");
    accept(&listener, &allow("127.0.0.0/8"));
}

#[test]
fn ipc_filters_refuse_peers() {
    let listener = bind("ipc://*", &StreamOptions::default());
    let accept_with = |change: &dyn Fn(&mut StreamOptions)| {
        let mut options = StreamOptions::default();
        change(&mut options);
        let _ours = dial(&text_of(&listener), &StreamOptions::default()).expect("dial");
        listener.accept(&options).map(|peer| peer.is_some())
    };
    let pid = std::process::id() as i32;
    assert!(accept_with(&|o| o.ipc_filter_pid = vec![1, pid]).expect("own pid"));
    let error = accept_with(&|o| o.ipc_filter_pid = vec![pid + 1]).expect_err("other pid");
    assert_eq!(error.raw_os_error(), Some(libc::EACCES));
    assert!(accept_with(&|o| o.ipc_filter_uid = vec![77_777]).is_err());
    assert!(accept_with(&|o| o.ipc_filter_gid = vec![77_777]).is_err());
    let either = accept_with(&|o| {
        o.ipc_filter_uid = vec![77_777];
        o.ipc_filter_pid = vec![pid];
    });
    assert!(either.expect("one of them is enough"));
}

#[test]
fn ipc_wildcards_make_and_remove_their_directory() {
    let options = StreamOptions::default();
    let listener = bind("ipc://*anything", &options);
    let text = text_of(&listener);
    assert!(text.ends_with("/socket"), "{text}");
    let path = PathBuf::from(&text["ipc://".len()..]);
    let directory = path.parent().expect("directory").to_owned();
    let name = directory.file_name().expect("name").to_string_lossy();
    assert!(name.starts_with("tmp") && name.len() == 9, "{name}");
    assert!(is_socket(&path));
    assert_ne!(text_of(&bind("ipc://*", &options)), text);
    listener.close().expect("close");
    assert!(!directory.exists());
    let dropped = bind("ipc://*", &options);
    let path = PathBuf::from(&text_of(&dropped)["ipc://".len()..]);
    drop(dropped);
    assert!(!path.parent().expect("directory").exists());
}

#[test]
fn ipc_close_tells_what_it_could_not_remove() {
    let options = StreamOptions::default();
    let listener = bind("ipc://*", &options);
    let path = PathBuf::from(&text_of(&listener)["ipc://".len()..]);
    let stranger = path.with_file_name("stranger");
    fs::write(&stranger, "data").expect("write");
    assert!(listener.close().is_err(), "the directory is not empty");
    assert!(stranger.exists());
    fs::remove_dir_all(path.parent().expect("directory")).expect("clean up");

    let listener = bind("ipc://*", &options);
    let path = PathBuf::from(&text_of(&listener)["ipc://".len()..]);
    fs::remove_file(&path).expect("remove");
    let error = listener.close().expect_err("the file is gone");
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(!path.parent().expect("directory").exists());
}

#[test]
fn ipc_files_are_removed_by_their_owner_only() {
    let options = StreamOptions::default();
    let folder = Folder::new();
    let (path, text) = folder.at("s");
    let first = bind(&text, &options);
    assert_eq!(text_of(&first), text);
    assert!(is_socket(&path));
    // A live endpoint is taken over, as with libzmq; the loser's close must not
    // take it away from the new owner.
    let second = bind(&text, &options);
    first.close().expect("close");
    assert!(is_socket(&path));
    let (ours, theirs) = pair(&second, &options);
    write_all(&ours, b"x");
    assert_eq!(read_exactly(&theirs, 1), b"x");
    drop(second);
    assert!(!path.exists());
    assert_eq!(try_bind(&text, &options), Ok(text));
}

#[test]
fn ipc_takes_over_what_a_crash_left() {
    let folder = Folder::new();
    let (path, text) = folder.at("s");
    drop(UnixListener::bind(&path).expect("left over"));
    assert!(is_socket(&path));
    let listener = bind(&text, &StreamOptions::default());
    pair(&listener, &StreamOptions::default());
}

#[test]
fn ipc_spares_everything_but_sockets() {
    let options = StreamOptions::default();
    let folder = Folder::new();
    let (file, file_text) = folder.at("file");
    fs::write(&file, "data").expect("write");
    let (directory, directory_text) = folder.at("directory");
    fs::create_dir(&directory).expect("mkdir");
    let (link, link_text) = folder.at("link");
    std::os::unix::fs::symlink(&file, &link).expect("symlink");
    for text in [&file_text, &directory_text, &link_text] {
        assert_eq!(try_bind(text, &options), Err(Error::AddrInUse), "{text}");
    }
    assert_eq!(fs::read(&file).expect("still there"), b"data");
    assert!(directory.is_dir() && link.is_symlink());
    let (_, missing) = folder.at("no/such");
    assert_eq!(try_bind(&missing, &options), Err(Error::NotFound));
}

#[test]
fn ipc_abstract_names_leave_no_file() {
    let options = StreamOptions::default();
    let text = format!("ipc://@fz-{}", std::process::id());
    let listener = bind(&text, &options);
    assert_eq!(text_of(&listener), text);
    assert!(!Path::new(&text["ipc://".len()..]).exists());
    assert_eq!(try_bind(&text, &options), Err(Error::AddrInUse));
    drop(listener);
    assert_eq!(try_bind(&text, &options), Ok(text));
}

#[test]
fn ipc_peers_tell_who_they_are() {
    let listener = bind("ipc://*", &StreamOptions::default());
    let (ours, theirs) = pair(&listener, &StreamOptions::default());
    let text = theirs.peer_address_text();
    let parts: Vec<_> = text.split(':').collect();
    assert_eq!((parts[0], parts.len()), ("localhost", 4), "{text}");
    assert_eq!(parts[3], std::process::id().to_string());
    assert_eq!(ours.peer_address_text(), text);
    assert_eq!(theirs.remote_endpoint(), b"ipc://");
}

#[test]
fn a_full_backlog_is_an_error_for_ipc() {
    let options = StreamOptions {
        backlog: 0,
        ..StreamOptions::default()
    };
    let listener = bind("ipc://*", &options);
    let target = &targets(&text_of(&listener), &options).expect("path")[0];
    let mut waiting = Vec::new();
    let error = (0..16).find_map(|_| {
        let dial = Dial::start(target, &options).expect("a socket");
        dial.finish().map(|stream| waiting.push(stream)).err()
    });
    assert_eq!(error.expect("full").kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_given_descriptor_is_used_and_its_file_left() {
    let folder = Folder::new();
    let (path, text) = folder.at("s");
    let given = OwnedFd::from(UnixListener::bind(&path).expect("bind"));
    let options = StreamOptions {
        use_fd: Some(given.into()),
        ..StreamOptions::default()
    };
    // The address is not looked at.
    let listener = bind("ipc://ignored", &options);
    assert_eq!(text_of(&listener), text);
    let (ours, theirs) = pair(&listener, &StreamOptions::default());
    write_all(&theirs, b"x");
    assert_eq!(read_exactly(&ours, 1), b"x");
    listener.close().expect("close");
    assert!(is_socket(&path), "the application's file");
    let given = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = given.local_addr().expect("address").port();
    let options = StreamOptions {
        use_fd: Some(OwnedFd::from(given).into()),
        ..StreamOptions::default()
    };
    let listener = bind("tcp://127.0.0.1:*", &options);
    assert_eq!(text_of(&listener), format!("tcp://127.0.0.1:{port}"));
    let result = try_bind("tcp://127.0.0.1:*", &options); // a second time
    assert_eq!(result, Err(Error::Os(libc::EBADF)));
}

#[test]
fn a_stream_is_readable_at_its_low_water_mark() {
    let readable = |stream: &ByteStream, within| {
        crate::sys::is_ready_within(stream.as_raw_fd(), libc::POLLIN, within)
    };
    let options = StreamOptions::default();
    let listener = bind("tcp://127.0.0.1:*", &options);
    let (ours, theirs) = pair(&listener, &options);
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
    let (ours, _theirs) = pair(&listener, &options);
    assert!(!ours.set_low_water(3).expect("not offered"));
}

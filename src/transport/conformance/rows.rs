//! The rows of the conformance suite: the texts of each scheme, and each way to make streams.

#![forbid(unsafe_code)]

use super::framed::Framed;
use crate::error::{Error, Error::Invalid, Error::NameTooLong, Error::NoCompatProto};
use crate::options::Options;
use crate::sync::OnceLock;
use crate::transport::ByteStream;
use crate::transport::{Carries, SCHEMES};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::net::TcpListener;
use std::thread;

/// A text, and how it is shown after a parse to bind and to connect, or the error.
type Shown = (
    &'static str,
    Result<&'static str, Error>,
    Result<&'static str, Error>,
);

/// What follows `://` for one scheme.
pub struct Texts {
    pub scheme: &'static str,
    pub good: &'static [Shown],
    /// Refused on both sides.
    pub refused: &'static [(&'static str, Error)],
}

/// The same on both sides.
const fn both(text: &'static str, shown: &'static str) -> Shown {
    (text, Ok(shown), Ok(shown))
}

pub static TEXTS: &[Texts] = &[
    Texts {
        scheme: "inproc",
        good: &[both("a", "a"), both("a://b", "a://b"), both("*", "*")],
        refused: &[],
    },
    Texts {
        scheme: "ipc",
        good: &[
            both("/a/b", "/a/b"),
            both("@a", "@a"),
            ("*", Ok("*"), Ok("*")),
            ("*ab", Ok("*"), Ok("*ab")),
        ],
        refused: &[
            ("@", Invalid),
            ("a\0b", Invalid),
            (
                "123456789012345678901234567890123456789012345678901234567890\
                 123456789012345678901234567890123456789012345678",
                NameTooLong,
            ),
        ],
    },
    Texts {
        scheme: "tcp",
        good: &[
            both("127.0.0.1:5", "127.0.0.1:5"),
            both("[::1]:5", "[::1]:5"),
            both("lo:0;127.0.0.1:5", "lo:0;127.0.0.1:5"),
            ("*:*", Ok("*:*"), Err(Invalid)),
            (
                "lo:*;127.0.0.1:5x",
                Ok("lo:*;127.0.0.1:5x"),
                Ok("lo:*;127.0.0.1:5x"),
            ),
            ("a:65536", Err(Invalid), Ok("a:65536")),
        ],
        refused: &[
            ("127.0.0.1", Invalid),
            ("127.0.0.1:", Invalid),
            (":x", Invalid),
        ],
    },
    Texts {
        scheme: "tipc",
        good: &[
            both("{5560,0,0}", "{5560, 0, 0}"),
            both("{5560, 7}", "{5560, 7, 16777216}"),
            ("<1.2.3:4>", Err(Invalid), Ok("<1.2.3:4>")),
            ("<*>", Ok("<*>"), Err(Invalid)),
        ],
        refused: &[("{", Invalid), ("{63,0,0}", Invalid), ("<1.2:3>", Invalid)],
    },
    Texts {
        scheme: "udp",
        good: &[],
        refused: &[("127.0.0.1:5555", NoCompatProto)],
    },
    Texts {
        scheme: "vsock",
        good: &[
            both("3:5560", "3:5560"),
            both("-1:*", "*:*"),
            both("@:1", "2:1"),
        ],
        refused: &[("1", Invalid), ("x:1", Invalid), ("1:4294967296", Invalid)],
    },
    #[cfg(feature = "ws")]
    Texts {
        scheme: "ws",
        good: &[
            both("127.0.0.1:5", "127.0.0.1:5"),
            both("127.0.0.1:5/a/b?c", "127.0.0.1:5/a/b?c"),
            ("*:*/a", Ok("*:*/a"), Err(Invalid)),
        ],
        refused: &[("127.0.0.1", Invalid), ("127.0.0.1:5/a b", Invalid)],
    },
    #[cfg(feature = "wss")]
    Texts {
        scheme: "wss",
        good: &[both("127.0.0.1:5/a", "127.0.0.1:5/a")],
        refused: &[("127.0.0.1", Invalid), ("127.0.0.1:5/\n", Invalid)],
    },
    #[cfg(feature = "wss")]
    Texts {
        scheme: "tls+tcp",
        good: &[both("127.0.0.1:5", "127.0.0.1:5")],
        refused: &[("127.0.0.1", Invalid)],
    },
    Texts {
        scheme: "layer",
        good: &[both("127.0.0.1:5", "127.0.0.1:5")],
        refused: &[("127.0.0.1", Invalid)],
    },
];

/// A way to make streams: a scheme, and a kind of address.
pub struct Row {
    pub name: &'static str,
    /// An endpoint to bind, of one test's own.
    pub endpoint: fn() -> String,
    /// What the socket options have to be.
    pub change: fn(&mut Options),
    /// What to connect to for what is bound.
    pub peer: fn(&str) -> String,
    /// Whether this system has it, by a call of the system's own.
    pub system: fn() -> io::Result<()>,
    /// Whether this system connects to itself.
    pub loopback: fn() -> io::Result<()>,
    /// An endpoint that stands for any that is free.
    pub wildcard: Option<&'static str>,
    /// A bind takes an endpoint in use over.
    pub takes_over: bool,
    /// Makes the accept gate refuse the tests' own peers.
    pub exclude: Option<fn(&mut Options)>,
    /// Makes streams of any bytes where the scheme carries ZMTP alone.
    pub dress: fn(ByteStream) -> ByteStream,
    /// The ends of a stream are shown by the endpoint of the listener.
    pub ends_are_named: bool,
}

impl Row {
    pub fn scheme(&self) -> String {
        let endpoint = (self.endpoint)();
        let scheme = endpoint.split("://").next();
        scheme.unwrap_or_default().to_owned()
    }
}

/// A row of which the system always has what it needs.
const fn row(name: &'static str, endpoint: fn() -> String) -> Row {
    Row {
        name,
        endpoint,
        change: |_| {},
        peer: |text| text.to_owned(),
        system: || Ok(()),
        loopback: || Ok(()),
        wildcard: None,
        takes_over: false,
        exclude: None,
        dress: |stream| stream,
        ends_are_named: true,
    }
}

const TCP4: &str = "tcp://127.0.0.1:*";
const TCP6: &str = "tcp://[::1]:*";

pub static ROWS: &[Row] = &[
    Row {
        wildcard: Some(TCP4),
        exclude: Some(|options| options.tcp_accept_filters = vec![(b"10.0.0.0/8".to_vec(), false)]),
        ..row("tcp_ipv4", || TCP4.to_owned())
    },
    Row {
        change: |options| options.ipv6 = true,
        system: || TcpListener::bind("[::1]:0").map(|_| ()),
        wildcard: Some(TCP6),
        exclude: Some(|options| options.tcp_accept_filters = vec![(b"::2".to_vec(), true)]),
        ..row("tcp_ipv6", || TCP6.to_owned())
    },
    Row {
        takes_over: true,
        exclude: Some(|options| options.ipc_filter_uid = vec![77_777]),
        ..row("ipc_path", || {
            format!("ipc://{}/{}", std::env::temp_dir().display(), unique())
        })
    },
    Row {
        wildcard: Some("ipc://*"),
        takes_over: true,
        exclude: Some(|options| options.ipc_filter_pid = vec![1]),
        ..row("ipc_wildcard", || "ipc://*".to_owned())
    },
    Row {
        exclude: Some(|options| options.ipc_filter_gid = vec![77_777]),
        ..row("ipc_abstract", || format!("ipc://@{}", unique()))
    },
    Row {
        peer: |text| text.replace(", 0, 0}", ",0}"),
        system: || family(crate::sys::tipc::FAMILY.into()).map(|_| ()),
        wildcard: Some("tipc://<*>"),
        takes_over: true, // several sockets may have one name
        ends_are_named: false,
        ..row("tipc", || {
            format!("tipc://{{{},0,0}}", 1000 + random() % 1_000_000)
        })
    },
    Row {
        peer: |text| text.replace("//*", "//1"),
        system: || family(Domain::VSOCK).map(|_| ()),
        loopback: vsock_loopback,
        wildcard: Some("vsock://*:*"),
        ends_are_named: false,
        ..row("vsock", || "vsock://*:*".to_owned())
    },
    #[cfg(feature = "ws")]
    Row {
        wildcard: Some("ws://127.0.0.1:*/path"),
        exclude: Some(|options| options.tcp_accept_filters = vec![(b"10.0.0.0/8".to_vec(), false)]),
        dress: Framed::dress,
        ..row("ws", || "ws://127.0.0.1:*/path".to_owned())
    },
    #[cfg(feature = "wss")]
    Row {
        change: tls,
        dress: Framed::dress,
        ..row("wss", || "wss://127.0.0.1:*/path".to_owned())
    },
    #[cfg(feature = "wss")]
    Row {
        change: tls,
        ..row("tls", || "tls+tcp://127.0.0.1:*".to_owned())
    },
    row("layer", || "layer://127.0.0.1:*".to_owned()),
];

#[cfg(feature = "wss")]
suite!(tcp_ipv4 tcp_ipv6 ipc_path ipc_wildcard ipc_abstract tipc vsock ws wss tls layer);
#[cfg(not(feature = "ws"))]
suite!(tcp_ipv4 tcp_ipv6 ipc_path ipc_wildcard ipc_abstract tipc vsock layer);

/// Certificates for both ends.
#[cfg(feature = "wss")]
fn tls(options: &mut Options) {
    static IDENTITY: OnceLock<(String, String)> = OnceLock::new();
    let (certificate, key) = IDENTITY.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
        let made = made.expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    });
    options.wss_cert_pem = certificate.clone().into_bytes();
    options.wss_key_pem = key.clone().into_bytes().into();
    options.wss_trust_pem = options.wss_cert_pem.clone();
    options.wss_hostname = b"localhost".to_vec();
}

fn family(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::STREAM, None)
}

/// Asks once: the kernel may take two seconds for its answer.
fn vsock_loopback() -> io::Result<()> {
    static ANSWER: OnceLock<i32> = OnceLock::new();
    let ask = || {
        let (listener, socket) = (family(Domain::VSOCK)?, family(Domain::VSOCK)?);
        listener.bind(&SockAddr::vsock(u32::MAX, u32::MAX))?;
        listener.listen(1)?;
        let port = listener.local_addr()?.as_vsock_address();
        let (_, port) = port.ok_or(io::ErrorKind::AddrNotAvailable)?;
        socket.connect(&SockAddr::vsock(1, port))
    };
    let errno = |error: io::Error| error.raw_os_error().unwrap_or(libc::EIO);
    match *ANSWER.get_or_init(|| ask().map_or_else(errno, |()| 0)) {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    crate::sys::random::fill(&mut bytes).expect("randomness");
    u32::from_ne_bytes(bytes)
}

/// A name of this test's own.
fn unique() -> String {
    let thread = thread::current();
    let test = thread.name().unwrap_or("main").replace("::", "-");
    format!("fz-{}-{test}-{:x}", std::process::id(), random())
}

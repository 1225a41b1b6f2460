//! The options that every socket type has.

#![forbid(unsafe_code)]

use std::fmt;
use std::ops::RangeInclusive;

use super::row::row;
use super::table::{Get, Row, Set, When};
use super::{ContextOptions, Secret, lists};
use crate::abi::options::draft::*;
use crate::abi::options::*;
use crate::abi::socket_type::SocketType;
use crate::error::{Error, Result};
use crate::sys::adopt::GivenFd;
use crate::sys::room::Room;

/// Longest routing id, in bytes: its length is encoded in one byte.
const MAX_ROUTING_ID: usize = 255;
/// Longest user name, password and ZAP domain, in bytes.
const MAX_CREDENTIAL: usize = 255;
/// Longest interface name, in bytes (`IFNAMSIZ`).
const MAX_DEVICE: usize = 16;
/// `ZMQ_HEARTBEAT_TTL` is stored and sent in units of this many milliseconds.
const TTL_UNIT: i32 = 100;
/// The values whose quotient fits 16 bits; small negative ones round to 0, as in libzmq.
const TTL_RANGE: RangeInclusive<i32> = 1 - TTL_UNIT..=u16::MAX as i32 * TTL_UNIT + TTL_UNIT - 1;

/// What `ZMQ_IN_BATCH_SIZE` and `ZMQ_OUT_BATCH_SIZE` report until they are set.
const DEFAULT_BATCH: i32 = 8192;

/// Values of `ZMQ_MECHANISM`.
pub mod mechanism {
    use crate::abi::numbers::{ZMQ_CURVE, ZMQ_NULL, ZMQ_PLAIN};

    /// No security.
    pub const NULL: i32 = ZMQ_NULL;
    /// User name and password.
    pub const PLAIN: i32 = ZMQ_PLAIN;
    /// Curve25519.
    pub const CURVE: i32 = ZMQ_CURVE;
}

const ANY: i32 = i32::MAX;

/// Declares [`Options`], the defaults and the table from one list.
///
/// An entry reads `field: type = default => NUMBER [rule] when, ...;` where the rule names an arm
/// of `row!` and `when` is one of [`When`], [`When::NextEndpoint`] if it is left out. A field with
/// several numbers has several rules, a field without any has none.
macro_rules! options {
    ($( $(#[$doc:meta])* $field:ident: $type:ty = $default:expr
        $(=> $( $number:ident [ $($rule:tt)* ] $($when:ident)? ),+ )?; )*) => {
        /// The option values of one socket.
        ///
        /// Fields have the option's name and the unit of the C API unless documented
        /// otherwise. They are public for reading; [`Options::set`] checks the ranges.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Options {
            $( $(#[$doc])* pub $field: $type, )*
        }

        const DEFAULTS: Options = Options { $( $field: $default, )* };

        const TABLE: &[Row<Options>] = &[
            $( $( $( Row {
                $( when: When::$when, )?
                ..row!($number, $field, $($rule)*)
            }, )+ )? )*
        ];
    };
}

options! {
    /// Type of the socket.
    kind: SocketType = SocketType::Pair => ZMQ_TYPE [socket_type];
    /// `ZMQ_AFFINITY`: mask of the I/O threads to choose from; 0 means all.
    affinity: u64 = 0 => ZMQ_AFFINITY [u64];
    /// `ZMQ_ROUTING_ID`: at most 255 bytes; empty when not set.
    routing_id: Vec<u8> = Vec::new() => ZMQ_ROUTING_ID [bytes MAX_ROUTING_ID];
    /// `ZMQ_RATE`: multicast rate, in kilobits per second.
    rate: i32 = 100 => ZMQ_RATE [int 1..=ANY];
    /// `ZMQ_RECOVERY_IVL`: multicast recovery window, in milliseconds.
    recovery_ivl: i32 = 10_000 => ZMQ_RECOVERY_IVL [int 0..=ANY];
    /// `ZMQ_SNDBUF`: kernel send buffer, in bytes; -1 leaves the system default.
    sndbuf: i32 = -1 => ZMQ_SNDBUF [int -1..=ANY];
    /// `ZMQ_RCVBUF`: kernel receive buffer, in bytes; -1 leaves the system default.
    rcvbuf: i32 = -1 => ZMQ_RCVBUF [int -1..=ANY];
    /// `ZMQ_LINGER`: milliseconds unsent messages outlive the socket; -1 without limit.
    linger: i32 = -1 => ZMQ_LINGER [int -1..=ANY] Now;
    /// `ZMQ_RECONNECT_IVL`: milliseconds; 0 and -1 disable reconnection.
    reconnect_ivl: i32 = 100 => ZMQ_RECONNECT_IVL [int -1..=ANY];
    /// `ZMQ_BACKLOG`: length of the queue of connections not yet accepted.
    backlog: i32 = 100 => ZMQ_BACKLOG [int 0..=ANY];
    /// `ZMQ_RECONNECT_IVL_MAX`: milliseconds; 0 means no exponential back-off.
    reconnect_ivl_max: i32 = 0 => ZMQ_RECONNECT_IVL_MAX [int 0..=ANY];
    /// `ZMQ_MAXMSGSIZE`: most bytes of a message part; a negative number means no limit.
    maxmsgsize: i64 = -1 => ZMQ_MAXMSGSIZE [i64];
    /// `ZMQ_SNDHWM`: HWM of each outgoing pipe, in messages; 0 means no limit.
    sndhwm: i32 = 1_000 => ZMQ_SNDHWM [int 0..=ANY] Now;
    /// `ZMQ_RCVHWM`: HWM of each incoming pipe, in messages; 0 means no limit.
    rcvhwm: i32 = 1_000 => ZMQ_RCVHWM [int 0..=ANY] Now;
    /// `ZMQ_MULTICAST_HOPS`: network hops of a multicast packet.
    multicast_hops: i32 = 1 => ZMQ_MULTICAST_HOPS [int 1..=ANY];
    /// `ZMQ_RCVTIMEO`: milliseconds; -1 means no timeout.
    rcvtimeo: i32 = -1 => ZMQ_RCVTIMEO [int -1..=ANY] NextWait;
    /// `ZMQ_SNDTIMEO`: milliseconds; -1 means no timeout.
    sndtimeo: i32 = -1 => ZMQ_SNDTIMEO [int -1..=ANY] NextWait;
    /// `ZMQ_IPV6`: IPv6 in addition to IPv4. `ZMQ_IPV4ONLY` is its negation.
    ipv6: bool = false => ZMQ_IPV6 [flag], ZMQ_IPV4ONLY [opposite_flag];
    /// `ZMQ_TCP_KEEPALIVE`: 1 on, 0 off, -1 system default.
    tcp_keepalive: i32 = -1 => ZMQ_TCP_KEEPALIVE [int -1..=1];
    /// `ZMQ_TCP_KEEPALIVE_CNT`: probes; -1 system default.
    tcp_keepalive_cnt: i32 = -1 => ZMQ_TCP_KEEPALIVE_CNT [int -1..=ANY];
    /// `ZMQ_TCP_KEEPALIVE_IDLE`: seconds; -1 system default.
    tcp_keepalive_idle: i32 = -1 => ZMQ_TCP_KEEPALIVE_IDLE [int -1..=ANY];
    /// `ZMQ_TCP_KEEPALIVE_INTVL`: seconds; -1 system default.
    tcp_keepalive_intvl: i32 = -1 => ZMQ_TCP_KEEPALIVE_INTVL [int -1..=ANY];
    /// `ZMQ_IMMEDIATE`: queue messages for complete connections only.
    immediate: bool = false => ZMQ_IMMEDIATE [flag];
    /// `ZMQ_MECHANISM`: `ZMQ_NULL` (0) unless a security option has selected another.
    mechanism: i32 = 0 => ZMQ_MECHANISM [read_only];
    /// Whether this side is the mechanism's server. `ZMQ_CURVE_PUBLICKEY` and
    /// `ZMQ_CURVE_SECRETKEY` do not change it, even if they change the mechanism.
    as_server: bool = false =>
        ZMQ_PLAIN_SERVER [server_of PLAIN], ZMQ_CURVE_SERVER [server_of CURVE];
    /// `ZMQ_PLAIN_USERNAME`: at most 255 bytes; selects PLAIN, as a client.
    plain_username: Vec<u8> = Vec::new() => ZMQ_PLAIN_USERNAME [plain_text |o| &o.plain_username];
    /// `ZMQ_PLAIN_PASSWORD`: at most 255 bytes; selects PLAIN, as a client.
    plain_password: Secret<Vec<u8>> = Secret::new(Vec::new()) =>
        ZMQ_PLAIN_PASSWORD [plain_text |o| o.plain_password.expose()];
    /// `ZMQ_CURVE_PUBLICKEY`: our long-term public key; selects CURVE.
    curve_publickey: [u8; 32] = [0; 32] => ZMQ_CURVE_PUBLICKEY [curve_key
        |o, v| {
            o.curve_publickey = v;
            o.mechanism = mechanism::CURVE;
        },
        |o| &o.curve_publickey];
    /// `ZMQ_CURVE_SECRETKEY`: our long-term secret key; selects CURVE.
    curve_secretkey: Secret<[u8; 32]> = Secret::new([0; 32]) => ZMQ_CURVE_SECRETKEY [curve_key
        |o, v| {
            o.curve_secretkey = Secret::new(v);
            o.mechanism = mechanism::CURVE;
        },
        |o| o.curve_secretkey.expose()];
    /// `ZMQ_CURVE_SERVERKEY`: the server's public key; selects CURVE, as a client.
    curve_serverkey: [u8; 32] = [0; 32] => ZMQ_CURVE_SERVERKEY [curve_key
        |o, v| {
            o.curve_serverkey = v;
            o.mechanism = mechanism::CURVE;
            o.as_server = false;
        },
        |o| &o.curve_serverkey];
    /// `ZMQ_ZAP_DOMAIN`: 1 to 255 bytes; empty when not set.
    zap_domain: Vec<u8> = Vec::new() => ZMQ_ZAP_DOMAIN [bounded_text MAX_CREDENTIAL];
    /// `ZMQ_ZAP_ENFORCE_DOMAIN`: without a ZAP handler, peers that require ZAP are refused.
    zap_enforce_domain: bool = false => ZMQ_ZAP_ENFORCE_DOMAIN [any_flag];
    /// `ZMQ_CONFLATE` as set; see [`Options::effective_conflate`].
    conflate: bool = false => ZMQ_CONFLATE [flag];
    /// `ZMQ_TOS`: type-of-service byte; 0 leaves the system default.
    tos: i32 = 0 => ZMQ_TOS [int 0..=ANY];
    /// `ZMQ_HANDSHAKE_IVL`: milliseconds; 0 sets no limit.
    handshake_ivl: i32 = 30_000 => ZMQ_HANDSHAKE_IVL [int 0..=ANY];
    /// `ZMQ_INVERT_MATCHING`: messages that match no subscription are delivered.
    invert_matching: bool = false => ZMQ_INVERT_MATCHING [any_flag] Now;
    /// `ZMQ_HEARTBEAT_IVL`: milliseconds; 0 sends no PING.
    heartbeat_ivl: i32 = 0 => ZMQ_HEARTBEAT_IVL [int 0..=ANY];
    /// `ZMQ_HEARTBEAT_TTL` in tenths of a second, as a PING carries it.
    heartbeat_ttl: u16 = 0 => ZMQ_HEARTBEAT_TTL [ttl];
    /// `ZMQ_HEARTBEAT_TIMEOUT` as set; see [`Options::effective_heartbeat_timeout`].
    heartbeat_timeout: i32 = -1 => ZMQ_HEARTBEAT_TIMEOUT [int 0..=ANY];
    /// `ZMQ_CONNECT_TIMEOUT`: milliseconds; 0 leaves it to the system.
    connect_timeout: i32 = 0 => ZMQ_CONNECT_TIMEOUT [int 0..=ANY];
    /// `ZMQ_TCP_MAXRT`: milliseconds; 0 leaves it to the system.
    tcp_maxrt: i32 = 0 => ZMQ_TCP_MAXRT [int 0..=ANY];
    /// `ZMQ_MULTICAST_MAXTPDU`: bytes of a multicast packet.
    multicast_maxtpdu: i32 = 1_500 => ZMQ_MULTICAST_MAXTPDU [int 1..=ANY];
    /// `ZMQ_USE_FD`: number of the descriptor that the next bind adopts; -1 for none.
    use_fd: i32 = -1 => ZMQ_USE_FD [given_fd -1..=ANY];
    /// The offer of that descriptor's ownership, without which the number has no effect.
    given_fd: Option<GivenFd> = None;
    /// `ZMQ_BINDTODEVICE`: interface name, at most 16 bytes, as the caller gave it.
    bindtodevice: Vec<u8> = Vec::new() => ZMQ_BINDTODEVICE [text_or_null MAX_DEVICE];
    /// `ZMQ_TCP_ACCEPT_FILTER`: address masks, each with `ZMQ_IPV6` as it was when it was set.
    tcp_accept_filters: Vec<(Vec<u8>, bool)> = Vec::new() => ZMQ_TCP_ACCEPT_FILTER
        [list |o, data| lists::tcp_filter(&mut o.tcp_accept_filters, o.ipv6, data)];
    /// `ZMQ_IPC_FILTER_PID`: process ids that may connect.
    ipc_filter_pid: Vec<i32> = Vec::new() => ZMQ_IPC_FILTER_PID
        [list |o, data| lists::add(&mut o.ipc_filter_pid, data, i32::from_ne_bytes)];
    /// `ZMQ_IPC_FILTER_UID`: user ids that may connect.
    ipc_filter_uid: Vec<u32> = Vec::new() => ZMQ_IPC_FILTER_UID
        [list |o, data| lists::add(&mut o.ipc_filter_uid, data, u32::from_ne_bytes)];
    /// `ZMQ_IPC_FILTER_GID`: group ids that may connect.
    ipc_filter_gid: Vec<u32> = Vec::new() => ZMQ_IPC_FILTER_GID
        [list |o, data| lists::add(&mut o.ipc_filter_gid, data, u32::from_ne_bytes)];
    /// `ZMQ_METADATA`: properties for the handshake, sorted by name.
    metadata: Vec<(Vec<u8>, Vec<u8>)> = Vec::new() => ZMQ_METADATA
        [list |o, data| lists::add_property(&mut o.metadata, data)];
    /// `ZMQ_SOCKS_PROXY`: `host:port` of a SOCKS5 proxy; empty for none.
    socks_proxy: Vec<u8> = Vec::new() => ZMQ_SOCKS_PROXY [text_or_null usize::MAX];
    /// `ZMQ_SOCKS_USERNAME`: at most 255 bytes; empty for none.
    socks_username: Vec<u8> = Vec::new() => ZMQ_SOCKS_USERNAME
        [text |o, data| lists::credential(data).map(|text| o.socks_username = text)];
    /// `ZMQ_SOCKS_PASSWORD`: at most 255 bytes; used with a user name only.
    socks_password: Secret<Vec<u8>> = Secret::new(Vec::new()) =>
        ZMQ_SOCKS_PASSWORD [secret_text |o, data| lists::credential(data).map(|text| o.socks_password = Secret::new(text))];
    /// `ZMQ_LOOPBACK_FASTPATH`: has an effect on Windows only, in libzmq too.
    loopback_fastpath: bool = false => ZMQ_LOOPBACK_FASTPATH [any_flag];
    /// `ZMQ_MULTICAST_LOOP`: multicast reaches the sending host as well.
    multicast_loop: bool = true => ZMQ_MULTICAST_LOOP [any_flag];
    /// `ZMQ_RECONNECT_STOP`: flags of the events that stop reconnection.
    reconnect_stop: i32 = 0 => ZMQ_RECONNECT_STOP [int i32::MIN..=ANY];
    /// `ZMQ_PRIORITY`: `SO_PRIORITY`; 0 leaves the system default.
    priority: i32 = 0 => ZMQ_PRIORITY [int 0..=ANY];
    /// `ZMQ_BUSY_POLL`: `SO_BUSY_POLL`, in microseconds; acts if positive.
    busy_poll: i32 = 0 => ZMQ_BUSY_POLL [set_only];
    /// `ZMQ_IN_BATCH_SIZE`: bytes read at a time; 0 until it is set, for our own choice.
    in_batch_size: i32 = 0 => ZMQ_IN_BATCH_SIZE [batch DEFAULT_BATCH];
    /// `ZMQ_OUT_BATCH_SIZE`: bytes of whole messages written at a time, at least one message;
    /// 0 until it is set, for our own choice.
    out_batch_size: i32 = 0 => ZMQ_OUT_BATCH_SIZE [batch DEFAULT_BATCH];
    /// `ZMQ_ROUTER_NOTIFY`: `ZMQ_NOTIFY_CONNECT` and `ZMQ_NOTIFY_DISCONNECT`, of ROUTER and REP.
    router_notify: i32 = 0 => ZMQ_ROUTER_NOTIFY
        [own_int |o, data| lists::router_notify(o.kind, data).map(|flags| o.router_notify = flags)];
    /// `ZMQ_HELLO_MSG`: the first message to each peer; empty for none.
    hello_msg: Vec<u8> = Vec::new() => ZMQ_HELLO_MSG [message];
    /// `ZMQ_DISCONNECT_MSG`: the last message from each accepted peer; empty for none.
    disconnect_msg: Vec<u8> = Vec::new() => ZMQ_DISCONNECT_MSG [message];
    /// `ZMQ_HICCUP_MSG`: what is received when the connection to a peer is lost; empty for none.
    hiccup_msg: Vec<u8> = Vec::new() => ZMQ_HICCUP_MSG [message];
    /// `ZMQ_WSS_KEY_PEM`: this side's private key, as PEM text.
    wss_key_pem: Secret<Vec<u8>> = Secret::new(Vec::new()) => ZMQ_WSS_KEY_PEM
        [list |o, data| lists::tls(data).map(|text| o.wss_key_pem = text.into())];
    /// `ZMQ_WSS_CERT_PEM`: this side's certificates, as PEM text, its own first.
    wss_cert_pem: Vec<u8> = Vec::new() => ZMQ_WSS_CERT_PEM
        [list |o, data| lists::tls(data).map(|text| o.wss_cert_pem = text)];
    /// `ZMQ_WSS_TRUST_PEM`: authorities for the peer's certificates, as PEM text.
    wss_trust_pem: Vec<u8> = Vec::new() => ZMQ_WSS_TRUST_PEM
        [list |o, data| lists::tls(data).map(|text| o.wss_trust_pem = text)];
    /// `ZMQ_WSS_HOSTNAME`: name that a server's certificate must have; any if empty.
    wss_hostname: Vec<u8> = Vec::new() => ZMQ_WSS_HOSTNAME
        [list |o, data| lists::tls(data).map(|text| o.wss_hostname = text)];
    /// `ZMQ_WSS_TRUST_SYSTEM`: the system's authorities are trusted as well.
    wss_trust_system: bool = false => ZMQ_WSS_TRUST_SYSTEM
        [list |o, data| lists::tls_flag(data).map(|flag| o.wss_trust_system = flag)];
    /// `ZMQ_ZERO_COPY_RECV` of the context when the socket was created.
    zero_copy_recv: bool = true;
}

/// Position in [`TABLE`] by option number; `NO_ROW` where there is none.
const INDEX: [u8; 128] = index();
const NO_ROW: u8 = u8::MAX;

/// Evaluated at compile time: a number out of bounds or used twice is a build error.
const fn index() -> [u8; 128] {
    let mut positions = [NO_ROW; 128];
    let mut row = 0;
    while row < TABLE.len() {
        let number = TABLE[row].number as usize;
        assert!(positions[number] == NO_ROW && row < NO_ROW as usize);
        positions[number] = row as u8;
        row += 1;
    }
    positions
}

fn row(option: i32) -> Option<&'static Row<Options>> {
    let position = INDEX.get(usize::try_from(option).ok()?)?;
    TABLE.get(usize::from(*position))
}

/// An option in the log: its name if it has a row, else its number.
pub struct Named(pub i32);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Options::name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "option {}", self.0),
        }
    }
}

impl Options {
    /// The options of a new socket of the given type in the given context.
    pub fn new(kind: SocketType, context: &ContextOptions) -> Self {
        let lingers = context.blocky && !kind.spec().subscribes;
        Self {
            kind,
            linger: if lingers { -1 } else { 0 },
            ipv6: context.ipv6,
            zero_copy_recv: context.zero_copy_recv,
            ..DEFAULTS
        }
    }

    /// Sets an option from the bytes of its C value; `None` is NULL with length 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the option is not in this table or read only, or when its value
    /// is out of range or of the wrong length. No option is changed then.
    pub fn set(&mut self, option: i32, value: Option<&[u8]>) -> Result<()> {
        row(option).ok_or(Error::Invalid)?.set(self, value)
    }

    /// Writes the C value of an option into `out`, the caller's whole buffer, and returns
    /// the length to report.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the option is not in this table or write only, or the buffer
    /// has the wrong length. The buffer is unchanged then.
    pub fn get<'a>(&self, option: i32, out: impl Into<Room<'a>>) -> Result<usize> {
        row(option)
            .ok_or(Error::Invalid)?
            .get(self, &mut out.into())
    }

    /// The public name of a generic option number, for diagnostics; `None` if it has no row.
    pub fn name(option: i32) -> Option<&'static str> {
        row(option).map(|row| row.name)
    }

    /// When a generic option acts; `None` if it has no row.
    pub fn when(option: i32) -> Option<When> {
        row(option).map(|row| row.when)
    }

    /// Whether pipes of this socket keep only the newest message.
    ///
    /// `ZMQ_CONFLATE` is accepted on every socket but has an effect on these types only.
    pub fn effective_conflate(&self) -> bool {
        self.conflate && self.kind.spec().conflates
    }

    /// `ZMQ_HELLO_MSG`, empty for a type that sends none.
    pub fn effective_hello(&self) -> &[u8] {
        if self.kind.says_hello() {
            &self.hello_msg
        } else {
            &[]
        }
    }

    /// `ZMQ_DISCONNECT_MSG`, empty for a type that receives none.
    pub fn effective_farewell(&self) -> &[u8] {
        if self.kind.reports_departures() {
            &self.disconnect_msg
        } else {
            &[]
        }
    }

    /// `ZMQ_HICCUP_MSG`, empty for a type that receives none.
    pub fn effective_hiccup(&self) -> &[u8] {
        if self.kind.reports_hiccups() {
            &self.hiccup_msg
        } else {
            &[]
        }
    }

    /// Milliseconds without input after a PING that end a connection: `ZMQ_HEARTBEAT_TIMEOUT`,
    /// or `ZMQ_HEARTBEAT_IVL` if that was never set.
    pub fn effective_heartbeat_timeout(&self) -> i32 {
        match self.heartbeat_timeout {
            -1 => self.heartbeat_ivl,
            set => set,
        }
    }
}

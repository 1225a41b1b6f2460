//! The options of a context.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use super::value;
use crate::abi::options::draft::ZMQ_ZERO_COPY_RECV;
use crate::abi::options::*;
use crate::error::{Error, Result};
use crate::sync::OnceLock;
use crate::sys;
use crate::sys::room::Room;

/// The value of `ZMQ_SOCKET_LIMIT`: the reactor imposes no lower limit.
const SOCKET_LIMIT: i32 = 65_535;
/// Size of `zmq_msg_t`, in bytes, fixed by the C ABI.
const MSG_T_SIZE: i32 = 64;
/// Longest thread name prefix, in bytes.
const MAX_NAME_PREFIX: usize = 16;

/// The option values of one context.
///
/// Thread options and the limit of sockets take effect when the first socket is created;
/// `ipv6`, `blocky` and `zero_copy_recv` apply to sockets created after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextOptions {
    /// `ZMQ_IO_THREADS`: 0 allows inproc only.
    pub io_threads: i32,
    /// `ZMQ_MAX_SOCKETS`: most sockets open at once.
    pub max_sockets: i32,
    /// `ZMQ_THREAD_PRIORITY`, if set.
    pub thread_priority: Option<i32>,
    /// `ZMQ_THREAD_SCHED_POLICY`, if set: the operating system's number.
    pub thread_sched_policy: Option<i32>,
    /// CPU numbers of `ZMQ_THREAD_AFFINITY_CPU_ADD`; empty means any CPU.
    pub thread_affinity: BTreeSet<i32>,
    /// `ZMQ_THREAD_NAME_PREFIX` as the caller gave it; see [`ContextOptions::thread_name`].
    pub thread_name_prefix: Vec<u8>,
    /// `ZMQ_MAX_MSGSZ`: bytes. Stored and returned but not enforced, as in libzmq.
    pub max_msgsz: i32,
    /// `ZMQ_ZERO_COPY_RECV`: large messages may be slices of the read buffer.
    pub zero_copy_recv: bool,
    /// `ZMQ_IPV6`: the default of new sockets.
    pub ipv6: bool,
    /// `ZMQ_BLOCKY`: when false, new sockets have linger 0.
    pub blocky: bool,
    /// `ZMQ_FERRO_SPIN`: waiting threads may spin for a short time before they park.
    pub spin: bool,
}

impl Default for ContextOptions {
    fn default() -> Self {
        Self {
            io_threads: 1,
            max_sockets: 1_023,
            thread_priority: None,
            thread_sched_policy: None,
            thread_affinity: BTreeSet::new(),
            thread_name_prefix: Vec::new(),
            max_msgsz: i32::MAX,
            zero_copy_recv: true,
            ipv6: false,
            blocky: true,
            spin: spins_by_default(),
        }
    }
}

/// One option: its number, the least accepted value and how it is stored, and how it is read.
///
/// `ZMQ_THREAD_NAME_PREFIX` has no row, because its value may be text.
struct Row {
    number: i32,
    set: Option<(i32, Store)>,
    get: Option<fn(&ContextOptions) -> i32>,
}

type Store = fn(&mut ContextOptions, i32) -> Result<()>;

impl Row {
    const fn new(
        number: i32,
        set: Option<(i32, Store)>,
        get: Option<fn(&ContextOptions) -> i32>,
    ) -> Self {
        Self { number, set, get }
    }
}

/// The `set` of a row: `at_least!(minimum, |options, value| store)`.
macro_rules! at_least {
    ($least:expr, |$options:ident, $value:ident| $store:expr) => {
        Some(($least, |$options, $value| {
            $store;
            Ok(())
        }))
    };
}

const TABLE: &[Row] = &[
    Row::new(
        ZMQ_IO_THREADS,
        at_least!(0, |o, v| o.io_threads = v),
        Some(|o| o.io_threads),
    ),
    Row::new(
        ZMQ_MAX_SOCKETS,
        at_least!(1, |o, v| o.max_sockets = v),
        Some(|o| o.max_sockets),
    ),
    // One number, two options: written it is ZMQ_THREAD_PRIORITY, read ZMQ_SOCKET_LIMIT.
    Row::new(
        ZMQ_THREAD_PRIORITY,
        at_least!(0, |o, v| o.thread_priority = Some(v)),
        Some(|_| SOCKET_LIMIT),
    ),
    Row::new(
        ZMQ_THREAD_SCHED_POLICY,
        at_least!(0, |o, v| o.thread_sched_policy = Some(v)),
        Some(|o| o.thread_sched_policy.unwrap_or(-1)),
    ),
    Row::new(
        ZMQ_MAX_MSGSZ,
        at_least!(0, |o, v| o.max_msgsz = v),
        Some(|o| o.max_msgsz),
    ),
    Row::new(ZMQ_MSG_T_SIZE, None, Some(|_| MSG_T_SIZE)),
    Row::new(
        ZMQ_THREAD_AFFINITY_CPU_ADD,
        at_least!(0, |o, v| o.thread_affinity.insert(v)),
        None,
    ),
    Row::new(
        ZMQ_THREAD_AFFINITY_CPU_REMOVE,
        Some((0, ContextOptions::remove_cpu)),
        None,
    ),
    Row::new(
        ZMQ_ZERO_COPY_RECV,
        at_least!(0, |o, v| o.zero_copy_recv = v != 0),
        Some(|o| o.zero_copy_recv.into()),
    ),
    Row::new(
        ZMQ_IPV6,
        at_least!(0, |o, v| o.ipv6 = v != 0),
        Some(|o| o.ipv6.into()),
    ),
    Row::new(
        ZMQ_BLOCKY,
        at_least!(0, |o, v| o.blocky = v != 0),
        Some(|o| o.blocky.into()),
    ),
    Row::new(
        ZMQ_FERRO_SPIN,
        at_least!(0, |o, v| o.spin = v != 0),
        Some(|o| o.spin.into()),
    ),
];

/// The default of `ZMQ_FERRO_SPIN`: from the environment variable `FERROZMQ_SPIN`, read once
/// per process. If it is not set, threads spin if the calling thread may run on more than one
/// CPU: on a single one, spinning only delays the thread that is waited for.
fn spins_by_default() -> bool {
    static VARIABLE: OnceLock<Option<bool>> = OnceLock::new();
    let set = VARIABLE.get_or_init(|| Some(std::env::var_os("FERROZMQ_SPIN")? != "0"));
    set.unwrap_or_else(|| !sys::has_one_cpu())
}

fn row(option: i32) -> Result<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.number == option)
        .ok_or(Error::Invalid)
}

impl ContextOptions {
    /// Sets an option (`zmq_ctx_set`).
    ///
    /// # Errors
    /// [`Error::Invalid`] when the option is unknown or read only, when the value is out of
    /// range, or when a CPU to remove was not in the set.
    pub fn set(&mut self, option: i32, value: i32) -> Result<()> {
        if option == ZMQ_THREAD_NAME_PREFIX {
            self.thread_name_prefix = value.to_string().into_bytes();
            return Ok(());
        }
        match row(option)?.set {
            Some((least, store)) if value >= least => store(self, value),
            _ => Err(Error::Invalid),
        }
    }

    /// Reads an option (`zmq_ctx_get`). A name prefix is read as the number it starts with.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the option is unknown or write only.
    pub fn get(&self, option: i32) -> Result<i32> {
        if option == ZMQ_THREAD_NAME_PREFIX {
            return Ok(leading_number(&self.thread_name_prefix));
        }
        row(option)?
            .get
            .map(|load| load(self))
            .ok_or(Error::Invalid)
    }

    /// Sets an option from the bytes of its C value (`zmq_ctx_set_ext`); `None` is NULL with
    /// length 0.
    ///
    /// A value of 4 bytes is always an `int`, for the name prefix too; as text, the prefix
    /// has 1 to 16 bytes except 4.
    ///
    /// # Errors
    /// As [`ContextOptions::set`], and [`Error::Invalid`] for a wrong length.
    pub fn set_bytes(&mut self, option: i32, value: Option<&[u8]>) -> Result<()> {
        if let Ok(number) = value::int(value) {
            return self.set(option, number);
        }
        if option != ZMQ_THREAD_NAME_PREFIX {
            return Err(Error::Invalid);
        }
        self.thread_name_prefix = value::bytes(value, MAX_NAME_PREFIX)?.to_vec();
        Ok(())
    }

    /// Writes the C value of an option into `out`, the caller's whole buffer
    /// (`zmq_ctx_get_ext`, which does not report the length).
    ///
    /// The name prefix is written as text, without NUL and with the rest of the buffer
    /// unchanged, unless the buffer has the 4 bytes of an `int`.
    ///
    /// # Errors
    /// As [`ContextOptions::get`], and [`Error::Invalid`] for a wrong length.
    pub fn get_bytes<'a>(&self, option: i32, out: impl Into<Room<'a>>) -> Result<()> {
        let out = &mut out.into();
        if option == ZMQ_THREAD_NAME_PREFIX && out.len() != size_of::<i32>() {
            return match out.put(&self.thread_name_prefix) {
                true => Ok(()),
                false => Err(Error::Invalid),
            };
        }
        value::put_int_exact(out, self.get(option)?).map(|_| ())
    }

    /// Name of a background thread, `prefix/ZMQbg/role` or `ZMQbg/role`, as UTF-8 without
    /// NUL. The system may truncate it.
    pub fn thread_name(&self, role: &str) -> String {
        let mut prefix = String::from_utf8_lossy(&self.thread_name_prefix).into_owned();
        prefix.retain(|letter| letter != '\0');
        if !prefix.is_empty() {
            prefix.push('/');
        }
        format!("{prefix}ZMQbg/{role}")
    }

    fn remove_cpu(&mut self, cpu: i32) -> Result<()> {
        if self.thread_affinity.remove(&cpu) {
            Ok(())
        } else {
            Err(Error::Invalid)
        }
    }
}

/// The decimal number at the start of a text, parsed as by C's `atoi`; 0 if there is none.
fn leading_number(text: &[u8]) -> i32 {
    let text = &text[text
        .iter()
        .take_while(|b| b" \t\n\x0b\x0c\r".contains(b))
        .count()..];
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    // As glibc's atoi: saturates at 64 bits, then truncates to 32.
    let size = digits
        .iter()
        .take_while(|digit| digit.is_ascii_digit())
        .fold(0_i64, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(i64::from(digit - b'0'))
        });
    (if negative { -size } else { size }) as i32
}

//! The options of a socket: setting, getting, and what acts at once.

#![forbid(unsafe_code)]

use super::flags::{POLLIN, POLLOUT};
use super::handles::{with, with_unread_mail};
use super::state::Socket;
use crate::abi::options as opt;
use crate::connection::{Connection, Engine};
use crate::error::{Error, Result};
use crate::options::{self, Named, Options, When};
use crate::pattern::Pattern;
use crate::sync::atomic::Ordering;
use crate::sys::{adopt::GivenFd, log::log, room::Room};
use crate::transport::AddressMask;
use std::sync::Arc;

/// `zmq_setsockopt`. `value` is `None` for a NULL pointer with length 0.
pub fn set_option(address: usize, option: i32, value: Option<&[u8]>) -> Result<()> {
    with_unread_mail(address, |socket| socket.set_option_and_log(option, value))
}

/// Sets `ZMQ_USE_FD`, with the descriptor that it names: the next bind takes that over.
pub fn give_descriptor(address: usize, number: i32, given: GivenFd) -> Result<()> {
    with_unread_mail(address, |socket| {
        socket.set_option_and_log(opt::ZMQ_USE_FD, Some(&number.to_ne_bytes()))?;
        Arc::make_mut(&mut socket.options).given_fd = Some(given);
        Ok(())
    })
}

/// `zmq_getsockopt`: writes to `out` and returns the length to report.
pub fn get_option<'a>(address: usize, option: i32, out: impl Into<Room<'a>>) -> Result<usize> {
    if option == opt::ZMQ_EVENTS && Connection::has_unflushed() {
        settle(address)?;
    }
    with_unread_mail(address, |socket| socket.get_option(option, out.into()))
}

/// The descriptor behind `ZMQ_FD`, readable from now on until a call reports readiness.
pub fn news_descriptor(address: usize) -> Result<i32> {
    with(address, |socket| {
        let fd = socket.shared.mail.fd()?;
        socket.shared.mail.request_check();
        Ok(fd)
    })
}

/// If nothing can be received: flushes what the calling thread has left to an I/O thread
/// on another socket of the context, and reads this socket's connections. Programs that
/// hold both ends expect to receive the messages of a burst together.
fn settle(address: usize) -> Result<()> {
    let shared = with(address, |socket| {
        let idle = socket.options.kind.spec().receives && socket.events(POLLIN) == 0;
        Ok(idle.then(|| socket.shared.clone()))
    })?;
    let Some(shared) = shared else {
        return Ok(());
    };
    let Some(left) = Connection::take_unflushed(Arc::as_ptr(&shared) as usize) else {
        return Ok(());
    };
    if shared.core.has_socket(left.link_address()) {
        left.settle();
        shared.peers.settle_inputs();
    }
    Ok(())
}

impl Socket {
    /// Sets an option and logs that, without the value, which may be secret.
    fn set_option_and_log(&mut self, option: i32, value: Option<&[u8]>) -> Result<()> {
        let (origin, result) = (self.shared.identity.origin, self.set_option(option, value));
        let name = Named(option);
        let when = Options::when(option).map_or("with effect at once", When::text);
        match result {
            Ok(()) => log!(Trace, origin, "{name} is set, {when}"),
            Err(error) => log!(Warn, origin, "{name} is refused: {error}"),
        }
        result
    }

    fn set_option(&mut self, option: i32, value: Option<&[u8]>) -> Result<()> {
        let bytes = value.unwrap_or_default();
        match self.with_pattern(|pattern, env| pattern.set_option(env, option, bytes)) {
            Err(Error::Invalid) => {}
            other => return other,
        }
        if let (opt::ZMQ_TCP_ACCEPT_FILTER, Some(text @ [_, ..])) = (option, value) {
            AddressMask::parse(text, self.options.ipv6)?;
        }
        Arc::make_mut(&mut self.options).set(option, value)?;
        if Options::when(option) == Some(When::Now) {
            self.apply_now(option);
        }
        Ok(())
    }

    /// A changed option that acts on the pipes and connections there are. Patterns read
    /// others where they need them.
    fn apply_now(&mut self, option: i32) {
        match option {
            opt::ZMQ_LINGER => self
                .shared
                .linger
                .store(self.options.linger, Ordering::Relaxed),
            opt::ZMQ_SNDHWM | opt::ZMQ_RCVHWM => {
                let (snd, rcv) = (self.options.sndhwm, self.options.rcvhwm);
                let ids: Vec<_> = self.pipes.ids().collect();
                for id in ids {
                    if let Some(end) = self.pipes.get(id) {
                        end.set_hwm(snd, rcv);
                    }
                }
            }
            _ => {}
        }
    }

    fn get_option(&mut self, option: i32, mut room: Room<'_>) -> Result<usize> {
        let out = &mut room;
        match option {
            opt::ZMQ_RCVMORE => options::put_int_zero_padded(out, self.more.into()),
            opt::ZMQ_EVENTS => {
                self.process_commands()?;
                let events = self.events(POLLIN | POLLOUT);
                options::put_int_zero_padded(out, events.into())
            }
            opt::ZMQ_FD => {
                if out.len() < size_of::<i32>() {
                    return Err(Error::Invalid);
                }
                options::put_int_zero_padded(out, self.shared.mail.fd()?)
            }
            opt::ZMQ_LAST_ENDPOINT => options::put_string(out, self.endpoints.last()),
            opt::ZMQ_FERRO_MONITOR_DROPS => {
                options::put_u64_exact(out, self.shared.monitor.drops())
            }
            opt::ZMQ_THREAD_SAFE => {
                options::put_int_zero_padded(out, self.options.kind.spec().thread_safe.into())
            }
            _ => match self.with_pattern(|pattern, _| pattern.get_option(option, out)) {
                Err(Error::Invalid) => self.options.get(option, room),
                other => other,
            },
        }
    }
}

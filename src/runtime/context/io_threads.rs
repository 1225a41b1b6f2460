//! The I/O threads of a context.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use crate::options::ContextOptions;
use crate::reactor::Reactor;
use crate::sync::{Mutex, OnceLock};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long `zmq_ctx_term` waits for connections whose I/O thread is lost.
const LOST_WAIT: Duration = Duration::from_millis(500);

/// The threads, started when they are first needed.
#[derive(Default)]
pub struct IoThreads {
    state: Mutex<State>,
    /// When `zmq_ctx_term` first found an I/O thread lost ([`Reactor::is_lost`]).
    lost_since: OnceLock<Instant>,
}

#[derive(Default)]
struct State {
    threads: Vec<Arc<Reactor>>,
    /// The options when the first socket was made. Threads and the number of sockets
    /// follow these: later changes have no effect on them.
    fixed: Option<ContextOptions>,
}

impl IoThreads {
    /// `ZMQ_MAX_SOCKETS` when the first socket was made, which is now if there was none.
    pub fn max_sockets(&self, options: &ContextOptions) -> usize {
        let mut state = self.state.lock();
        let fixed = state.fixed.get_or_insert_with(|| options.clone());
        usize::try_from(fixed.max_sockets).unwrap_or(0)
    }

    /// The I/O thread with the least load of those in `affinity` (0: all), started if
    /// necessary. [`Error::NoThread`] if the mask selects no thread, or the error of the system.
    pub fn get(&self, affinity: u64, options: &Mutex<ContextOptions>) -> Result<Arc<Reactor>> {
        let mut state = self.state.lock();
        let State { threads, fixed } = &mut *state;
        let options = fixed.get_or_insert_with(|| options.lock().clone());
        while threads.len() < usize::try_from(options.io_threads).unwrap_or(0) {
            let name = options.thread_name(&format!("IO/{}", threads.len()));
            let settings = ThreadSettings::of(options);
            threads.push(Reactor::start(name, options.spin, move || {
                settings.apply()
            })?);
        }
        let allowed = |index: usize| affinity == 0 || (index < 64 && affinity & (1 << index) != 0);
        let threads = state.threads.iter().enumerate();
        let best = threads
            .filter(|(index, _)| allowed(*index))
            .min_by_key(|(_, reactor)| reactor.load());
        best.map(|(_, reactor)| reactor.clone())
            .ok_or(Error::NoThread)
    }

    /// If an I/O thread is lost, the time until which its connections are waited for.
    pub fn lost_until(&self) -> Option<Instant> {
        let lost = self.state.lock().threads.iter().any(|one| one.is_lost());
        lost.then(|| *self.lost_since.get_or_init(Instant::now) + LOST_WAIT)
    }

    /// Ends the threads.
    pub fn stop(&self) {
        let threads = std::mem::take(&mut self.state.lock().threads);
        for reactor in threads {
            reactor.stop();
        }
    }
}

/// The context options that concern the I/O threads.
struct ThreadSettings {
    cpus: Vec<i32>,
    policy: Option<i32>,
    priority: Option<i32>,
}

impl ThreadSettings {
    fn of(options: &ContextOptions) -> ThreadSettings {
        ThreadSettings {
            cpus: options.thread_affinity.iter().copied().collect(),
            policy: options.thread_sched_policy,
            priority: options.thread_priority,
        }
    }

    /// Applies the settings to the calling thread. One that the system refuses is ignored,
    /// unlike in libzmq, which aborts the process.
    fn apply(&self) {
        if !self.cpus.is_empty() {
            crate::sys::set_thread_affinity(&self.cpus);
        }
        if self.policy.is_some() || self.priority.is_some() {
            crate::sys::set_thread_scheduling(self.policy, self.priority);
        }
    }
}

//! Scheduling and numbers of threads.

/// Sets scheduling policy and priority of the calling thread; failures are ignored.
/// Without a real-time policy a positive priority means `nice(-20)`, as in libzmq.
pub fn set_thread_scheduling(policy: Option<i32>, priority: Option<i32>) {
    // SAFETY: plain calls on the calling thread with valid local memory.
    unsafe {
        let mut current = 0;
        let mut param: libc::sched_param = std::mem::zeroed();
        if libc::pthread_getschedparam(libc::pthread_self(), &mut current, &mut param) != 0 {
            return;
        }
        let policy = policy.unwrap_or(current);
        let real_time = policy == libc::SCHED_FIFO || policy == libc::SCHED_RR;
        param.sched_priority = if real_time { priority.unwrap_or(0) } else { 0 };
        libc::pthread_setschedparam(libc::pthread_self(), policy, &param);
        if !real_time && priority.is_some_and(|p| p > 0) {
            libc::nice(-20);
        }
    }
}

/// A number that identifies the calling thread among the running threads of the process;
/// not 0.
#[inline]
pub fn thread_number() -> usize {
    // SAFETY: pthread_self has no preconditions.
    unsafe { libc::pthread_self() as usize }
}

/// Whether the process has one thread: the C library's own flag, `__libc_single_threaded`; false where it has none.
pub fn is_single_threaded() -> bool {
    // SAFETY: a lookup by name; what it finds, if anything, is the C library's variable of type
    // `char` of this name, which is always there.
    unsafe {
        let symbol = libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr());
        symbol
            .cast::<libc::c_char>()
            .as_ref()
            .is_some_and(|flag| *flag != 0)
    }
}

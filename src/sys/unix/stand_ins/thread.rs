//! CPU affinity and names of threads, where POSIX has nothing.

/// Sets the CPU affinity of the calling thread: does nothing on this system.
pub fn set_thread_affinity(_cpus: &[i32]) {}

/// Whether the process may run on one CPU only.
pub fn has_one_cpu() -> bool {
    std::thread::available_parallelism().is_ok_and(|count| count.get() == 1)
}

/// Sets the name of the calling thread: does nothing on this system.
pub fn set_thread_name(_name: &str) {}

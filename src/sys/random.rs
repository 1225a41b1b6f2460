//! Random numbers from the system.

use std::fs::File;
use std::io::{self, Read};

/// Fills `bytes` with cryptographically secure random numbers.
///
/// # Errors
/// The system's.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).or_else(|error| {
        // The crate checks only once that its system call is allowed; seccomp rules that
        // forbid it may be installed later.
        let read = |mut source: File| source.read_exact(bytes);
        let code = error.raw_os_error().unwrap_or(libc::EIO);
        let read = File::open("/dev/urandom").and_then(read);
        read.map_err(|_| io::Error::from_raw_os_error(code))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_differ() {
        let mut numbers = [[0u8; 32]; 2];
        for number in &mut numbers {
            super::fill(number).unwrap();
        }
        assert_ne!(numbers[0], numbers[1]);
    }
}

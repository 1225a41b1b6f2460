//! Random numbers from the system.

use std::fs::File;
use std::io::{self, Read};

/// Fills `bytes` with random numbers fit for keys.
///
/// # Errors
/// The system's.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).or_else(|error| {
        // Whether its system call may be made, the crate asks only once; rules that forbid
        // it may come later.
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

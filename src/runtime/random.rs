//! Random numbers for ids and jitter.

#![forbid(unsafe_code)]

use crate::sys::random;

/// A random number; not for secrets.
pub fn number() -> u32 {
    let mut bytes = [0; 4];
    if random::fill(&mut bytes).is_err() {
        // Without a source of random numbers: the clock differs between sockets.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        return now.map_or(1, |d| d.subsec_nanos());
    }
    u32::from_ne_bytes(bytes)
}

/// Fills `bytes` with random numbers fit for keys.
pub fn secret(bytes: &mut [u8]) -> crate::error::Result<()> {
    Ok(random::fill(bytes)?)
}

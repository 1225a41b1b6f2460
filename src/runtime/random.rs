//! Random numbers for ids and jitter.

#![forbid(unsafe_code)]

/// A random number; not for secrets.
pub fn number() -> u32 {
    let mut bytes = [0; 4];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a source any number that differs between sockets will do.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        return now.map_or(1, |d| d.subsec_nanos());
    }
    u32::from_ne_bytes(bytes)
}

/// Fills `bytes` with random numbers fit for keys.
pub fn secret(bytes: &mut [u8]) -> crate::error::Result<()> {
    let code = |error: getrandom::Error| error.raw_os_error().unwrap_or(libc::EIO);
    getrandom::fill(bytes).map_err(|error| crate::error::Error::Os(code(error)))
}

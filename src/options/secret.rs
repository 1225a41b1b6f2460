//! Keys and passwords, protected against accidental disclosure.

#![forbid(unsafe_code)]

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A key or password: zeroed when dropped, not printed by `Debug`, compared in
/// constant time (for values of the same length).
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of a value. Copies of it that the caller has made are not
    /// zeroed.
    pub const fn new(value: T) -> Self {
        Secret(value)
    }

    /// The value itself.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Secret(value)
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_compares_but_does_not_show() {
        let one = Secret::new(b"pass".to_vec());
        assert_eq!(one, one.clone());
        assert_ne!(one, Secret::new(b"past".to_vec()));
        assert_ne!(one, Secret::new(b"passw".to_vec()));
        assert!(!format!("{one:?}").contains("112") && !format!("{one:?}").contains("pass"));
    }
}

//! A value that is set once: the standard library's cell.
//!
//! Under ThreadSanitizer the cell is set behind a mutex of the library. The standard library's code
//! for setting a value is compiled ahead of time, without the sanitizer, which then sees no
//! happens-before between setting and reading.

#[cfg(not(tsan))]
pub use std::sync::OnceLock;

#[cfg(tsan)]
pub use watched::OnceLock;

#[cfg(tsan)]
mod watched {
    use super::super::Mutex;
    // Not from sync::atomic: not compiled with loom.
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A cell whose ordering the sanitizer sees: `is_set` is stored with Release after the value
    /// and loaded with Acquire before it is read.
    #[derive(Debug)]
    pub struct OnceLock<T> {
        cell: std::sync::OnceLock<T>,
        is_set: AtomicBool,
        setting: Mutex<()>,
    }

    impl<T> Default for OnceLock<T> {
        fn default() -> OnceLock<T> {
            OnceLock::new()
        }
    }

    impl<T> OnceLock<T> {
        /// An empty cell.
        pub const fn new() -> OnceLock<T> {
            OnceLock {
                cell: std::sync::OnceLock::new(),
                is_set: AtomicBool::new(false),
                setting: Mutex::new(()),
            }
        }

        /// The value, if it is set.
        pub fn get(&self) -> Option<&T> {
            match self.is_set.load(Ordering::Acquire) {
                true => self.cell.get(),
                false => None,
            }
        }

        /// Sets the value, or returns it if there already is one.
        pub fn set(&self, value: T) -> Result<(), T> {
            let _guard = self.setting.lock();
            let outcome = self.cell.set(value);
            self.is_set.store(true, Ordering::Release);
            outcome
        }

        /// The value; `make` makes it if there is none.
        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            let guard = self.setting.lock();
            let value = self.cell.get_or_init(make);
            self.is_set.store(true, Ordering::Release);
            drop(guard);
            value
        }
    }
}

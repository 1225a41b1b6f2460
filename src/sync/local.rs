//! Thread-locals that may be destroyed when they are used.
//!
//! A program may call the library from `atexit` handlers, from destructors of static objects and
//! from destructors of its own thread-locals. By then this thread's locals may have been destroyed,
//! and the standard library's plain access to one panics. A [`Local`] does not: a destroyed one
//! counts as empty, and a value stored there is dropped. All thread-locals of the library are made
//! by [`thread_cell!`].

use std::cell::Cell;
use std::thread::LocalKey;

/// One value per thread. Made by [`thread_cell!`].
#[derive(Debug)]
pub struct Local<T: 'static>(&'static LocalKey<Cell<T>>);

impl<T> Local<T> {
    /// Wraps a key of the standard library.
    pub const fn new(key: &'static LocalKey<Cell<T>>) -> Local<T> {
        Local(key)
    }

    /// Calls `f` with this thread's cell. `None` if it is destroyed.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&Cell<T>) -> R) -> Option<R> {
        self.0.try_with(f).ok()
    }

    /// Stores a value. Drops it if this thread's cell is destroyed.
    #[inline]
    pub fn set(&self, value: T) {
        self.with(|cell| cell.set(value));
    }
}

impl<T: Default> Local<T> {
    /// Takes the value and leaves the default. The default if this thread's cell is destroyed.
    #[inline]
    pub fn take(&self) -> T {
        self.with(Cell::take).unwrap_or_default()
    }
}

/// Declares a [`Local`]: `thread_cell! { static NAME: Type = constant; }`.
macro_rules! thread_cell {
    ($(#[$attribute:meta])* $vis:vis static $name:ident: $kind:ty = $init:expr;) => {
        $(#[$attribute])*
        $vis static $name: $crate::sync::local::Local<$kind> = {
            thread_local! {
                static CELL: std::cell::Cell<$kind> = const { std::cell::Cell::new($init) };
            }
            $crate::sync::local::Local::new(&CELL)
        };
    };
}

pub(crate) use thread_cell;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    thread_cell! {
        static VALUE: Option<Box<u32>> = None;
    }

    #[test]
    fn a_value_is_the_threads_own() {
        VALUE.set(Some(Box::new(1)));
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(VALUE.take(), None));
        });
        assert_eq!(VALUE.take().as_deref(), Some(&1));
        assert_eq!(VALUE.take(), None);
    }

    /// Uses `VALUE` while it is dropped itself. `VALUE` was first used later, so it is destroyed by
    /// then.
    struct Late;

    static SEEN: AtomicU32 = AtomicU32::new(0);

    impl Drop for Late {
        fn drop(&mut self) {
            VALUE.set(Some(Box::new(2)));
            assert_eq!(VALUE.take(), None);
            assert!(VALUE.with(|_| ()).is_none());
            SEEN.fetch_add(1, Ordering::Relaxed);
        }
    }

    thread_local! {
        static LATE: Cell<Option<Late>> = const { Cell::new(None) };
    }

    #[test]
    fn a_destroyed_local_is_empty_and_drops_what_it_is_given() {
        let thread = std::thread::spawn(|| {
            LATE.set(Some(Late));
            VALUE.set(Some(Box::new(1)));
        });
        thread.join().unwrap();
        assert_eq!(SEEN.load(Ordering::Relaxed), 1);
    }
}

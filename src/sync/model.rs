//! Loom's atomics, with sequential consistency; a futex and a cell that is set once.
//!
//! Loom models that for fences only: it treats a SeqCst access as AcqRel. What SeqCst accesses are
//! needed for here is that a thread's store is not overtaken by its own later load, where both are
//! SeqCst. So a SeqCst fence is added before a SeqCst load that follows a SeqCst store of the same
//! thread. An access with a weaker order adds no fence, and a model that needed one fails.

pub use loom::sync::atomic::{Ordering, fence};

use std::cell::Cell;

loom::thread_local! {
    /// The thread has made a SeqCst store since the last fence added here.
    static STORED: Cell<bool> = Cell::new(false);
}

/// Before an access that loads.
fn before_load(order: Ordering) {
    if order == Ordering::SeqCst && STORED.with(|stored| stored.replace(false)) {
        fence(Ordering::SeqCst);
    }
}

/// After an access that stored.
fn after_store(order: Ordering) {
    if order == Ordering::SeqCst {
        STORED.with(|stored| stored.set(true));
    }
}

macro_rules! atomic {
    ($name:ident$(<$param:ident>)?, $type:ty) => {
        /// Loom's type of this name, with the fences of this module.
        pub struct $name$(<$param>)?(loom::sync::atomic::$name$(<$param>)?);

        impl$(<$param>)? std::fmt::Debug for $name$(<$param>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        #[allow(dead_code, missing_docs)] // as the standard library's
        impl$(<$param>)? $name$(<$param>)? {
            pub fn new(value: $type) -> Self {
                $name(loom::sync::atomic::$name::new(value))
            }

            pub fn load(&self, order: Ordering) -> $type {
                before_load(order);
                self.0.load(order)
            }

            pub fn store(&self, value: $type, order: Ordering) {
                self.0.store(value, order);
                after_store(order);
            }

            pub fn swap(&self, value: $type, order: Ordering) -> $type {
                before_load(order);
                let old = self.0.swap(value, order);
                after_store(order);
                old
            }

            pub fn compare_exchange(
                &self,
                old: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                before_load(success);
                let result = self.0.compare_exchange(old, new, success, failure);
                if result.is_ok() {
                    after_store(success);
                }
                result
            }

            pub fn compare_exchange_weak(
                &self,
                old: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                self.compare_exchange(old, new, success, failure)
            }

            pub fn fetch_update(
                &self,
                store: Ordering,
                load: Ordering,
                change: impl FnMut($type) -> Option<$type>,
            ) -> Result<$type, $type> {
                before_load(load);
                let result = self.0.fetch_update(store, load, change);
                if result.is_ok() {
                    after_store(store);
                }
                result
            }
        }
    };
}

macro_rules! arithmetic {
    ($name:ident, $type:ty: $($method:ident)*) => {
        impl Default for $name {
            fn default() -> Self {
                Self::new(Default::default())
            }
        }

        #[allow(dead_code, missing_docs)] // as the standard library's
        impl $name {
            $(pub fn $method(&self, value: $type, order: Ordering) -> $type {
                before_load(order);
                let old = self.0.$method(value, order);
                after_store(order);
                old
            })*
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicI32, i32);
atomic!(AtomicU8, u8);
atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);
atomic!(AtomicUsize, usize);
atomic!(AtomicPtr<T>, *mut T);
/// A cell that is set once.
#[derive(Debug)]
pub struct SetOnce<T>(std::sync::OnceLock<T>, AtomicBool);

#[allow(missing_docs)] // as the standard library's
impl<T> SetOnce<T> {
    #[allow(clippy::new_without_default)]
    pub fn new() -> SetOnce<T> {
        SetOnce(std::sync::OnceLock::new(), AtomicBool::new(false))
    }

    pub fn set(&self, value: T) -> Result<(), T> {
        self.0.set(value)?;
        self.1.store(true, Ordering::Release);
        Ok(())
    }

    pub fn get(&self) -> Option<&T> {
        self.0.get().filter(|_| self.1.load(Ordering::Acquire))
    }
}

/// Threads that sleep as by a futex: while a word has a value.
#[derive(Debug, Default)]
pub struct Sleepers(loom::sync::Mutex<()>, loom::sync::Condvar);

impl Sleepers {
    /// Sleeps until [`wake`](Self::wake), unless the word differs from `before`.
    pub fn wait(&self, word: &AtomicU32, before: u32) {
        let guard = self.0.lock().unwrap();
        // The kernel loads the latest value, as an exchange does.
        if word.fetch_or(0, Ordering::Relaxed) == before {
            drop(self.1.wait(guard).unwrap());
        }
    }

    /// Wakes one thread.
    pub fn wake(&self) {
        drop(self.0.lock().unwrap());
        self.1.notify_one();
    }
}

arithmetic!(AtomicBool, bool:);
arithmetic!(AtomicI32, i32: fetch_add fetch_sub);
arithmetic!(AtomicU8, u8: fetch_or fetch_and);
arithmetic!(AtomicU32, u32: fetch_add fetch_sub fetch_or fetch_and);
arithmetic!(AtomicU64, u64: fetch_add fetch_sub);
arithmetic!(AtomicUsize, usize: fetch_add fetch_sub);

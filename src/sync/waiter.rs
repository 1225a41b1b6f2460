//! Registrations that stay: a thread that waits for many objects again and again registers with
//! each of them once, and then only arms and disarms its waiter.
//!
//! A [`Waiter`] belongs to one thread at a time. Each object (a socket's slot) has a
//! [`Registration`], a place for at most one waiter. A producer that made an object ready
//! [`notifies`](Registration::notify) its waiter, which costs two loads while the thread is awake.
//! `runtime/poll/many.rs` is the waiting side, `Locked::mark_ready` the notifying one.
//!
//! Dekker: the waiting thread stores `armed` = true; SeqCst fence; checks the objects; parks
//! ([`arm`](Waiter::arm)). The producer stores what makes the object ready by a SeqCst exchange;
//! loads the place and `armed`, both SeqCst. So either the check finds the object ready, or the
//! producer wakes the thread. The model is `news_of_any_object_wakes_the_sleeper`.
//!
//! A registration may be lost: another thread takes the place of a waiter that is not armed, or the
//! registration is ended. The second Dekker: the other thread changes the place and stores
//! `incomplete` = true; SeqCst fence; loads `armed`. The waiting thread stores `armed`; SeqCst
//! fence; loads `incomplete`. So its thread is woken or sees the mark, and registers anew. The
//! models are `a_thread_that_loses_a_place_registers_anew` and
//! `the_end_of_a_registration_wakes_the_sleeper`.

use super::Mutex;
use super::atomic::{AtomicBool, AtomicPtr, Ordering, fence};
use super::parker::Parker;
use std::ptr;
use std::sync::Arc;

/// A thread that may sleep. It is never freed, so that a notifier needs no reference count; an idle
/// waiter serves the next thread.
#[derive(Debug)]
pub struct Waiter {
    armed: AtomicBool,
    /// A registration was lost since [`begin`](Waiter::begin).
    incomplete: AtomicBool,
    /// Where the thread sleeps.
    parker: Mutex<Option<Arc<Parker>>>,
}

impl Waiter {
    /// A waiter without registrations, and without a thread.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Waiter {
        Waiter {
            armed: AtomicBool::new(false),
            incomplete: AtomicBool::new(false),
            parker: Mutex::new(None),
        }
    }

    /// Assigns the waiter to a thread that sleeps in this parker, or to none.
    pub fn equip(&self, parker: Option<Arc<Parker>>) {
        *self.parker.lock() = parker;
    }

    /// The thread is about to check all objects, and to park if none is ready. False if a
    /// registration was lost: then it must [`begin`](Self::begin) anew.
    pub fn arm(&self) -> bool {
        // Store, then fence, see the module. A producer whose late `wake` clears `armed` in front
        // of this store loaded `armed` in front of the fence, so the check finds its news.
        self.armed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        !self.is_incomplete()
    }

    /// The thread is awake. Relaxed: a producer that still sees the waiter armed causes a spurious
    /// wake-up only.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::Relaxed);
    }

    /// Whether a registration was lost since [`begin`](Self::begin).
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.load(Ordering::Relaxed)
    }

    /// From here on the thread registers with all objects.
    pub fn begin(&self) {
        // An exchange, with Acquire: it pairs with the store in `lose`, so that this thread does not
        // take a place that was changed before for its own.
        self.incomplete.swap(false, Ordering::Acquire);
    }

    /// SeqCst: the producer's load in the first handshake, see the module.
    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::SeqCst)
    }

    #[cold]
    fn wake(&self) {
        if self.armed.swap(false, Ordering::Relaxed) {
            let parker = self.parker.lock().clone();
            if let Some(parker) = parker {
                parker.unpark();
            }
        }
    }

    /// A registration of this waiter was lost. Called after the place was changed; see the second
    /// handshake of the module.
    fn lose(&self) {
        self.incomplete.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.is_armed() {
            self.wake();
        }
    }
}

/// An object's place for a waiter, or null.
#[derive(Debug)]
pub struct Registration(AtomicPtr<Waiter>);

impl Default for Registration {
    fn default() -> Registration {
        Registration(AtomicPtr::new(ptr::null_mut()))
    }
}

impl Registration {
    /// SeqCst: the producer's load in the first handshake, see the module. It includes Acquire,
    /// which pairs with the exchange in `change`: the waiter is visible as its thread made it.
    fn get(&self) -> Option<&'static Waiter> {
        // SAFETY: null, or a pointer made from a `&'static Waiter` in `change`.
        unsafe { self.0.load(Ordering::SeqCst).as_ref() }
    }

    fn change(&self, from: Option<&'static Waiter>, to: Option<&'static Waiter>) -> bool {
        let raw = |waiter: Option<&'static Waiter>| {
            waiter.map_or(ptr::null_mut(), |waiter| ptr::from_ref(waiter).cast_mut())
        };
        self.0
            .compare_exchange(raw(from), raw(to), Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Registers a waiter, in place of one that is not armed. False if an armed one is there.
    pub fn enter(&self, waiter: &'static Waiter) -> bool {
        loop {
            let present = self.get();
            match present {
                Some(present) if ptr::eq(present, waiter) => return true,
                Some(present) if present.is_armed() => return false,
                _ => {}
            }
            if self.change(present, Some(waiter)) {
                if let Some(former) = present {
                    former.lose();
                }
                return true;
            }
        }
    }

    /// Ends the registration of this waiter, if it is registered here.
    pub fn leave(&self, waiter: &'static Waiter) {
        let _ = self.change(Some(waiter), None);
    }

    /// Ends the registration of the present waiter, and wakes its thread.
    pub fn end(&self) {
        if let Some(present) = self.get() {
            self.leave(present);
            present.lose();
        }
    }

    /// The object became ready. The caller has stored that by a SeqCst exchange, or before a SeqCst
    /// fence, see the first handshake of the module.
    #[inline]
    pub fn notify(&self) {
        if let Some(waiter) = self.get() {
            if waiter.is_armed() {
                waiter.wake();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::parker::Wake;
    use std::time::{Duration, Instant};

    /// A waiter and its parker.
    fn waiter() -> (&'static Waiter, Arc<Parker>) {
        let waiter = &crate::sys::pages::for_ever(1, Waiter::new).unwrap()[0];
        let parker = Arc::new(Parker::new());
        waiter.equip(Some(parker.clone()));
        (waiter, parker)
    }

    fn sleep(parker: &Parker) -> Wake {
        parker.park(Some(Instant::now() + Duration::from_millis(1)))
    }

    #[test]
    fn only_an_armed_waiter_is_woken_and_once() {
        let ((waiter, parker), object) = (waiter(), Registration::default());
        assert!(object.enter(waiter) && object.enter(waiter));
        object.notify();
        assert!(waiter.arm());
        assert_eq!(sleep(&parker), Wake::TimedOut);
        object.notify();
        object.notify();
        assert_eq!(sleep(&parker), Wake::Notified);
        assert_eq!(sleep(&parker), Wake::TimedOut);
        assert!(waiter.arm());
        waiter.disarm();
        object.notify();
        assert_eq!(sleep(&parker), Wake::TimedOut);
        object.leave(waiter);
        assert!(waiter.arm());
        object.notify();
        assert_eq!(sleep(&parker), Wake::TimedOut);
        waiter.equip(None);
    }

    #[test]
    fn the_place_of_a_sleeper_is_not_taken() {
        let ((first, _), (second, parker)) = (waiter(), waiter());
        let object = Registration::default();
        assert!(object.enter(first) && first.arm());
        assert!(!object.enter(second));
        assert!(!first.is_incomplete());
        first.disarm();
        assert!(object.enter(second));
        assert!(!first.arm(), "a lost registration is noticed");
        first.disarm();
        first.begin();
        object.leave(first);
        assert!(second.arm());
        assert!(!object.enter(first));
        object.end();
        assert_eq!(sleep(&parker), Wake::Notified);
        assert!(second.is_incomplete());
        first.equip(None);
        second.equip(None);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::atomic::AtomicU32;

    /// As a socket's slot: the waiting thread checks `quiet` alone, which a producer clears after
    /// it has published its news.
    struct Object {
        quiet: AtomicBool,
        place: Registration,
    }

    impl Object {
        fn shared() -> crate::sync::Arc<Object> {
            crate::sync::Arc::new(Object {
                quiet: AtomicBool::new(true),
                place: Registration::default(),
            })
        }

        fn tell(&self) {
            self.quiet.swap(false, Ordering::SeqCst);
            self.place.notify();
        }

        fn has_news(&self) -> bool {
            !self.quiet.load(Ordering::Relaxed)
        }
    }

    fn waiter() -> (&'static Waiter, Arc<Parker>) {
        let (waiter, parker) = (Box::leak(Box::new(Waiter::new())), Arc::new(Parker::new()));
        waiter.equip(Some(parker.clone()));
        (waiter, parker)
    }

    /// Waits as `runtime` does, registering anew whenever that is needed. Gives up if an armed
    /// waiter has the place.
    fn wait(objects: &[crate::sync::Arc<Object>]) {
        let (waiter, parker) = waiter();
        loop {
            waiter.begin();
            if !objects.iter().all(|object| object.place.enter(waiter)) {
                break;
            }
            parker.reset();
            while waiter.arm() && !objects.iter().any(|object| object.has_news()) {
                parker.park(None);
            }
            waiter.disarm();
            if objects.iter().any(|object| object.has_news()) {
                break;
            }
        }
        for object in objects {
            object.place.leave(waiter);
        }
    }

    #[test]
    fn news_of_any_object_wakes_the_sleeper() {
        loom::model(|| {
            let objects = [Object::shared(), Object::shared()];
            let other = objects[1].clone();
            let thread = loom::thread::spawn(move || other.tell());
            wait(&objects);
            thread.join().unwrap();
        });
    }

    #[test]
    fn a_registered_waiter_is_visible_as_it_was_made() {
        loom::model(|| {
            let shared = crate::sync::Arc::new((Registration::default(), AtomicU32::new(0)));
            let other = shared.clone();
            let thread = loom::thread::spawn(move || {
                other.1.store(1, Ordering::Relaxed);
                assert!(other.0.enter(waiter().0));
            });
            if shared.0.get().is_some() {
                assert_eq!(shared.1.load(Ordering::Relaxed), 1);
            }
            thread.join().unwrap();
        });
    }

    #[test]
    fn a_thread_that_loses_a_place_registers_anew() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let objects = [Object::shared()];
            let other = objects[0].clone();
            let thread = loom::thread::spawn(move || {
                let (thief, _) = waiter();
                other.place.enter(thief);
                other.place.leave(thief);
                other.tell();
            });
            wait(&objects);
            thread.join().unwrap();
        });
    }

    #[test]
    fn the_end_of_a_registration_wakes_the_sleeper() {
        loom::model(|| {
            let object = Object::shared();
            let other = object.clone();
            let (waiter, parker) = waiter();
            assert!(object.place.enter(waiter));
            let thread = loom::thread::spawn(move || other.place.end());
            while waiter.arm() {
                parker.park(None);
            }
            thread.join().unwrap();
        });
    }
}

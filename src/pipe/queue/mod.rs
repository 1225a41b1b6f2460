//! An unbounded single-producer single-consumer queue in linked chunks.
//!
//! The producer writes cells above the published count, which the consumer does not read, and then
//! publishes a new count; the consumer reads cells below it. Chunks start small and double up to a
//! limit, so that an idle pipe costs little; the consumer hands one used chunk of full size back to
//! the producer instead of freeing it.
//!
//! The count is in units. An item is one unit, or an announcement of any number of units that are
//! added to it while it is the last item ([`Producer::extend`]); where these are stored is up to
//! the two users (`pipe/parts.rs`), who must agree on it.
//!
//! Units become visible in whole groups (multipart messages): [`Producer::push`] adds to the
//! open group or ends it, [`Producer::publish`] publishes all completed ones,
//! [`Producer::rollback`] takes the open one back.
//!
//! `published` orders everything: a SeqCst exchange, or a Release store in asymmetric-fence mode,
//! that pairs with the load in [`Consumer::ready`]. The models here check order and visibility,
//! those in `models.rs` the wake-ups.

mod chunk;
mod consumer;
mod place;
mod producer;
mod shared;

pub use consumer::Consumer;
pub use producer::Producer;

use crate::sync::Arc;
use shared::Shared;

/// A new queue; allocates no chunk before the first push.
pub fn queue<T>() -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared::new());
    (Producer::new(shared.clone()), Consumer::new(shared))
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod models;

//! The sources of an I/O thread by their keys.

#![forbid(unsafe_code)]

use super::source::{Key, Source};
use std::sync::Arc;

pub(super) struct Registered {
    source: Arc<dyn Source>,
    generation: usize,
}

#[derive(Default)]
pub(super) struct Registry {
    entries: Vec<Option<Registered>>,
    free: Vec<usize>,
    generation: usize,
}

/// Index bits of a key. The rest is a generation, so that a late event of a removed source
/// does not reach the source that reuses its index.
const INDEX_BITS: u32 = 32;

impl Registry {
    pub(super) fn insert(&mut self, source: Arc<dyn Source>) -> Key {
        self.generation = (self.generation + 1) & 0x3fff_ffff;
        let entry = Some(Registered {
            source,
            generation: self.generation,
        });
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        index | (self.generation << INDEX_BITS)
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<dyn Source>> {
        let entry = self.entries.get(key & ((1 << INDEX_BITS) - 1))?.as_ref()?;
        (entry.generation == key >> INDEX_BITS).then(|| entry.source.clone())
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Registered> {
        let index = key & ((1 << INDEX_BITS) - 1);
        let slot = self.entries.get_mut(index)?;
        if slot.as_ref()?.generation != key >> INDEX_BITS {
            return None;
        }
        self.free.push(index);
        slot.take()
    }
}

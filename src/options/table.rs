//! A row of an option table: how one option is set and read. `O` is what holds the options.

#![forbid(unsafe_code)]

use super::value;
use crate::error::{Error, Result};
use crate::sys::room::Room;
use std::ops::RangeInclusive;

/// One option: its number, its name, and how it is set and read.
pub(super) struct Row<O: 'static> {
    pub number: i32,
    pub name: &'static str,
    pub set: Set<O>,
    pub get: Get<O>,
    pub when: When,
}

/// When a new value of an option has its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At once, also on what is there.
    Now,
    /// At the next send or receive that waits.
    NextWait,
    /// At the next bind or connect.
    NextEndpoint,
}

impl When {
    /// For a line of the log: "... is set, ...".
    pub fn text(self) -> &'static str {
        match self {
            When::Now => "with effect at once",
            When::NextWait => "for the next wait",
            When::NextEndpoint => "for the next bind or connect",
        }
    }
}

/// How a value is validated and stored.
pub(super) enum Set<O> {
    /// The option cannot be set.
    Never,
    Int(RangeInclusive<i32>, fn(&mut O, i32)),
    /// 0 or 1.
    Flag(fn(&mut O, bool)),
    /// Any `int`.
    AnyFlag(fn(&mut O, bool)),
    U64(fn(&mut O, u64)),
    I64(fn(&mut O, i64)),
    /// 1 byte to the given number of bytes.
    Bytes(usize, fn(&mut O, Vec<u8>)),
    /// The same, and NULL to clear.
    BytesOrNull(usize, fn(&mut O, Vec<u8>)),
    /// The function validates and stores the value.
    Own(fn(&mut O, Option<&[u8]>) -> Result<()>),
    /// A key of 32 bytes, or its text of 40 characters, with or without a NUL.
    Key(fn(&mut O, [u8; 32])),
}

/// How a value is written to the caller; see [`value`] for the length rules.
pub(super) enum Get<O> {
    /// The option cannot be read.
    Never,
    Int(fn(&O) -> i32),
    U64(fn(&O) -> u64),
    I64(fn(&O) -> i64),
    Bytes(fn(&O) -> &[u8]),
    Text(fn(&O) -> &[u8]),
    Key(fn(&O) -> &[u8; 32]),
}

impl<O> Row<O> {
    /// Validates and stores a value; `None` is NULL with length 0.
    pub fn set(&self, options: &mut O, value: Option<&[u8]>) -> Result<()> {
        match &self.set {
            Set::Never => return Err(Error::Invalid),
            Set::Int(range, store) => {
                let number = value::int(value)?;
                if !range.contains(&number) {
                    return Err(Error::Invalid);
                }
                store(options, number);
            }
            Set::Flag(store) => store(options, value::flag(value)?),
            Set::AnyFlag(store) => store(options, value::any_flag(value)?),
            Set::U64(store) => store(options, value::u64(value)?),
            Set::I64(store) => store(options, value::i64(value)?),
            Set::Bytes(max, store) => store(options, value::bytes(value, *max)?.to_vec()),
            Set::BytesOrNull(max, store) => {
                store(options, value::bytes_or_null(value, *max)?.to_vec());
            }
            Set::Own(store) => return store(options, value),
            Set::Key(store) => store(options, value::key(value)?),
        }
        Ok(())
    }

    /// Writes the value into `out`, and returns the length to report.
    pub fn get(&self, options: &O, out: &mut Room<'_>) -> Result<usize> {
        match self.get {
            Get::Never => Err(Error::Invalid),
            Get::Int(load) => value::put_int_exact(out, load(options)),
            Get::U64(load) => value::put_u64_exact(out, load(options)),
            Get::I64(load) => value::put_i64_exact(out, load(options)),
            Get::Bytes(load) => value::put_bytes(out, load(options)),
            Get::Text(load) => value::put_string(out, load(options)),
            Get::Key(load) => value::put_key_exact(out, load(options)),
        }
    }
}

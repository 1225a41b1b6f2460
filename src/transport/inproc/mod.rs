//! `inproc://name`: between sockets of one context, in `runtime/inproc.rs`. Here is the text.

#![forbid(unsafe_code)]

use super::interface::{Address, Carries, Spec, Transport};
use crate::error::Result;

/// `inproc://`.
#[derive(Debug)]
pub struct Inproc;

impl Transport for Inproc {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec::new("inproc", Carries::Messages);
        &SPEC
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(Name(text.to_vec())))
    }
}

/// Any bytes.
#[derive(Debug)]
struct Name(Vec<u8>);

impl Address for Name {
    fn text(&self) -> Vec<u8> {
        self.0.clone()
    }
}

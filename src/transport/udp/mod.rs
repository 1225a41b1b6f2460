//! `udp://`, which libzmq always has, for RADIO, DISH and DGRAM: none of the socket types here.

#![forbid(unsafe_code)]

use super::interface::{Address, Carries, Spec, Transport};
use crate::error::{Error, Result};

/// `udp://`.
#[derive(Debug)]
pub struct Udp;

impl Transport for Udp {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec {
            serves: |_| false,
            ..Spec::new("udp", Carries::Datagrams)
        };
        &SPEC
    }

    fn parse_bind(&self, _text: &[u8]) -> Result<Box<dyn Address>> {
        Err(Error::NoCompatProto)
    }
}

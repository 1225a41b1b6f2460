//! vsock addresses as text: `CID:PORT`, each a number or `*`.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};

/// Any context id or port (`VMADDR_CID_ANY`, `VMADDR_PORT_ANY`).
const ANY: u32 = u32::MAX;
/// The context id of the host (`VMADDR_CID_HOST`).
const HOST: u32 = 2;

/// The address of a vsock endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VsockAddress {
    /// The context id of the machine; `u32::MAX` for any.
    pub cid: u32,
    /// The port on that machine; `u32::MAX` for any.
    pub port: u32,
}

impl VsockAddress {
    /// Reads the part after `vsock://`. `*` or `-1` stands for any context id or port, `@` for
    /// the host's context id. Errors: `Invalid`.
    pub fn parse(text: &[u8]) -> Result<VsockAddress> {
        let text = std::str::from_utf8(text).map_err(|_| Error::Invalid)?;
        let (cid, port) = text.rsplit_once(':').ok_or(Error::Invalid)?;
        let cid = match cid {
            "@" => Some(HOST),
            _ => number(cid),
        };
        match (cid, number(port)) {
            (Some(cid), Some(port)) => Ok(VsockAddress { cid, port }),
            _ => Err(Error::Invalid),
        }
    }

    /// The address as it stands after `vsock://` in `ZMQ_LAST_ENDPOINT`.
    pub fn text(&self) -> String {
        let shown = |number| match number {
            ANY => "*".to_owned(),
            _ => format!("{number}"),
        };
        format!("{}:{}", shown(self.cid), shown(self.port))
    }
}

/// Reads a number like C's `strtoul`: blanks, a plus sign, digits, then anything.
fn number(text: &str) -> Option<u32> {
    if matches!(text, "*" | "-1") {
        return Some(ANY);
    }
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit());
    text[..end.unwrap_or(text.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_how_they_are_shown() {
        for (text, shown) in [
            ("3:5560", "3:5560"),
            ("*:5560", "*:5560"),
            ("*:*", "*:*"),
            ("-1:-1", "*:*"),
            ("@:1", "2:1"),
            ("0:0", "0:0"),
            (" 7:+8", "7:8"),
            ("1x:2y", "1:2"),
            ("4294967295:4294967294", "*:4294967294"),
        ] {
            let parsed = VsockAddress::parse(text.as_bytes()).map(|address| address.text());
            assert_eq!(parsed.as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "1",
            ":",
            "1:",
            ":1",
            "x:1",
            "1:x",
            "-2:1",
            "1:-2",
            "1:4294967296",
        ] {
            assert_eq!(
                VsockAddress::parse(text.as_bytes()),
                Err(Error::Invalid),
                "{text}"
            );
        }
    }
}

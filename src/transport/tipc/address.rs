//! tipc addresses as text: `{type,lower,upper}`, `{type,instance}`,
//! `{type,instance}@z.c.n`, `<z.c.n:reference>` and, to bind, `<*>`.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};

/// Service types below this one are reserved for the system.
const RESERVED_TYPES: u32 = 64;
/// The domain of a name without one: zone 1, any cluster and node.
const DEFAULT_DOMAIN: u32 = node(1, 0, 0);

/// The address of a tipc endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TipcAddress {
    /// A range of instances of a service.
    Range {
        /// The service type, at least 64.
        service: u32,
        /// First instance.
        lower: u32,
        /// Last instance, not below the first.
        upper: u32,
    },
    /// One instance of a service.
    Name {
        /// The service type, above 64.
        service: u32,
        /// The instance.
        instance: u32,
        /// The part of the network where it is looked up, encoded like a node.
        domain: u32,
    },
    /// One socket on one node; only to connect to.
    Id {
        /// Zone, cluster and node in 8, 12 and 12 bits.
        node: u32,
        /// The socket's number on the node.
        reference: u32,
    },
    /// `<*>`, only to bind: a socket without a name.
    Random,
}

const fn node(zone: u32, cluster: u32, node: u32) -> u32 {
    zone << 24 | cluster << 12 | node
}

impl TipcAddress {
    /// Reads the part after `tipc://` of an address to bind. Errors: `Invalid`.
    pub fn bind(text: &[u8]) -> Result<TipcAddress> {
        match Self::parse(text) {
            Some(TipcAddress::Id { .. }) | None => Err(Error::Invalid),
            Some(address) => Ok(address),
        }
    }

    /// Reads the part after `tipc://` of an address to connect to. Errors:
    /// `Invalid`.
    pub fn connect(text: &[u8]) -> Result<TipcAddress> {
        match Self::parse(text) {
            Some(TipcAddress::Random) | None => Err(Error::Invalid),
            Some(address) => Ok(address),
        }
    }

    fn parse(text: &[u8]) -> Option<TipcAddress> {
        let text = std::str::from_utf8(text).ok()?;
        if text.starts_with("<*>") {
            return Some(TipcAddress::Random);
        }
        if let Some(id) = text.strip_prefix('<') {
            let (place, reference) = id.strip_suffix('>')?.split_once(':')?;
            return Some(TipcAddress::Id {
                node: parse_node(place)?,
                reference: number(reference)?,
            });
        }
        let (name, domain) = match text.split_once('@') {
            Some((name, domain)) => (name, parse_node(domain)?),
            None => (text, DEFAULT_DOMAIN),
        };
        let name = name.strip_prefix('{')?.strip_suffix('}')?;
        let numbers: Vec<u32> = name.split(',').map(number).collect::<Option<_>>()?;
        match numbers[..] {
            [service, lower, upper] if service >= RESERVED_TYPES && lower <= upper => {
                Some(TipcAddress::Range {
                    service,
                    lower,
                    upper,
                })
            }
            [service, instance] if service > RESERVED_TYPES => Some(TipcAddress::Name {
                service,
                instance,
                domain,
            }),
            _ => None,
        }
    }

    /// The address as it stands after `tipc://` in `ZMQ_LAST_ENDPOINT`. The domain of a name is
    /// written like the end of a range, as in libzmq.
    pub fn text(&self) -> String {
        match *self {
            TipcAddress::Range {
                service: first,
                lower: second,
                upper: third,
            }
            | TipcAddress::Name {
                service: first,
                instance: second,
                domain: third,
            } => format!("{{{first}, {second}, {third}}}"),
            TipcAddress::Id { node, reference } => {
                let (zone, cluster, node) = (node >> 24, node >> 12 & 0xfff, node & 0xfff);
                format!("<{zone}.{cluster}.{node}:{reference}>")
            }
            TipcAddress::Random => "<*>".to_owned(),
        }
    }
}

fn parse_node(text: &str) -> Option<u32> {
    let mut parts = text.split('.').map(number);
    let (zone, cluster, last) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = zone < 1 << 8 && cluster < 1 << 12 && last < 1 << 12 && parts.next().is_none();
    fits.then_some(node(zone, cluster, last))
}

fn number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(' ');
    let plain = digits.starts_with(|c: char| c.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(parse: fn(&[u8]) -> Result<TipcAddress>, text: &str) -> Option<String> {
        parse(text.as_bytes()).ok().map(|address| address.text())
    }

    #[test]
    fn addresses_and_how_they_are_shown() {
        // Text, whether it binds, whether it connects, how it is shown.
        for (text, binds, connects, expected) in [
            ("{5560,0,0}", true, true, "{5560, 0, 0}"),
            ("{5560, 0, 0}", true, true, "{5560, 0, 0}"),
            ("{64,1,4294967295}", true, true, "{64, 1, 4294967295}"),
            ("{5560,7}", true, true, "{5560, 7, 16777216}"),
            ("{5560,7}@1.2.3", true, true, "{5560, 7, 16785411}"),
            ("<1.2.3:4>", false, true, "<1.2.3:4>"),
            ("<*>", true, false, "<*>"),
        ] {
            let shown_as = |yes: bool| yes.then(|| expected.to_owned());
            assert_eq!(shown(TipcAddress::bind, text), shown_as(binds), "{text}");
            assert_eq!(
                shown(TipcAddress::connect, text),
                shown_as(connects),
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "bad",
            "{",
            "{}",
            "{5560}",
            "{5560,1,2,3}",
            "{63,0,0}",
            "{64,0}",
            "{5560,2,1}",
            "{5560,x}",
            "{5560,-1}",
            "{5560,4294967296}",
            "{5560,0,0}@",
            "{5560,0}@1.2",
            "{5560,0}@1.2.3.4",
            "{5560,0}@1.2.3x",
            "<1.2.3>",
            "<1.2:3>",
            "<256.0.0:1>",
            "<>",
        ] {
            assert_eq!(
                TipcAddress::bind(text.as_bytes()),
                Err(Error::Invalid),
                "{text}"
            );
            assert_eq!(
                TipcAddress::connect(text.as_bytes()),
                Err(Error::Invalid),
                "{text}"
            );
        }
    }
}

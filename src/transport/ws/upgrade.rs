//! The opening handshake of a WebSocket (RFC 6455, section 4; ZWS 2.0, RFC 45).
//!
//! The client asks by an HTTP request for the subprotocols that its mechanism has, the server
//! agrees to one of them. Heads of more than [`HEAD_MAX`] bytes are refused.

#![forbid(unsafe_code)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use httparse::{Header, Request, Response, Status};
use sha1_smol::Sha1;

/// The most bytes that the head of a request or response may have.
pub(super) const HEAD_MAX: usize = 8 * 1024;
/// The most header fields in it.
const FIELDS_MAX: usize = 64;
/// What RFC 6455 appends to the key of a request.
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A subprotocol of ZWS 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `ZWS2.0`: no mechanism; the first message of each side is its routing id.
    Bare,
    /// `ZWS2.0/NULL` and the like: the commands of a mechanism come first.
    Mechanism(&'static str),
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Protocol::Bare => "ZWS2.0",
            Protocol::Mechanism(name) => name,
        }
    }
}

/// The subprotocols of a security mechanism, the best first.
pub(super) fn protocols(mechanism: &str) -> &'static [Protocol] {
    match mechanism {
        "NULL" => &[Protocol::Mechanism("ZWS2.0/NULL"), Protocol::Bare],
        "PLAIN" => &[Protocol::Mechanism("ZWS2.0/PLAIN")],
        "CURVE" => &[Protocol::Mechanism("ZWS2.0/CURVE")],
        _ => &[],
    }
}

/// The client's request. `key` is random.
pub(super) fn request(host: &str, path: &str, key: [u8; 16], offered: &[Protocol]) -> String {
    let names: Vec<_> = offered.iter().map(|protocol| protocol.name()).collect();
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
        BASE64.encode(key),
        names.join(","),
    )
}

/// A head that has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head<T> {
    /// More bytes are needed.
    Partial,
    /// It is complete, and takes so many bytes.
    Complete(T, usize),
}

/// Why a request is refused: the status line's code and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: &'static str,
    /// Fields of the answer besides the usual ones.
    fields: &'static str,
    /// For the log.
    pub(super) reason: &'static str,
}

impl Refusal {
    const fn new(status: &'static str, reason: &'static str) -> Refusal {
        Refusal {
            status,
            fields: "",
            reason,
        }
    }

    /// The server's answer, after which it closes the connection.
    pub(super) fn answer(&self) -> String {
        format!(
            "HTTP/1.1 {}\r\n{}Content-Type: text/plain\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{}\n",
            self.status,
            self.fields,
            self.reason.len() + 1,
            self.reason,
        )
    }
}

const BAD: &str = "400 Bad Request";

/// What the server agrees to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) protocol: Protocol,
    /// The server's answer.
    pub(super) answer: String,
}

/// The server's reading of a request, of which `bytes` have arrived.
///
/// Errors: why it is refused.
pub(super) fn accept(bytes: &[u8], served: &[Protocol]) -> Result<Head<Agreed>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = Request::new(&mut fields);
    let length = match request.parse(&bytes[..bytes.len().min(HEAD_MAX)]) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if bytes.len() < HEAD_MAX => return Ok(Head::Partial),
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            let status = "431 Request Header Fields Too Large";
            return Err(Refusal::new(status, "the request is too long"));
        }
        Err(_) => return Err(Refusal::new(BAD, "this is not an HTTP request")),
    };
    if request.method != Some("GET") {
        let refusal = Refusal::new("405 Method Not Allowed", "the method is not GET");
        return Err(Refusal {
            fields: "Allow: GET\r\n",
            ..refusal
        });
    }
    if request.version != Some(1) {
        return Err(Refusal::new(
            "505 HTTP Version Not Supported",
            "the version is not HTTP/1.1",
        ));
    }
    let fields = &*request.headers;
    let upgrades = lists(fields, "Upgrade", "websocket") && lists(fields, "Connection", "upgrade");
    if !upgrades || !lists(fields, "Sec-WebSocket-Version", "13") {
        let status = "426 Upgrade Required";
        return Err(Refusal {
            fields: "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            ..Refusal::new(status, "this address serves WebSockets of version 13")
        });
    }
    let key = { field(fields, "Sec-WebSocket-Key") }
        .filter(|key| BASE64.decode(key).is_ok_and(|key| key.len() == 16))
        .ok_or(Refusal::new(BAD, "Sec-WebSocket-Key is missing or wrong"))?;
    let asked = elements(fields, "Sec-WebSocket-Protocol");
    let protocol = { asked.into_iter() }
        .find_map(|asked| served.iter().find(|one| one.name().as_bytes() == asked))
        .ok_or(Refusal::new(
            BAD,
            "no subprotocol of ZWS 2.0 fits the server's mechanism",
        ))?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
        accept_key(key),
        protocol.name(),
    );
    let protocol = *protocol;
    Ok(Head::Complete(Agreed { protocol, answer }, length))
}

/// The client's reading of a response, of which `bytes` have arrived, to its request with `key`.
///
/// Errors: why it is none, for the log.
pub(super) fn confirm(
    bytes: &[u8],
    key: [u8; 16],
    offered: &[Protocol],
) -> Result<Head<Protocol>, &'static str> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut response = Response::new(&mut fields);
    let length = match response.parse(&bytes[..bytes.len().min(HEAD_MAX)]) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if bytes.len() < HEAD_MAX => return Ok(Head::Partial),
        Ok(Status::Partial) => return Err("the response is too long"),
        Err(_) => return Err("this is not an HTTP response"),
    };
    if response.code != Some(101) {
        return Err("the server did not switch to WebSockets");
    }
    let fields = &*response.headers;
    if !lists(fields, "Upgrade", "websocket") || !lists(fields, "Connection", "upgrade") {
        return Err("the response does not upgrade the connection");
    }
    let expected = accept_key(BASE64.encode(key).as_bytes());
    if field(fields, "Sec-WebSocket-Accept") != Some(expected.as_bytes()) {
        return Err("Sec-WebSocket-Accept is wrong");
    }
    let agreed = elements(fields, "Sec-WebSocket-Protocol");
    let [agreed] = agreed[..] else {
        return Err("the server agrees to no subprotocol, or to several");
    };
    let protocol = offered.iter().find(|one| one.name().as_bytes() == agreed);
    let protocol = protocol.ok_or("the server agrees to a subprotocol that was not offered")?;
    Ok(Head::Complete(*protocol, length))
}

fn accept_key(key: &[u8]) -> String {
    let mut sum = Sha1::new();
    sum.update(key);
    sum.update(KEY_SUFFIX);
    BASE64.encode(sum.digest().bytes())
}

fn named<'a>(fields: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let all = fields.iter();
    let named = all.filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| field.value.trim_ascii())
}

/// The value of a field that stands there once.
fn field<'a>(fields: &'a [Header<'a>], name: &'a str) -> Option<&'a [u8]> {
    let mut values = named(fields, name);
    let first = values.next();
    first.filter(|_| values.next().is_none())
}

/// The elements of a field that is a list, which may stand there several times.
fn elements<'a>(fields: &'a [Header<'a>], name: &'a str) -> Vec<&'a [u8]> {
    let lists = named(fields, name).flat_map(|list| list.split(|byte| *byte == b','));
    let elements = lists.map(<[u8]>::trim_ascii);
    elements.filter(|element| !element.is_empty()).collect()
}

fn lists(fields: &[Header<'_>], name: &str, element: &str) -> bool {
    let mut all = elements(fields, name).into_iter();
    all.any(|one| one.eq_ignore_ascii_case(element.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 16] = *b"the sample nonce";
    const NULL: Protocol = Protocol::Mechanism("ZWS2.0/NULL");

    /// The example of RFC 6455, section 1.3.
    #[test]
    fn the_accept_key_is_that_of_the_rfc() {
        let key = BASE64.encode(KEY);
        assert_eq!(key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_key(key.as_bytes()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn client_and_server_agree() {
        for (client, server, agreed) in [
            ("NULL", "NULL", Some(NULL)),
            ("PLAIN", "PLAIN", Some(Protocol::Mechanism("ZWS2.0/PLAIN"))),
            ("CURVE", "CURVE", Some(Protocol::Mechanism("ZWS2.0/CURVE"))),
            ("CURVE", "NULL", None),
        ] {
            let request = request("host:80", "/path", KEY, protocols(client));
            for part in 0..request.len() {
                let head = accept(&request.as_bytes()[..part], protocols(server));
                assert_eq!(head, Ok(Head::Partial));
            }
            let more = format!("{request}rest");
            match (accept(more.as_bytes(), protocols(server)), agreed) {
                (Ok(Head::Complete(head, length)), Some(expected)) => {
                    assert_eq!((head.protocol, length), (expected, request.len()));
                    let head = format!("{}rest", head.answer);
                    let heard = confirm(head.as_bytes(), KEY, protocols(client));
                    assert_eq!(heard, Ok(Head::Complete(expected, head.len() - 4)));
                }
                (Err(refusal), None) => assert!(refusal.answer().starts_with("HTTP/1.1 400 ")),
                other => panic!("{client} and {server}: {other:?}"),
            }
        }
    }

    fn ask(change: impl FnOnce(String) -> String) -> Result<Head<Agreed>, Refusal> {
        let request = request("host", "/", KEY, protocols("NULL"));
        accept(change(request).as_bytes(), protocols("NULL"))
    }

    #[test]
    fn requests_of_browsers_and_proxies_are_taken() {
        let changes: [(&str, &str); 6] = [
            ("Upgrade: websocket", "upgrade: WebSocket"),
            ("Connection: Upgrade", "connection:keep-alive,  upgrade"),
            (
                "Connection: Upgrade",
                "Connection: keep-alive\r\nConnection: Upgrade",
            ),
            ("ZWS2.0/NULL,ZWS2.0", "mqtt ,\tZWS2.0/NULL"),
            (
                "ZWS2.0/NULL,ZWS2.0",
                "mqtt\r\nSec-WebSocket-Protocol: ZWS2.0/NULL",
            ),
            ("Host: host", "Origin: null\r\nHost: host\r\nCookie: a=b"),
        ];
        for (from, to) in changes {
            match ask(|request| request.replace(from, to)) {
                Ok(Head::Complete(agreed, _)) => assert_eq!(agreed.protocol, NULL),
                other => panic!("{to}: {other:?}"),
            }
        }
        let bare = ask(|request| request.replace("ZWS2.0/NULL,", ""));
        assert!(matches!(
            bare,
            Ok(Head::Complete(
                Agreed {
                    protocol: Protocol::Bare,
                    ..
                },
                _
            ))
        ));
    }

    #[test]
    fn refusals_say_why() {
        let endless = "X: ".repeat(HEAD_MAX);
        let changes: [(&str, &str, &str); 8] = [
            ("GET", "POST", "405"),
            ("HTTP/1.1", "HTTP/1.0", "505"),
            ("GET /", "\u{1}", "400"),
            ("Upgrade: websocket", "X: y", "426"),
            ("Version: 13", "Version: 8", "426"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "short", "400"),
            ("ZWS2.0/NULL,ZWS2.0", "soap", "400"),
            ("Host: host", &endless, "431"),
        ];
        for (from, to, status) in changes {
            let refusal = ask(|request| request.replacen(from, to, 1)).unwrap_err();
            let answer = refusal.answer();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(
                head.contains(&format!("Content-Length: {}", body.len())),
                "{answer}"
            );
        }
    }

    #[test]
    fn a_response_must_answer_the_request() {
        let request = request("host", "/", KEY, protocols("NULL"));
        let Ok(Head::Complete(agreed, _)) = accept(request.as_bytes(), protocols("NULL")) else {
            panic!("refused");
        };
        let changes: [(&str, &str); 6] = [
            ("101 Switching Protocols", "200 OK"),
            ("Upgrade: websocket", "Upgrade: h2c"),
            ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x"),
            ("ZWS2.0/NULL", "ZWS2.0/CURVE"),
            ("ZWS2.0/NULL", "ZWS2.0/NULL, ZWS2.0"),
            ("HTTP/1.1", "SSH-2.0"),
        ];
        for (from, to) in changes {
            let answer = agreed.answer.replacen(from, to, 1);
            assert!(
                confirm(answer.as_bytes(), KEY, protocols("NULL")).is_err(),
                "{to}"
            );
        }
        let endless = agreed
            .answer
            .replacen("Upgrade", &"X: ".repeat(HEAD_MAX), 1);
        assert!(confirm(endless.as_bytes(), KEY, protocols("NULL")).is_err());
    }
}

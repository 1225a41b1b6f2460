//! Handshakes between a client and a server, with somebody in between who may
//! change what they say.

#![forbid(unsafe_code)]

use super::conversation::{Alteration, Conversation, Outcomes};
use super::input::Input;
use std::cell::Cell;
use zmq::abi::socket_type::SPECS;
use zmq::testing::error::Result;
use zmq::testing::options::Secret;
use zmq::testing::zmtp::curve::{CurveConfig, CurveRole, public_key};
use zmq::testing::zmtp::{
    Flags, Framing, HandshakeConfig, HandshakeError, Mechanism, MechanismConfig, PlainRole,
    ProtocolError, ZapPolicy, ZapVerdict,
    metadata::{self, PropertyList},
};

/// NULL between any two ends.
pub fn null(input: &[u8]) {
    run(input, |_| {
        ([MechanismConfig::Null, MechanismConfig::Null], true)
    });
}

/// PLAIN, now and then between ends that do not fit.
pub fn plain(input: &[u8]) {
    run(input, |input| {
        let client = MechanismConfig::Plain(PlainRole::Client {
            username: input.short().to_vec(),
            password: Secret::new(input.short().to_vec()),
        });
        let server = MechanismConfig::Plain(PlainRole::Server);
        match input.byte() {
            255 => ([client.clone(), client], false),
            254 => ([server.clone(), server], false),
            253 => ([client, MechanismConfig::Null], false),
            _ => ([client, server], true),
        }
    });
}

/// CURVE, now and then with a wrong key.
pub fn curve(input: &[u8]) {
    run(input, |input| {
        let right = input.byte() != 255;
        ([curve_client(right), curve_server()], right)
    });
}

const CLIENT_SECRET: [u8; 32] = [0x11; 32];
const SERVER_SECRET: [u8; 32] = [0x22; 32];

thread_local! {
    static CLIENT_DRAWS: Cell<u64> = const { Cell::new(0) };
    static SERVER_DRAWS: Cell<u64> = const { Cell::new(0) };
    static PUBLIC: [[u8; 32]; 2] = [CLIENT_SECRET, SERVER_SECRET].map(|key| public_key(&key));
}

/// Numbers that are the same in every run.
fn draw(state: &Cell<u64>, bytes: &mut [u8]) {
    for byte in bytes {
        let next = state.get().wrapping_mul(0x5851_f42d_4c95_7f2d) + 1;
        state.set(next >> 1);
        *byte = (next >> 56) as u8;
    }
}

fn client_random(bytes: &mut [u8]) -> Result<()> {
    CLIENT_DRAWS.with(|state| draw(state, bytes));
    Ok(())
}

fn server_random(bytes: &mut [u8]) -> Result<()> {
    SERVER_DRAWS.with(|state| draw(state, bytes));
    Ok(())
}

fn curve_client(right: bool) -> MechanismConfig {
    let [client, server] = PUBLIC.with(|keys| *keys);
    MechanismConfig::Curve(CurveConfig {
        role: CurveRole::Client {
            server_key: if right { server } else { client },
            public_key: client,
            secret_key: Secret::new(CLIENT_SECRET),
        },
        random: client_random,
    })
}

fn curve_server() -> MechanismConfig {
    MechanismConfig::Curve(CurveConfig {
        role: CurveRole::Server {
            secret_key: Secret::new(SERVER_SECRET),
        },
        random: server_random,
    })
}

/// Everything about a conversation but how it is cut into pieces.
struct Setting {
    ends: [HandshakeConfig; 2],
    fitting: bool,
    verdict: ZapVerdict,
    alterations: Vec<Alteration>,
}

impl Setting {
    fn begin(&self) -> Conversation {
        CLIENT_DRAWS.set(1);
        SERVER_DRAWS.set(2);
        let ends = self.ends.clone();
        Conversation::new(ends, self.verdict.clone(), self.alterations.clone())
    }

    /// Whether nothing stands in the way of both ends' agreement.
    fn is_good(&self) -> bool {
        let [client, server] = &self.ends;
        let reserved: [&[u8]; 2] = [b"Socket-Type", b"Identity"];
        self.alterations.is_empty()
            && client.socket_type.is_compatible(server.socket_type)
            && self.fitting
            && self.ends.iter().all(|end| {
                let names = &mut end.app_metadata.iter().map(|(name, _)| &name[..]);
                let bad = |name| reserved.contains(&name) || !metadata::is_name(name);
                end.max_msg_size < 0 && !names.any(bad)
            })
    }
}

/// `choose` gives the mechanisms, and tells whether they fit together.
fn run(input: &[u8], choose: impl FnOnce(&mut Input<'_>) -> ([MechanismConfig; 2], bool)) {
    let input = &mut Input::new(input);
    let (mechanisms, fitting) = choose(input);
    let setting = Setting {
        ends: mechanisms.map(|mechanism| config(input, mechanism)),
        fitting,
        verdict: verdict(input),
        alterations: (0..input.below(4))
            .map(|_| Alteration::read(input))
            .collect(),
    };
    let step = 1 + usize::from(input.byte());
    let again = input.below(4) == 0;
    let mut whole = setting.begin();
    let outcomes = whole.run(usize::MAX);
    if again {
        let mut pieces = setting.begin();
        assert_eq!(pieces.run(step), outcomes, "in pieces of {step}");
        assert_eq!(pieces.sent, whole.sent, "in pieces of {step}");
    }
    check_outcomes(&setting, &whole, outcomes);
    if outcomes == [Ok(true), Ok(true)] {
        finish(input, &setting, whole);
    }
}

fn config(input: &mut Input<'_>, mechanism: MechanismConfig) -> HandshakeConfig {
    let number = input.below(SPECS.len());
    let flags = input.byte();
    HandshakeConfig {
        socket_type: SPECS[number].kind,
        routing_id: input.short().to_vec(),
        max_msg_size: if flags & 1 == 0 {
            -1
        } else {
            input.word().into()
        },
        mechanism,
        zap: ZapPolicy {
            domain_set: flags & 2 != 0,
            enforce_domain: flags & 4 != 0,
        },
        app_metadata: (0..flags >> 6)
            .map(|_| (input.short().to_vec(), input.short().to_vec()))
            .collect(),
    }
}

fn verdict(input: &mut Input<'_>) -> ZapVerdict {
    match input.below(8) {
        0..=2 => ZapVerdict::Accept(PropertyList::default()),
        3 => ZapVerdict::Accept([(metadata::USER_ID, input.short())].into_iter().collect()),
        4 => ZapVerdict::Deny([300, 400, 500][input.below(3)]),
        5 => ZapVerdict::Deny(input.word()),
        6 => ZapVerdict::Unavailable,
        _ => ZapVerdict::Invalid(ProtocolError::ZapMalformedReply),
    }
}

fn check_outcomes(setting: &Setting, talk: &Conversation, outcomes: Outcomes) {
    if !setting.is_good() {
        return;
    }
    let accepted = matches!(setting.verdict, ZapVerdict::Accept(_));
    if talk.asked == [0, 0] || accepted {
        assert_eq!(outcomes, [Ok(true), Ok(true)]);
        return;
    }
    let asker = usize::from(talk.asked[0] == 0);
    match setting.verdict {
        ZapVerdict::Deny(status) => {
            assert_eq!(outcomes[asker], Err(HandshakeError::Denied(status)));
            assert_ne!(outcomes[1 - asker], Ok(true));
        }
        ZapVerdict::Invalid(error) => {
            assert_eq!(outcomes[asker], Err(HandshakeError::Protocol(error)));
        }
        _ => {
            let plain = setting.ends[1].mechanism.name() == "PLAIN";
            let required = plain || setting.ends[asker].zap.enforce_domain;
            if required {
                assert_eq!(outcomes[asker], Err(HandshakeError::NoZapHandler));
            }
        }
    }
}

/// Both ends are through: what they agreed on, and some traffic.
fn finish(input: &mut Input<'_>, setting: &Setting, talk: Conversation) {
    let secure = setting.ends[0].mechanism.name() == "CURVE";
    if secure {
        check_bodies(&talk);
    }
    let good = setting.is_good();
    let sessions = talk.into_sessions();
    if good {
        for (own, session) in sessions.iter().enumerate() {
            let peer = &setting.ends[1 - own];
            assert_eq!(session.peer_socket_type, Some(peer.socket_type));
            let kind = peer.socket_type.name().as_bytes();
            assert_eq!(session.property(b"Socket-Type"), Some(kind));
            if !session.peer_routing_id.is_empty() {
                let id = &peer.routing_id[..peer.routing_id.len().min(255)];
                assert_eq!(session.peer_routing_id, id);
            }
        }
    }
    let mut mechanisms = sessions.map(|session| session.mechanism);
    if good || secure {
        exchange(input, &mut mechanisms);
    }
}

/// With CURVE, who is through has heard what the other one said: all but the
/// padding of HELLO.
fn check_bodies(talk: &Conversation) {
    let heard = talk.heard();
    for (end, heard) in heard.iter().enumerate() {
        let mut heard = bodies(heard);
        let mut said = bodies(&talk.sent[end]);
        if end == 0 {
            for hello in [&mut heard[0], &mut said[0]] {
                hello[8..80].fill(0);
            }
        }
        let count = heard.len().min(said.len());
        assert!(count >= 2 && heard[..2] == said[..2]);
    }
}

/// The bodies of the frames behind a greeting.
fn bodies(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = stream.get(64..).unwrap_or_default();
    let mut bodies = Vec::new();
    while let Ok(Some(header)) = Framing::V2.decode_header(rest) {
        let end = header.size.saturating_add(header.len as u64);
        let Some((frame, after)) = usize::try_from(end)
            .ok()
            .and_then(|end| rest.split_at_checked(end))
        else {
            break;
        };
        bodies.push(frame[header.len..].to_vec());
        rest = after;
    }
    bodies
}

/// Messages both ways; one that was changed on its way ends it.
fn exchange(input: &mut Input<'_>, mechanisms: &mut [Mechanism; 2]) {
    const BARE: Flags = Flags {
        more: false,
        command: false,
    };
    for _ in 0..16 {
        if input.is_empty() {
            return;
        }
        let kind = input.byte();
        let from = usize::from(kind & 1);
        let transparent = mechanisms[from].transparent();
        let flags = Flags {
            more: kind & 2 != 0,
            command: kind & 4 != 0,
        };
        let repeat = if kind & 8 == 0 {
            1
        } else {
            1 + input.below(64)
        };
        let body = input.short().repeat(repeat);
        let mut frame = Vec::new();
        mechanisms[from].encode(flags, &body, &mut frame);
        let header = Framing::V2.decode_header(&frame);
        let header = header.ok().flatten().expect("a whole frame");
        assert_eq!(header.len as u64 + header.size, frame.len() as u64);
        let on_wire = Flags {
            more: header.more,
            command: header.command,
        };
        let mut wire = frame.split_off(header.len);
        let sent = wire.clone();
        if kind & 0x30 == 0x30 && !transparent {
            Alteration::read(input).change(&mut wire);
        }
        let altered = wire != sent;
        let to = &mut mechanisms[1 - from];
        let result = to.decode(if transparent { on_wire } else { BARE }, &mut wire);
        if altered {
            assert!(result.is_err(), "an altered message passed");
            return;
        }
        let (found, text) = result.expect("a good message");
        assert_eq!((found, &*text), (flags, &body[..]));
    }
}

/// One end of any mechanism, its random numbers begun anew.
pub fn any_mechanism(number: u8) -> MechanismConfig {
    CLIENT_DRAWS.set(1);
    SERVER_DRAWS.set(2);
    match number % 8 {
        0 => MechanismConfig::Plain(PlainRole::Server),
        1 => MechanismConfig::Plain(PlainRole::Client {
            username: b"admin".to_vec(),
            password: Secret::new(b"secret".to_vec()),
        }),
        2 => curve_server(),
        3 => curve_client(true),
        _ => MechanismConfig::Null,
    }
}

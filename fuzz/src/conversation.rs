//! Two ends of a handshake, and somebody in between who may change what they
//! say.

#![forbid(unsafe_code)]

use super::input::Input;
use zmq::testing::zmtp::{
    Framing, Handshake, HandshakeConfig, HandshakeError, Session, ZapVerdict,
};

/// What came of each end: whether it is through.
pub type Outcomes = [Result<bool, HandshakeError>; 2];

/// Length of the greeting of two ends of version 3.
const GREETING: usize = 64;

/// A change to one frame of one end, or to a byte of its greeting.
#[derive(Clone, Debug)]
pub struct Alteration {
    /// Whose frame.
    end: usize,
    /// Which one; 0 is the greeting.
    unit: usize,
    kind: u8,
    place: usize,
    bytes: Vec<u8>,
}

impl Alteration {
    /// One of the fuzzer's choice.
    pub fn read(input: &mut Input<'_>) -> Self {
        let which = input.byte();
        Alteration {
            end: usize::from(which & 1),
            unit: usize::from(which >> 1 & 3),
            kind: which >> 3,
            place: input.word().into(),
            bytes: input.short().to_vec(),
        }
    }

    /// Changes a body.
    pub fn change(&self, body: &mut Vec<u8>) {
        let place = self.place % (body.len() + 1);
        let after = body.split_off(place);
        let kept = match self.kind % 4 {
            0 => {
                let mixed = self.bytes.iter().zip(&after).map(|(a, b)| a ^ b);
                body.extend(mixed);
                self.bytes.len()
            }
            1 => {
                body.extend_from_slice(&self.bytes);
                self.bytes.len()
            }
            2 => {
                body.extend_from_slice(&self.bytes);
                0
            }
            _ => after.len(),
        };
        body.extend_from_slice(after.get(kept..).unwrap_or_default());
    }

    /// Puts what becomes of a frame onto the wire.
    fn apply(&self, frame: &[u8], header: usize, wire: &mut Vec<u8>) {
        let mut body = frame[header..].to_vec();
        let command = |body: &[u8], wire: &mut Vec<u8>| {
            Framing::V2.append_frame(false, true, body, wire);
        };
        match self.kind {
            0..16 => {
                self.change(&mut body);
                command(&body, wire);
            }
            // Another frame in its place, in front of it, or behind it.
            16 => command(&self.bytes, wire),
            17 | 18 => {
                command(&self.bytes, wire);
                wire.extend_from_slice(frame);
            }
            19 | 20 => {
                wire.extend_from_slice(frame);
                command(&self.bytes, wire);
            }
            21 => {}
            22 => wire.extend_from_slice(&[frame, frame].concat()),
            // Of another kind, or in the long form.
            23 | 24 => {
                wire.push(frame[0] ^ self.place as u8);
                wire.extend_from_slice(&frame[1..]);
            }
            25 | 26 => {
                wire.push(frame[0] | 2);
                wire.extend_from_slice(&(body.len() as u64).to_be_bytes());
                wire.extend_from_slice(&body);
            }
            // No frame at all.
            _ => {
                wire.extend_from_slice(&self.bytes);
                wire.extend_from_slice(frame);
            }
        }
    }
}

/// See the module.
pub struct Conversation {
    ends: [Handshake; 2],
    /// All that each end has said.
    pub sent: [Vec<u8>; 2],
    /// How often each end asked ZAP.
    pub asked: [usize; 2],
    /// What the other end hears of it, and how much of that it has read.
    wire: [Vec<u8>; 2],
    read: [usize; 2],
    /// How much of what was said is on the wire, and the number of its frame.
    passed: [usize; 2],
    unit: [usize; 2],
    alterations: Vec<Alteration>,
    verdict: ZapVerdict,
}

impl Conversation {
    /// Begins one.
    pub fn new(
        configs: [HandshakeConfig; 2],
        verdict: ZapVerdict,
        alterations: Vec<Alteration>,
    ) -> Self {
        let mut ends = configs.map(Handshake::new);
        let mut sent = [Vec::new(), Vec::new()];
        for (end, sent) in ends.iter_mut().zip(&mut sent) {
            end.start(sent);
        }
        Conversation {
            ends,
            sent,
            asked: [0, 0],
            wire: [Vec::new(), Vec::new()],
            read: [0, 0],
            passed: [0, 0],
            unit: [0, 0],
            alterations,
            verdict,
        }
    }

    /// Lets both read, at most `step` bytes at a time, until nothing moves. ZAP
    /// answers only when both wait, so that the pace makes no difference.
    pub fn run(&mut self, step: usize) -> Outcomes {
        let mut outcomes = [Ok(false), Ok(false)];
        for _ in 0..100_000 {
            let mut moved = false;
            for end in [0, 1] {
                self.pass(end);
                if outcomes[1 - end] == Ok(false) {
                    moved |= self.turn(1 - end, step, &mut outcomes[1 - end]);
                }
            }
            if !moved && !self.answer(&mut outcomes) {
                return outcomes;
            }
        }
        panic!("the handshake has no end");
    }

    /// Puts whole frames of an end onto the wire.
    fn pass(&mut self, end: usize) {
        let sent = &self.sent[end];
        let wire = &mut self.wire[end];
        while self.passed[end] < sent.len().min(GREETING) {
            let place = self.passed[end];
            let mut byte = sent[place];
            for alteration in &self.alterations {
                if (alteration.end, alteration.unit) == (end, 0) {
                    if let Some(offset) = place.checked_sub(alteration.place % GREETING) {
                        byte ^= alteration.bytes.get(offset).copied().unwrap_or(0);
                    }
                }
            }
            wire.push(byte);
            self.passed[end] += 1;
            self.unit[end] = 1;
        }
        loop {
            let rest = &sent[self.passed[end]..];
            let Ok(Some(header)) = Framing::V2.decode_header(rest) else {
                return;
            };
            let length = header.size.saturating_add(header.len as u64);
            if length > rest.len() as u64 {
                return;
            }
            let frame = &rest[..length as usize];
            let mut mine = self
                .alterations
                .iter()
                .filter(|alteration| (alteration.end, alteration.unit) == (end, self.unit[end]));
            match mine.next() {
                Some(alteration) => alteration.apply(frame, header.len, wire),
                None => wire.extend_from_slice(frame),
            }
            self.passed[end] += frame.len();
            self.unit[end] += 1;
        }
    }

    /// Lets an end read; says whether it did.
    fn turn(
        &mut self,
        end: usize,
        step: usize,
        outcome: &mut Result<bool, HandshakeError>,
    ) -> bool {
        let start = self.read[end];
        let wire = &self.wire[1 - end];
        let input = &wire[start..wire.len().min(start.saturating_add(step))];
        if input.is_empty() {
            return false;
        }
        let result = self.ends[end].advance(input, &mut self.sent[end]);
        if let Ok(progress) = result {
            assert!(progress.consumed <= input.len());
            assert!(progress.done || progress.consumed == input.len());
            self.read[end] += progress.consumed;
        }
        *outcome = result.map(|progress| progress.done);
        if let Err(error) = result {
            let again = self.ends[end].advance(&[], &mut Vec::new());
            assert_eq!(again, Err(error), "an error stays");
        }
        true
    }

    /// Answers the questions to ZAP; says whether there was one.
    fn answer(&mut self, outcomes: &mut Outcomes) -> bool {
        let mut answered = false;
        for (end, outcome) in outcomes.iter_mut().enumerate() {
            if *outcome != Ok(false) || self.ends[end].take_zap_request().is_none() {
                continue;
            }
            self.asked[end] += 1;
            assert_eq!(self.asked[end], 1, "asked again");
            *outcome = self.ends[end].zap_reply(self.verdict.clone(), &mut self.sent[end]);
            answered = true;
        }
        answered
    }

    /// What was heard of each end.
    pub fn heard(&self) -> [&[u8]; 2] {
        [0, 1].map(|end| &self.wire[end][..self.read[1 - end]])
    }

    /// What both ends agreed on; they must be through.
    pub fn into_sessions(self) -> [Session; 2] {
        self.ends.map(Handshake::into_session)
    }
}

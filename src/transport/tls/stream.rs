//! A byte stream inside of TLS.

#![forbid(unsafe_code)]

use super::super::byte_stream::ByteStream;
use super::super::layer::Show;
use super::super::stream::{LayerError, Stream};
use crate::sys::room::Room;
use rustls::Connection;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Most bytes of plaintext, and of records, that wait for the network.
const PENDING: usize = 64 * 1024;

/// One end of a TLS connection over another stream. It shakes hands by itself as it is read and
/// written.
pub struct Tls {
    inner: ByteStream,
    show: Option<Show>,
    connection: RefCell<Connection>,
}

impl Tls {
    /// Begins the handshake with the first read or write.
    pub fn new(inner: ByteStream, connection: impl Into<Connection>, show: Option<Show>) -> Tls {
        let mut connection = connection.into();
        connection.set_buffer_limit(Some(PENDING));
        Tls {
            inner,
            show,
            connection: RefCell::new(connection),
        }
    }

    fn shown(&self, below: Vec<u8>) -> Vec<u8> {
        match &self.show {
            Some(show) => show(&below),
            None => below,
        }
    }

    /// Gives the network the records that wait. False if some are left.
    fn push(&self, connection: &mut Connection) -> io::Result<bool> {
        while connection.wants_write() {
            match connection.write_tls(&mut Network(&self.inner)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads records from the network. False at the end of the stream.
    fn pull(&self, connection: &mut Connection) -> io::Result<bool> {
        let count = connection.read_tls(&mut Network(&self.inner))?;
        if let Err(error) = connection.process_new_packets() {
            // The peer is to know why: an alert is among the records that wait.
            let _ = self.push(connection);
            let (reason, code) = (format!("TLS: {error}"), None);
            return Err(LayerError { reason, code }.into());
        }
        Ok(count > 0)
    }
}

/// The stream below, as rustls reads and writes it.
struct Network<'a>(&'a ByteStream);

impl Read for Network<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for Network<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connection.fmt(f)
    }
}

impl AsFd for Tls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl Stream for Tls {
    fn read(&self, room: &mut Room<'_>) -> io::Result<usize> {
        let connection = &mut *self.connection.borrow_mut();
        let before = room.len();
        loop {
            // The plaintext that has been decrypted already.
            let mut reader = connection.reader();
            let ended = loop {
                match reader.fill_buf() {
                    Ok([]) => break true,
                    Ok(plain) => {
                        let count = plain.len().min(room.len());
                        room.put(&plain[..count]);
                        reader.consume(count);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                    Err(error) => return Err(error), // the stream ended without a close
                }
                if room.is_empty() {
                    break false;
                }
            };
            let asked_for_nothing = before == 0 && !connection.is_handshaking();
            if room.len() < before || ended || asked_for_nothing {
                return Ok(before - room.len());
            }
            // Answers of the handshake. What cannot be written is found by a write.
            let _ = self.push(connection);
            if !self.pull(connection)? && connection.is_handshaking() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let connection = &mut *self.connection.borrow_mut();
        let all = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let mut taken = 0;
        let mut pieces = pieces.iter().map(|piece| &piece[..]);
        let mut rest: &[u8] = &[];
        while taken < all {
            while rest.is_empty() {
                rest = pieces.next().unwrap_or_default();
            }
            let count = connection.writer().write(rest)?;
            (taken, rest) = (taken + count, &rest[count..]);
            // Full: the network has to take records first.
            if count == 0 && (!self.push(connection)? || connection.is_handshaking()) {
                break;
            }
        }
        self.push(connection)?;
        match taken {
            0 if all > 0 => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(taken),
        }
    }

    fn has_buffered_input(&self) -> bool {
        let connection = &mut *self.connection.borrow_mut();
        connection
            .reader()
            .fill_buf()
            .is_ok_and(|plain| !plain.is_empty())
    }

    fn has_pending_output(&self) -> bool {
        self.connection.borrow().wants_write()
    }

    fn flush(&self) -> io::Result<()> {
        match self.push(&mut self.connection.borrow_mut())? {
            true => Ok(()),
            false => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn interest(&self, read: bool, write: bool) -> (bool, bool) {
        let connection = self.connection.borrow();
        let pending = connection.wants_write();
        match connection.is_handshaking() {
            true => self.inner.interest(read || write, pending),
            false => self.inner.interest(read, write || pending),
        }
    }

    fn is_hung_up(&self) -> bool {
        self.inner.is_hung_up()
    }

    fn peer_address_text(&self) -> String {
        self.inner.peer_address_text()
    }

    fn local_endpoint(&self) -> Vec<u8> {
        self.shown(self.inner.local_endpoint())
    }

    #[cfg(test)]
    fn remote_endpoint(&self) -> Vec<u8> {
        self.shown(self.inner.remote_endpoint())
    }
}

/// Sends a close_notify, by which the peer knows that nothing was cut off, if the network takes
/// it at once.
impl Drop for Tls {
    fn drop(&mut self) {
        let mut connection = self.connection.borrow_mut();
        connection.send_close_notify();
        // The connection may be lost already.
        let _ = self.push(&mut connection);
    }
}

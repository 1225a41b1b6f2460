//! The file of a bound ipc socket: cleared before the bind, and removed by its owner.

#![forbid(unsafe_code)]

use std::env;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::sys;

/// Variables that may name the directory for wildcard sockets, in this order.
const DIRECTORY_VARIABLES: [&str; 3] = ["TMPDIR", "TEMPDIR", "TMP"];
/// Most names tried for a wildcard directory.
const NAME_TRIES: u32 = 128;

/// A socket file that this process has bound, and the directory made for a wildcard.
/// Dropping it removes both, unless the file has been replaced.
#[derive(Debug)]
pub(super) struct SocketFile {
    /// Absolute, so that a later change of the working directory does not matter.
    path: PathBuf,
    /// Device and inode, if `lstat` is allowed.
    identity: Option<(u64, u64)>,
    /// The owning process: a forked child must not remove its parent's file.
    process: u32,
    directory: Option<WildcardDirectory>,
    removed: bool,
}

impl SocketFile {
    /// Records the file that `bind` has just made at `path`. `None` if it is gone already
    /// or is not a socket: then there is nothing to remove.
    pub(super) fn record(path: &Path, directory: Option<WildcardDirectory>) -> Option<SocketFile> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (is_socket, identity) = match fs::symlink_metadata(&path) {
            Ok(found) => (found.file_type().is_socket(), Some(identity(&found))),
            Err(error) if sys::is_refused(&error) => (is_socket(&path), None),
            Err(_) => return None,
        };
        is_socket.then(|| SocketFile {
            path,
            identity,
            process: std::process::id(),
            directory,
            removed: false,
        })
    }

    /// Removes the file if it is still this one, then the wildcard's directory. Must run
    /// before the descriptor is closed: until then the inode number cannot be reused.
    ///
    /// Errors: the system's. A file that has been replaced is no error; a missing one is an
    /// error for a wildcard only, as in libzmq.
    pub(super) fn remove(mut self) -> io::Result<()> {
        self.remove_once()
    }

    fn remove_once(&mut self) -> io::Result<()> {
        if self.removed {
            return Ok(());
        }
        self.removed = true;
        if self.process != std::process::id() {
            if let Some(directory) = self.directory.take() {
                directory.forget();
            }
            return Ok(());
        }
        let mut gone = Ok(());
        match fs::symlink_metadata(&self.path) {
            Ok(found) if self.is_ours(&found) => fs::remove_file(&self.path)?,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.directory.is_some() {
                    gone = Err(error);
                }
            }
            // Without `lstat` a replaced file is not recognised; libzmq never recognises
            // it.
            Err(error) if sys::is_refused(&error) && is_socket(&self.path) => {
                fs::remove_file(&self.path)?;
            }
            Err(error) => return Err(error),
        }
        match self.directory.take() {
            Some(directory) => gone.and(directory.remove()),
            None => Ok(()),
        }
    }

    fn is_ours(&self, found: &Metadata) -> bool {
        found.file_type().is_socket() && self.identity.is_none_or(|own| own == identity(found))
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Whether `path` is a socket, where `lstat` is forbidden by rules for system calls: an
/// open of a socket fails with `ENXIO`.
fn is_socket(path: &Path) -> bool {
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY;
    let opened = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path);
    opened.is_err_and(|error| error.raw_os_error() == Some(libc::ENXIO))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = self.remove_once();
    }
}

/// A directory made for one wildcard socket, removed when dropped.
#[derive(Debug)]
pub(super) struct WildcardDirectory(Option<PathBuf>);

impl WildcardDirectory {
    /// Makes `tmpXXXXXX`, for this user only, in the directory that the environment names
    /// or else in the current directory. Returns it with the path of the socket in it,
    /// relative if the directory is.
    ///
    /// Errors: the system's.
    pub(super) fn make() -> io::Result<(WildcardDirectory, PathBuf)> {
        let parent = DIRECTORY_VARIABLES
            .iter()
            .filter_map(env::var_os)
            .map(PathBuf::from)
            .find(|path| path.is_dir())
            .unwrap_or_default();
        for _ in 0..NAME_TRIES {
            let path = parent.join(random_name()?);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
                    let socket = path.join("socket");
                    return Ok((WildcardDirectory(Some(absolute)), socket));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from_raw_os_error(libc::EEXIST))
    }

    fn remove(mut self) -> io::Result<()> {
        self.0.take().map_or(Ok(()), fs::remove_dir)
    }

    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for WildcardDirectory {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = fs::remove_dir(path);
        }
    }
}

fn random_name() -> io::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0u8; 6];
    sys::random::fill(&mut random)?;
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    Ok(letters.iter().fold("tmp".to_owned(), |mut name, letter| {
        name.push(*letter);
        name
    }))
}

/// Removes what may be replaced by a bind to `path`: a socket, left over or alive, and an
/// empty file, by which programs reserve a name; both as in libzmq. Anything else stays,
/// and the bind fails with `EADDRINUSE`; libzmq would destroy a file with content.
pub(super) fn clear_way(path: &Path) {
    let in_the_way = |found: Metadata| {
        found.file_type().is_socket() || (found.file_type().is_file() && found.len() == 0)
    };
    let is_in_the_way = match fs::symlink_metadata(path) {
        Ok(found) => in_the_way(found),
        Err(error) => sys::is_refused(&error) && is_socket(path),
    };
    if is_in_the_way {
        let _ = fs::remove_file(path);
    }
}

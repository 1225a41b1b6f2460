//! What is particular to ipc: files, wildcards, abstract names, credentials.

#![forbid(unsafe_code)]

use super::super::conformance::helpers::*;
use crate::error::Error;
use crate::options::Options;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// A directory of one test, removed with what is in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let mut random = [0; 8];
        crate::sys::random::fill(&mut random).expect("randomness");
        let name = format!("fz{:x}", u64::from_ne_bytes(random));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("test directory");
        Folder(path)
    }

    fn at(&self, name: &str) -> (PathBuf, String) {
        let path = self.0.join(name);
        let text = format!("ipc://{}", path.display());
        (path, text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[test]
fn filters_refuse_peers() {
    let listener = bind("ipc://*", &defaults());
    let accept_with = |change: &dyn Fn(&mut Options)| {
        let mut options = defaults();
        change(&mut options);
        let _ours = dial(&text_of(&*listener), &defaults()).expect("dial");
        listener.accept(&options).map(|peer| peer.is_some())
    };
    let pid = std::process::id() as i32;
    assert!(accept_with(&|o| o.ipc_filter_pid = vec![1, pid]).expect("own pid"));
    let error = accept_with(&|o| o.ipc_filter_pid = vec![pid + 1]).expect_err("other pid");
    assert_eq!(error.raw_os_error(), Some(libc::EACCES));
    assert!(accept_with(&|o| o.ipc_filter_uid = vec![77_777]).is_err());
    assert!(accept_with(&|o| o.ipc_filter_gid = vec![77_777]).is_err());
    let either = accept_with(&|o| {
        o.ipc_filter_uid = vec![77_777];
        o.ipc_filter_pid = vec![pid];
    });
    assert!(either.expect("one of them is enough"));
}

#[test]
fn wildcards_make_and_remove_their_directory() {
    let options = defaults();
    let listener = bind("ipc://*anything", &options);
    let text = text_of(&*listener);
    assert!(text.ends_with("/socket"), "{text}");
    let path = PathBuf::from(&text["ipc://".len()..]);
    let directory = path.parent().expect("directory").to_owned();
    let name = directory.file_name().expect("name").to_string_lossy();
    assert!(name.starts_with("tmp") && name.len() == 9, "{name}");
    assert!(is_socket(&path));
    assert_ne!(text_of(&*bind("ipc://*", &options)), text);
    listener.close().expect("close");
    assert!(!directory.exists());
    let dropped = bind("ipc://*", &options);
    let path = PathBuf::from(&text_of(&*dropped)["ipc://".len()..]);
    drop(dropped);
    assert!(!path.parent().expect("directory").exists());
}

#[test]
fn close_tells_what_it_could_not_remove() {
    let options = defaults();
    let listener = bind("ipc://*", &options);
    let path = PathBuf::from(&text_of(&*listener)["ipc://".len()..]);
    let stranger = path.with_file_name("stranger");
    fs::write(&stranger, "data").expect("write");
    assert!(listener.close().is_err(), "the directory is not empty");
    assert!(stranger.exists());
    fs::remove_dir_all(path.parent().expect("directory")).expect("clean up");

    let listener = bind("ipc://*", &options);
    let path = PathBuf::from(&text_of(&*listener)["ipc://".len()..]);
    fs::remove_file(&path).expect("remove");
    let error = listener.close().expect_err("the file is gone");
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(!path.parent().expect("directory").exists());
}

#[test]
fn files_are_removed_by_their_owner_only() {
    let options = defaults();
    let folder = Folder::new();
    let (path, text) = folder.at("s");
    let first = bind(&text, &options);
    assert_eq!(text_of(&*first), text);
    assert!(is_socket(&path));
    // A live endpoint is taken over, as with libzmq; the loser's close must not
    // take it away from the new owner.
    let second = bind(&text, &options);
    first.close().expect("close");
    assert!(is_socket(&path));
    let (ours, theirs) = pair(&*second, &options);
    write_all(&ours, b"x");
    assert_eq!(read_exactly(&theirs, 1), b"x");
    drop(second);
    assert!(!path.exists());
    assert_eq!(try_bind(&text, &options), Ok(text));
}

#[test]
fn takes_over_what_a_crash_left() {
    let folder = Folder::new();
    let (path, text) = folder.at("s");
    drop(UnixListener::bind(&path).expect("left over"));
    assert!(is_socket(&path));
    let listener = bind(&text, &defaults());
    pair(&*listener, &defaults());
}

#[test]
fn spares_everything_but_sockets() {
    let options = defaults();
    let folder = Folder::new();
    let (file, file_text) = folder.at("file");
    fs::write(&file, "data").expect("write");
    let (directory, directory_text) = folder.at("directory");
    fs::create_dir(&directory).expect("mkdir");
    let (link, link_text) = folder.at("link");
    std::os::unix::fs::symlink(&file, &link).expect("symlink");
    for text in [&file_text, &directory_text, &link_text] {
        assert_eq!(try_bind(text, &options), Err(Error::AddrInUse), "{text}");
    }
    assert_eq!(fs::read(&file).expect("still there"), b"data");
    assert!(directory.is_dir() && link.is_symlink());
    let (_, missing) = folder.at("no/such");
    assert_eq!(try_bind(&missing, &options), Err(Error::NotFound));
}

#[test]
fn abstract_names_leave_no_file() {
    let options = defaults();
    let text = format!("ipc://@fz-{}", std::process::id());
    let listener = bind(&text, &options);
    assert_eq!(text_of(&*listener), text);
    assert!(!Path::new(&text["ipc://".len()..]).exists());
    assert_eq!(try_bind(&text, &options), Err(Error::AddrInUse));
    drop(listener);
    assert_eq!(try_bind(&text, &options), Ok(text));
}

#[test]
fn peers_tell_who_they_are() {
    let listener = bind("ipc://*", &defaults());
    let (ours, theirs) = pair(&*listener, &defaults());
    let text = theirs.peer_address_text();
    let parts: Vec<_> = text.split(':').collect();
    assert_eq!((parts[0], parts.len()), ("localhost", 4), "{text}");
    assert_eq!(parts[3], std::process::id().to_string());
    assert_eq!(ours.peer_address_text(), text);
    assert_eq!(theirs.remote_endpoint(), b"ipc://");
}

#[test]
fn a_full_backlog_is_an_error_for_ipc() {
    let options = with(|options| options.backlog = 0);
    let listener = bind("ipc://*", &options);
    let target = &dialers(&text_of(&*listener), &options).expect("path")[0];
    let mut waiting = Vec::new();
    let error = (0..16).find_map(|_| {
        let dial = target.dial(&options).expect("a socket");
        dial.finish(&options)
            .map(|stream| waiting.push(stream))
            .err()
    });
    assert_eq!(error.expect("full").kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_given_descriptor_is_used_and_its_file_left() {
    let folder = Folder::new();
    let (path, text) = folder.at("s");
    let given = OwnedFd::from(UnixListener::bind(&path).expect("bind"));
    let options = with(|options| options.given_fd = Some(given.into()));
    // The address is not looked at.
    let listener = bind("ipc://ignored", &options);
    assert_eq!(text_of(&*listener), text);
    let (ours, theirs) = pair(&*listener, &defaults());
    write_all(&theirs, b"x");
    assert_eq!(read_exactly(&ours, 1), b"x");
    listener.close().expect("close");
    assert!(is_socket(&path), "the application's file");
    let given = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = given.local_addr().expect("address").port();
    let options = with(|options| options.given_fd = Some(OwnedFd::from(given).into()));
    let listener = bind("tcp://127.0.0.1:*", &options);
    assert_eq!(text_of(&*listener), format!("tcp://127.0.0.1:{port}"));
    let result = try_bind("tcp://127.0.0.1:*", &options); // a second time
    assert_eq!(result, Err(Error::Os(libc::EBADF)));
}

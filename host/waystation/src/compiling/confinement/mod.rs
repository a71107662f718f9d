//! What the compiler's process may reach: one folder, and nothing else.
//!
//! A component that finds a way to take over the compiler should find nothing to do there. Two
//! layers hold it, both for good and for every thread that comes later: Landlock closes the file
//! system, and seccomp all calls of the system that compiling has no use for, among them those
//! for networks, programs and other processes.
//!
//! Not every system has them. What is not there is not insisted on: [`possible`] tells, and the
//! server says so when it starts.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;

use std::io;
use std::path::Path;

/// Which layers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Confinement {
    /// No files but those of one folder.
    pub(crate) files: bool,
    /// No calls of the system but those that compiling needs.
    pub(crate) calls: bool,
}

/// Confines this thread, and those it starts from now on, to reading and writing in `folder`.
///
/// # Errors
///
/// The folder can't be opened, or the system has a layer and refuses to put it in place.
#[cfg(target_os = "linux")]
pub(crate) fn confine(folder: Option<&Path>) -> io::Result<Confinement> {
    // In this order: the second closes what the first needs.
    Ok(Confinement { files: files::close(folder)?, calls: calls::close()? })
}

/// Other systems have other means, of which none is used.
#[cfg(not(target_os = "linux"))]
pub(crate) fn confine(_: Option<&Path>) -> io::Result<Confinement> {
    Ok(Confinement { files: false, calls: false })
}

/// What [`confine`] can do on this system: tried out in a thread that ends with it.
pub(crate) fn possible() -> Confinement {
    let tried = std::thread::Builder::new().spawn(|| confine(None));
    let outcome = tried.map(std::thread::JoinHandle::join);
    match outcome {
        Ok(Ok(Ok(confinement))) => confinement,
        _ => Confinement { files: false, calls: false },
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::fs::symlink;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::Command;

    use rustix::process::{Pid, getppid, test_kill_process};

    use super::*;

    /// Both layers: what a system does not have, these tests can't show.
    const ALL: Confinement = Confinement { files: true, calls: true };

    /// Does something in a confined thread.
    fn in_prison(folder: Option<&Path>, act: impl FnOnce() + Send) {
        std::thread::scope(|scope| {
            let prisoner = scope.spawn(|| {
                assert_eq!(confine(folder).unwrap(), ALL);
                act();
            });
            prisoner.join().unwrap();
        });
    }

    #[test]
    fn the_folder_is_open_and_no_other_file() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("secret"), "s").unwrap();
        in_prison(Some(own.path()), || {
            fs::create_dir_all(own.path().join("a/b")).unwrap();
            fs::write(own.path().join("a/b/part"), "code").unwrap();
            fs::rename(own.path().join("a/b/part"), own.path().join("a/whole")).unwrap();
            assert_eq!(fs::read(own.path().join("a/whole")).unwrap(), b"code");
            for stranger in [&other.path().join("secret"), Path::new("/etc/passwd")] {
                let error = fs::read(stranger).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{stranger:?}");
            }
            assert!(fs::read_dir(other.path()).is_err(), "listed");
            assert!(fs::write(other.path().join("new"), "x").is_err(), "written");
            assert!(fs::remove_file(other.path().join("secret")).is_err(), "removed");
            let out = other.path().join("out");
            assert!(fs::rename(own.path().join("a/whole"), out).is_err(), "moved out");
            assert!(fs::hard_link(other.path().join("secret"), own.path().join("in")).is_err());
            // The server would follow it.
            assert!(symlink("/etc/passwd", own.path().join("link")).is_err(), "a link");
        });
    }

    #[test]
    fn without_a_folder_no_file_is_open() {
        let other = tempfile::tempdir().unwrap();
        in_prison(None, || assert!(fs::write(other.path().join("new"), "x").is_err()));
    }

    #[test]
    fn nobody_is_called_and_nothing_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        let address = tcp.local_addr().unwrap();
        let parent: Pid = getppid().unwrap();
        assert!(TcpStream::connect(address).is_ok() && test_kill_process(parent).is_ok());
        in_prison(Some(folder.path()), || {
            assert!(TcpStream::connect(address).is_err(), "TCP");
            assert!(UdpSocket::bind("127.0.0.1:0").is_err(), "UDP");
            assert!(UnixStream::connect(folder.path().join("socket")).is_err(), "a socket");
            assert!(Command::new("/bin/true").spawn().is_err(), "a program");
            assert!(test_kill_process(parent).is_err(), "a signal");
            // What compiling does need: threads, memory, time, randomness.
            let thread = std::thread::spawn(|| vec![1_u8; 64 << 20].len());
            assert_eq!(thread.join().unwrap(), 64 << 20);
            std::thread::scope(|scope| {
                let named = std::thread::Builder::new().name("named".into());
                named.spawn_scoped(scope, std::time::Instant::now).unwrap().join().unwrap();
            });
            getrandom::fill(&mut [0; 16]).unwrap();
        });
        drop(unix);
    }

    #[test]
    fn trying_it_out_confines_nobody_else() {
        assert_eq!(possible(), ALL);
        assert!(fs::read("/etc/passwd").is_ok());
        TcpListener::bind("127.0.0.1:0").unwrap();
    }
}

//! [`Connector`]: records from a Unix socket, connected to anew whenever it closes.
//!
//! In: the path of a socket that somebody listens on, as the `af_unix` plugin of auditd does. Out, step
//! by step: bytes, a [`Polled::File`] for every connection, [`Notice`]s, and how long to rest before the
//! next attempt. After so many attempts in a row that gave nothing it gives up.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::live::{Notice, Polled, Tap};

/// Attempts in a row that may fail; with the pauses between them some twenty seconds.
const ATTEMPTS: u32 = 10;
/// The pause behind the first of them; every further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How long a read waits at most: then somebody looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(250);

/// See the module page.
#[derive(Debug)]
pub(super) struct Connector {
    path: PathBuf,
    name: String,
    stream: Option<UnixStream>,
    /// Attempts in a row that gave nothing.
    failed: u32,
    /// The connection has closed: the next attempt can wait a little.
    rests: bool,
    /// Why, as told.
    told: Option<String>,
}

impl Connector {
    pub(super) fn new(path: PathBuf) -> Self {
        let name = format!("unix:{}", path.display());
        Self { path, name, stream: None, failed: 0, rests: false, told: None }
    }

    /// One step; waits a quarter of a second at most for something to read.
    pub(super) fn poll(&mut self, buffer: &mut [u8]) -> Polled {
        if std::mem::take(&mut self.rests) {
            return Polled::Pause(self.pause());
        }
        let Some(stream) = &mut self.stream else { return self.connect() };
        match stream.read(buffer) {
            Ok(0) => self.close(),
            Ok(length) => {
                self.failed = 0;
                Polled::Bytes(0..length)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => Polled::Pause(Duration::ZERO),
                _ => self.close(),
            },
        }
    }

    fn connect(&mut self) -> Polled {
        let connected = UnixStream::connect(&self.path)
            .and_then(|stream| stream.set_read_timeout(Some(PATIENCE)).map(|()| stream));
        match connected {
            Ok(stream) => {
                self.stream = Some(stream);
                self.told = None;
                Polled::File(self.name.clone())
            }
            Err(error) => {
                let why = error.to_string();
                if self.failed >= ATTEMPTS {
                    let why = format!("gave up after {ATTEMPTS} attempts to connect: {why}");
                    return Polled::Failed(why);
                }
                if self.told.as_ref() != Some(&why) {
                    self.told = Some(why.clone());
                    return Polled::Notice(Notice::Waiting { name: self.name.clone(), why });
                }
                let pause = self.pause();
                self.failed += 1;
                Polled::Pause(pause)
            }
        }
    }

    fn close(&mut self) -> Polled {
        self.stream = None;
        self.rests = true;
        // Whoever accepts connections only to close them is as good as absent.
        self.failed += 1;
        if self.failed > ATTEMPTS {
            let why = format!("gave up after {ATTEMPTS} connections that were closed at once");
            return Polled::Failed(why);
        }
        Polled::Notice(Notice::Closed { name: self.name.clone() })
    }

    fn pause(&self) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << self.failed.min(16)).min(MAX_PAUSE)
    }
}

impl Tap for Connector {
    fn ready(&self) -> Option<BorrowedFd<'_>> {
        self.stream.as_ref().filter(|_| !self.rests).map(|stream| stream.as_fd())
    }

    fn step(&mut self, buffer: &mut [u8]) -> Polled {
        self.poll(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// What the next steps give that are no pauses.
    fn steps(connector: &mut Connector, count: usize) -> Vec<String> {
        let mut buffer = [0; 64];
        let mut out = Vec::new();
        while out.len() < count {
            match connector.poll(&mut buffer) {
                Polled::Bytes(range) => {
                    out.push(String::from_utf8(buffer[range].to_vec()).unwrap());
                }
                Polled::Pause(_) => {}
                Polled::Notice(notice) => {
                    out.push(format!("{notice:?}").split(' ').next().unwrap().to_owned());
                }
                Polled::File(_) => out.push("connected".to_owned()),
                Polled::Failed(why) => out.push(why),
                other => panic!("{other:?}"),
            }
        }
        out
    }

    #[test]
    fn a_closed_connection_is_told_and_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let mut connector = Connector::new(path.clone());
        assert_eq!(steps(&mut connector, 1), ["Waiting"]);
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(steps(&mut connector, 1), ["connected"]);
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"one\n").unwrap();
        assert_eq!(steps(&mut connector, 1), ["one\n"]);
        drop(server);
        assert_eq!(steps(&mut connector, 2), ["Closed", "connected"]);
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"two\n").unwrap();
        assert_eq!(steps(&mut connector, 1), ["two\n"]);
    }

    #[test]
    fn attempts_are_bounded_and_their_pauses_grow() {
        let folder = tempfile::tempdir().unwrap();
        let mut connector = Connector::new(folder.path().join("socket"));
        let mut pauses = Vec::new();
        let why = loop {
            match connector.poll(&mut [0; 64]) {
                Polled::Pause(pause) => pauses.push(pause.as_millis()),
                Polled::Failed(why) => break why,
                Polled::Notice(Notice::Waiting { .. }) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
        assert!(why.starts_with("gave up after 10 attempts to connect: "), "{why}");
    }

    #[test]
    fn a_server_that_only_hangs_up_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let mut connector = Connector::new(path);
        for _ in 0..ATTEMPTS {
            assert_eq!(steps(&mut connector, 1), ["connected"]);
            drop(listener.accept().unwrap());
            assert_eq!(steps(&mut connector, 1), ["Closed"]);
        }
        assert_eq!(steps(&mut connector, 1), ["connected"]);
        drop(listener.accept().unwrap());
        assert_eq!(
            steps(&mut connector, 1),
            ["gave up after 10 connections that were closed at once"]
        );
    }
}

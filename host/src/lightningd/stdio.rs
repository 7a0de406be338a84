//! The two pipes to lightningd, without a thread in between.
//!
//! `tokio::io::stdin` hands every read to a thread pool and costs twelve times
//! as much; a pipe can be polled. What cannot be polled (a file, when somebody
//! replays a session) is read by a thread of its own.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

/// Bytes asked for in one read; a pipe holds 64 KiB by default.
const READ_SIZE: usize = 128 << 10;

/// Where messages come from.
#[derive(Debug)]
pub enum Source {
    /// A pipe, a socket or a terminal.
    Polled(AsyncFd<OwnedFd>),
    /// A regular file, read by a thread.
    Threaded(mpsc::Receiver<io::Result<Vec<u8>>>),
}

impl Source {
    /// This process's stdin. The descriptor is duplicated, so nothing else may read it.
    pub fn stdin() -> io::Result<Self> {
        Self::new(rustix::io::dup(rustix::stdio::stdin())?)
    }

    /// Any readable descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd)?;
        let copy = rustix::io::dup(&fd)?;
        match AsyncFd::register_with_interest(fd, Interest::READABLE).map_err(io::Error::from) {
            Ok(polled) => Ok(Source::Polled(polled)),
            Err(e) if cannot_be_polled(&e) => Ok(Source::Threaded(read_in_thread(copy))),
            Err(e) => Err(e),
        }
    }

    /// Appends what has come; 0 at the end.
    pub async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Source::Polled(fd) => loop {
                let mut ready = fd.readable().await?;
                buffer.reserve(READ_SIZE);
                match rustix::io::read(ready.get_inner(), rustix::buffer::spare_capacity(buffer)) {
                    Ok(count) => return Ok(count),
                    Err(Errno::AGAIN) => ready.clear_ready(),
                    Err(Errno::INTR) => {}
                    Err(e) => return Err(e.into()),
                }
            },
            Source::Threaded(chunks) => match chunks.recv().await {
                None => Ok(0),
                Some(chunk) => {
                    let chunk = chunk?;
                    buffer.extend_from_slice(&chunk);
                    Ok(chunk.len())
                }
            },
        }
    }
}

fn read_in_thread(fd: OwnedFd) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut file = std::fs::File::from(fd);
        loop {
            let mut chunk = vec![0; READ_SIZE];
            let read = io::Read::read(&mut file, &mut chunk).map(|count| {
                chunk.truncate(count);
                chunk
            });
            let last = !matches!(&read, Ok(chunk) if !chunk.is_empty());
            if matches!(&read, Ok(chunk) if chunk.is_empty()) || sender.blocking_send(read).is_err() || last {
                return;
            }
        }
    });
    receiver
}

/// Where messages go.
#[derive(Debug)]
pub struct Sink {
    fd: OwnedFd,
    /// None for what cannot be polled and never blocks for long: a file.
    polled: Option<AsyncFd<OwnedFd>>,
}

impl Sink {
    /// This process's stdout.
    pub fn stdout() -> io::Result<Self> {
        Self::new(rustix::io::dup(rustix::stdio::stdout())?)
    }

    /// Any writable descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd)?;
        let polled = match AsyncFd::register_with_interest(rustix::io::dup(&fd)?, Interest::WRITABLE).map_err(io::Error::from) {
            Ok(polled) => Some(polled),
            Err(e) if cannot_be_polled(&e) => None,
            Err(e) => return Err(e),
        };
        Ok(Sink { fd, polled })
    }

    /// Writes all of it.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            // Try first: the pipe nearly always has room, and asking epoll costs more than writing.
            let written = match rustix::io::write(&self.fd, bytes) {
                Err(Errno::AGAIN) => self.write_when_ready(bytes).await?,
                Err(Errno::INTR) => 0,
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => count,
                Err(e) => return Err(e.into()),
            };
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    async fn write_when_ready(&self, bytes: &[u8]) -> io::Result<usize> {
        let Some(polled) = &self.polled else {
            tokio::task::yield_now().await;
            return Ok(0);
        };
        loop {
            let mut ready = polled.writable().await?;
            let written = ready.try_io(|fd| Ok(rustix::io::write(fd, bytes)?));
            if let Ok(written) = written {
                return written;
            }
        }
    }
}

/// epoll refuses regular files.
fn cannot_be_polled(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::PERM.raw_os_error())
}

fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(&fd)?;
    rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_than_a_pipe_holds_goes_through_whole() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let (mut source, mut sink) = (Source::new(reader).unwrap(), Sink::new(writer).unwrap());
        let sent: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
        let expected = sent.clone();
        let writing = tokio::spawn(async move { sink.write_all(&sent).await });
        let mut got = Vec::new();
        while source.read(&mut got).await.unwrap() > 0 {}
        writing.await.unwrap().unwrap();
        assert_eq!(got, expected);
    }

    #[tokio::test]
    async fn a_file_can_be_read_too() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, b"{\"method\":\"m\"}\n\n").unwrap();
        let mut source = Source::new(std::fs::File::open(file.path()).unwrap().into()).unwrap();
        let mut got = Vec::new();
        while source.read(&mut got).await.unwrap() > 0 {}
        assert_eq!(got, b"{\"method\":\"m\"}\n\n");
    }

    #[tokio::test]
    async fn a_reader_that_left_is_an_error_and_no_signal() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut sink = Sink::new(writer).unwrap();
        drop(reader);
        assert!(sink.write_all(b"x").await.is_err());
    }
}

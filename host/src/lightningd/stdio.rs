//! The two pipes to lightningd, without a thread in between.
//!
//! `tokio::io::stdin` hands every read to a thread pool and costs twelve times
//! as much; a pipe can be polled. What cannot be polled (a file, when somebody
//! replays a session) is read by a thread of its own.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

/// Bytes asked for in one read; a pipe holds 64 KiB by default.
const READ_SIZE: usize = 128 << 10;

/// Where messages come from.
#[derive(Debug)]
pub enum Source {
    /// lightningd's pipe.
    Pipe(pipe::Receiver),
    /// Anything else, read by a thread.
    Threaded(mpsc::Receiver<io::Result<Vec<u8>>>),
}

impl Source {
    /// This process's stdin. The descriptor is duplicated, so nothing else may read it.
    pub fn stdin() -> io::Result<Self> {
        Self::new(rustix::io::dup(rustix::stdio::stdin())?)
    }

    /// Any readable descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let copy = fd.try_clone()?;
        match pipe::Receiver::from_owned_fd(fd) {
            Ok(pipe) => Ok(Source::Pipe(pipe)),
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
                Ok(Source::Threaded(read_in_thread(copy)))
            }
            Err(e) => Err(e),
        }
    }

    /// Appends what has come; 0 at the end.
    pub async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Source::Pipe(pipe) => {
                buffer.reserve(READ_SIZE);
                // Unlike `try_read`, it knows that a short read has emptied the pipe, and
                // saves the read that would only say so.
                pipe.read_buf(buffer).await
            }
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
        let mut file = File::from(fd);
        loop {
            let mut chunk = vec![0; READ_SIZE];
            let read = file.read(&mut chunk);
            let last = !matches!(read, Ok(1..));
            let read = read.map(|count| {
                chunk.truncate(count);
                chunk
            });
            // An empty chunk is the end, as in read(2).
            if sender.blocking_send(read).is_err() || last {
                return;
            }
        }
    });
    receiver
}

/// Where messages go.
#[derive(Debug)]
pub enum Sink {
    /// lightningd's pipe.
    Pipe(pipe::Sender),
    /// Anything else, written to directly: somebody looks at a session by hand.
    Direct(File),
}

impl Sink {
    /// This process's stdout.
    pub fn stdout() -> io::Result<Self> {
        Self::new(rustix::io::dup(rustix::stdio::stdout())?)
    }

    /// Any writable descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let copy = fd.try_clone()?;
        match pipe::Sender::from_owned_fd(fd) {
            Ok(pipe) => Ok(Sink::Pipe(pipe)),
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(Sink::Direct(copy.into())),
            Err(e) => Err(e),
        }
    }

    /// Writes all of it.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let pipe = match self {
            Sink::Pipe(pipe) => pipe,
            Sink::Direct(file) => return file.write_all(bytes),
        };
        while !bytes.is_empty() {
            // Try first: the pipe nearly always has room.
            match pipe.try_write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => pipe.writable().await?,
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
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

//! A connection with an end. tonic asks a connection to end when it is old; one whose last stream never ends would stay
//! for ever, so that after a grace its next read fails.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tonic::transport::server::Connected;

/// What calls are told of the end of their connection, as an extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionEnd {
    /// When streams end by themselves: halfway between the time at which the connection is asked to end and the time at
    /// which it fails.
    pub(crate) of_streams: Instant,
}

pin_project! {
    /// A connection that fails when it reaches an age.
    pub(super) struct Aging<C> {
        #[pin]
        connection: C,
        end: Pin<Box<Sleep>>,
        told: ConnectionEnd,
    }
}

impl<C> Aging<C> {
    /// Fails after `age` and `grace`.
    pub(super) fn new(connection: C, age: Duration, grace: Duration) -> Self {
        let end = Box::pin(tokio::time::sleep(age.saturating_add(grace)));
        let of_streams = end.deadline().checked_sub(grace / 2).unwrap_or_else(|| end.deadline());
        Self { connection, end, told: ConnectionEnd { of_streams } }
    }
}

impl<C> Connected for Aging<C> {
    type ConnectInfo = ConnectionEnd;

    fn connect_info(&self) -> ConnectionEnd {
        self.told
    }
}

impl<C: AsyncRead> AsyncRead for Aging<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        // An HTTP/2 connection always waits for a read, so that this is enough to end it.
        if this.end.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the connection reached its age",
            )));
        }
        this.connection.poll_read(context, into)
    }
}

impl<C: AsyncWrite> AsyncWrite for Aging<C> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.project().connection.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().connection.poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().connection.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().connection.poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_works_until_its_age_and_fails_then_also_while_waiting() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut server = Aging::new(server, Duration::from_secs(50), Duration::from_secs(10));
        client.write_all(b"hi").await.unwrap();
        let mut two = [0; 2];
        server.read_exact(&mut two).await.unwrap();
        let error = server.read_exact(&mut two).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

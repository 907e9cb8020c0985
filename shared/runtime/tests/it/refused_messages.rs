//! Messages that tonic itself refuses, sent for real: these tests fail when a new version of tonic words them differently.

use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{Service, ServiceExt};
use tributary_runtime::{MAX_MESSAGE_BYTES, Server, reason_of};

use crate::echo::{Running, soon, start, text};

#[tokio::test]
async fn a_message_over_the_limit_is_refused_with_a_reason() {
    let running = start(Server::new()).await;
    let status = soon(running.call(text(&"x".repeat(MAX_MESSAGE_BYTES + 1)))).await.unwrap_err();
    assert_refused(&status, "PAYLOAD_TOO_LARGE");
    assert!(status.message().contains("4194304"), "{status}");
}

#[tokio::test]
async fn a_message_that_unpacks_to_more_than_the_limit_is_refused_with_the_same_reason() {
    let running = start(Server::new()).await;
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let bomb = text(&"x".repeat(2 * MAX_MESSAGE_BYTES));
        let status = soon(running.call_compressed(bomb, Some(encoding))).await.unwrap_err();
        assert_refused(&status, "PAYLOAD_TOO_LARGE");
        assert!(status.message().contains("4194304"), "{status}");
    }
}

#[tokio::test]
async fn a_message_below_the_limit_passes_packed_and_unpacked() {
    let running = start(Server::new()).await;
    let fits = "x".repeat(100_000);
    for encoding in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        assert_eq!(running.call_compressed(text(&fits), encoding).await.unwrap(), fits);
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_refused_with_a_reason() {
    let running = start(Server::new()).await;
    let broken: [(&[u8], &str); 6] = [
        (&[0, 0, 0, 0, 2, 0x0a, 0x7f], "identity"), // a text that says it is longer than the message
        (&[0, 0, 0, 0, 1, 0xff], "identity"),       // half a number
        (&[0, 0, 0, 0, 9, 0x0a], "identity"),       // less than the frame says
        (&[1, 0, 0, 0, 3, 1, 2, 3], "gzip"),        // not gzip
        (&[7, 0, 0, 0, 0], "identity"),             // a flag that does not exist
        (&[], "identity"),                          // no message at all
    ];
    for (bytes, encoding) in broken {
        let status = send_raw(&running, bytes, encoding).await;
        assert_refused(&status, "PAYLOAD_MALFORMED");
    }
}

fn assert_refused(status: &Status, reason: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert_eq!(reason_of(status).as_deref(), Some(reason));
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].reason, reason);
}

/// Sends bytes where a client library would have sent a message.
async fn send_raw(running: &Running, bytes: &[u8], encoding: &str) -> Status {
    let frame = Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(bytes)));
    let request = http::Request::post("/echo.v1.EchoService/Echo")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-encoding", encoding)
        .body(Body::new(http_body_util::StreamBody::new(stream::iter([frame]))))
        .unwrap();
    let mut channel = running.channel.clone();
    let response = soon(channel.ready().await.unwrap().call(request)).await.unwrap();
    Status::from_header_map(response.headers()).expect("the call is refused")
}

//! What is served beside the stage's own services, and how the server begins and ends.

use std::time::Duration;

use futures::stream;
use tokio_stream::StreamExt;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tributary_runtime::{MAX_HOP_BYTES, Server, Tasks, bind};

use crate::echo::{Running, SOON, soon, start, text};

const ECHO: &str = "echo.v1.EchoService";

pub(crate) async fn check(running: &Running, service: &str) -> Result<ServingStatus, Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(running.channel.clone()).check(request).await?;
    Ok(answer.into_inner().status())
}

#[tokio::test]
async fn health_follows_what_the_stage_says_for_the_whole_and_for_each_service() {
    let running = start(Server::new().names([ECHO])).await;
    // The first call is answered only after the server runs, and it says so when it does.
    running.call(text("hello")).await.unwrap();
    for serving in [false, true] {
        running.health.set_serving(serving).await;
        let expected = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in ["", ECHO] {
            assert_eq!(check(&running, name).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn health_says_not_serving_before_the_server_ends_and_calls_in_hand_are_answered() {
    let running = start(Server::new()).await;
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = HealthClient::new(running.channel.clone()).watch(request).await.unwrap().into_inner();
    assert_eq!(soon(watch.next()).await.unwrap().unwrap().status(), ServingStatus::Serving);

    let (answer, ()) = tokio::join!(running.call(text("wait")), async {
        soon(running.begun.notified()).await;
        running.tasks.stop();
        assert_eq!(soon(watch.next()).await.unwrap().unwrap().status(), ServingStatus::NotServing);
        running.health.set_serving(true).await;
        running.go_on.notify_one();
    });
    assert_eq!(answer.unwrap(), "waited");
    // A watcher holds its connection for ever unless its stream is ended, and the drain would time out.
    assert_eq!(running.tasks.drain(SOON).await, Ok(()));
    assert_eq!(running.tasks.failure(), None);
}

#[tokio::test]
async fn both_versions_of_reflection_name_the_services() {
    let running = start(Server::new()).await;
    let expected = "grpc.health.v1.Health";
    macro_rules! services {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::ServerReflectionRequest;
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
            let message_request = Some(MessageRequest::ListServices(String::new()));
            let request = ServerReflectionRequest { host: String::new(), message_request };
            let mut client = ServerReflectionClient::new(running.channel.clone());
            let answers = client.server_reflection_info(stream::iter([request])).await.unwrap();
            match soon(answers.into_inner().next()).await.unwrap().unwrap().message_response {
                Some(MessageResponse::ListServicesResponse(list)) => {
                    list.service.into_iter().map(|one| one.name).collect()
                }
                other => panic!("{other:?}"),
            }
        }};
    }
    let v1: Vec<String> = services!(v1);
    let v1alpha: Vec<String> = services!(v1alpha);
    assert!(v1.iter().any(|name| name == expected), "{v1:?}");
    assert!(v1alpha.iter().any(|name| name == expected), "{v1alpha:?}");
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_stage_and_the_way_out() {
    let taken = bind("ingest", ([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let sentence = bind("ingest", address).await.unwrap_err().to_string();
    for part in ["ingest", &address.to_string(), "TRIBUTARY_INGEST__LISTEN"] {
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
fn a_generated_service_takes_the_standard_settings() {
    let (_, service) = tonic_health::server::health_reporter();
    let service = tributary_runtime::standard_service!(service);
    let _ = tributary_runtime::standard_service!(service, MAX_HOP_BYTES);
}

#[tokio::test]
async fn descriptors_that_cannot_be_read_are_refused_at_the_start() {
    let listener = bind("ingest", ([127, 0, 0, 1], 0).into()).await.unwrap();
    let routes = tonic::service::Routes::default();
    assert!(Server::new().serve(listener, routes, b"not descriptors", &Tasks::new()).is_err());
}

#[tokio::test]
async fn a_connection_is_ended_by_its_age_although_a_stream_holds_it() {
    let short = Duration::from_millis(300);
    let running = start(Server::new().connection_age(short, short)).await;
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = HealthClient::new(running.channel.clone()).watch(request).await.unwrap().into_inner();
    assert!(soon(watch.next()).await.unwrap().is_ok());
    assert!(soon(watch.next()).await.unwrap().is_err(), "the connection is gone");
    assert_eq!(running.call(text("hello")).await.unwrap(), "hello", "and the client makes another");
}

#[tokio::test]
async fn a_stream_is_told_of_the_end_of_its_connection_before_it_comes() {
    let age = Duration::from_millis(300);
    let running = start(Server::new().connection_age(age, age)).await;
    assert_eq!(soon(running.call(text("end"))).await.unwrap(), "STREAM_ENDED");
}

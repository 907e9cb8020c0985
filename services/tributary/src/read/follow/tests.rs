use std::{collections::VecDeque, sync::Mutex};

use tributary_proto::v1::profile_service_client::ProfileServiceClient;

use super::*;
use crate::fake::{Fake, Script};
use crate::mesh::Place;

fn event(id: &str, token: &str) -> Result<v1::WatchEventsResponse, Status> {
    let event = (!id.is_empty()).then(|| v1::Event { id: id.into(), ..v1::Event::default() });
    Ok(v1::WatchEventsResponse { event, resume_token: token.into() })
}

/// The ids that were seen until `last`, and the tokens that were asked with.
async fn follow(
    watches: Vec<Vec<Result<v1::WatchEventsResponse, Status>>>,
    last: &str,
) -> (Vec<String>, Vec<String>) {
    let fake = Fake::start(Script { watches: Mutex::new(VecDeque::from(watches)), ..Script::default() });
    let url = fake.url();
    let channel = tonic::transport::Endpoint::from_shared(url.clone()).unwrap().connect_lazy();
    let mut client = ProfileServiceClient::new(channel);
    let open = async |resume_token: String| {
        let request = v1::WatchEventsRequest { resume_token, ..v1::WatchEventsRequest::default() };
        Ok(client.watch_events(request).await?.into_inner())
    };
    let mut seen = Vec::new();
    let place = Place::of(&url);
    let mut follow = Follow::new(&place, String::new(), open);
    let ended = follow
        .run(async |notice: v1::WatchEventsResponse| {
            seen.extend(notice.event.map(|event| event.id));
            anyhow::ensure!(seen.last().is_none_or(|id| id != last), "enough");
            Ok(())
        })
        .await;
    assert_eq!(ended.unwrap_err().to_string(), "enough");
    (seen, fake.script.tokens.lock().unwrap().clone())
}

#[tokio::test]
async fn a_lost_connection_is_taken_up_where_it_was() {
    let lost = vec![event("a", "1"), event("", "2"), Err(Status::unavailable("the stage stops"))];
    let ended = vec![event("b", "3")];
    let (seen, tokens) = follow(vec![lost, ended, vec![event("c", "4")]], "c").await;
    assert_eq!(seen, ["a", "b", "c"]);
    assert_eq!(tokens, ["", "2", "3"], "the token of an answer without an event counts too");
}

#[tokio::test]
async fn after_something_was_trimmed_it_goes_on_from_now() {
    let trimmed = vec![event("a", "1"), Err(Status::out_of_range("trimmed"))];
    let (seen, tokens) = follow(vec![trimmed, vec![event("b", "9")]], "b").await;
    assert_eq!(seen, ["a", "b"]);
    assert_eq!(tokens, ["", ""]);
}

#[tokio::test]
async fn a_mesh_that_is_not_there_at_first_is_told_at_once() {
    let url = format!("http://127.0.0.1:{}", tributary_servers::free_port());
    let channel = tonic::transport::Endpoint::from_shared(url.clone()).unwrap().connect_lazy();
    let mut client = ProfileServiceClient::new(channel);
    let open = async |_| Ok(client.watch_events(v1::WatchEventsRequest::default()).await?.into_inner());
    let place = Place::of(&url);
    let ended = Follow::new(&place, String::new(), open).run(async |_: v1::WatchEventsResponse| Ok(())).await;
    let said = ended.unwrap_err().to_string();
    assert!(said.contains(&url) && said.contains("is it up?"), "{said}");
}

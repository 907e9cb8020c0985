//! The receiver records and answers as it is told.

use std::time::Duration;
use tributary_testkit::{Answer, Receiver};

#[tokio::test]
async fn a_request_is_recorded_with_its_headers_and_its_body() -> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    let body = serde_json::json!({"id": "prf_1", "visits": 3});
    let sent = client()?.post(format!("{}hook?a=b", receiver.url()));
    sent.header("Idempotency-Key", "k1").json(&body).send().await?.error_for_status()?;

    let requests = receiver.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((&*requests[0].method, &*requests[0].path), ("POST", "/hook?a=b"));
    assert_eq!(requests[0].header("idempotency-key"), Some("k1"));
    assert_eq!(requests[0].json, body);
    Ok(())
}

#[tokio::test]
async fn scripted_answers_come_first_and_then_the_usual_one() -> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    let retry = Answer { headers: vec![("retry-after".into(), "7".into())], ..Answer::from(429) };
    receiver.script([Answer::from(500), retry]);
    let client = client()?;
    let ask = || client.get(receiver.url()).send();
    assert_eq!(ask().await?.status(), 500);
    let second = ask().await?;
    assert_eq!((second.status().as_u16(), second.headers()["retry-after"].to_str()?), (429, "7"));
    assert_eq!(ask().await?.status(), 200);
    receiver.always(503);
    assert_eq!(ask().await?.status(), 503);
    assert_eq!(receiver.requests().len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_dropped_receiver_is_away_and_can_come_back_on_its_port() -> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    let (url, port) = (receiver.url(), receiver.port());
    drop(receiver);
    tokio::task::yield_now().await;
    let client = client()?;
    assert!(client.get(&url).send().await.is_err());
    let receiver = Receiver::start_on(port).await?;
    assert_eq!(client.get(&url).send().await?.status(), 200);
    assert_eq!(receiver.requests().len(), 1);
    Ok(())
}

fn client() -> reqwest::Result<reqwest::Client> {
    // Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(2)).build()
}

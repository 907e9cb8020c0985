use std::net::IpAddr;

use serde_json::{Value, json};
use tokio::time::Instant;
use tributary_engine::MAX_MEMORY_BYTES;
use tributary_testkit::{Answer, Receiver};

use super::*;
use crate::calls::answer_body::MAX_ANSWER_BYTES;
use crate::calls::nesting::MAX_NESTING;
use crate::calls::resolver::System;
use crate::calls::resolver::testing::Scripted;

/// A client with hosts that an operator allows, and names as the system knows them.
fn client(allowed: &str) -> Http {
    looking_up(Arc::new(System::default()), allowed)
}

fn looking_up(lookup: Arc<dyn Lookup>, allowed: &str) -> Http {
    Http::new(Arc::new(AllowedHosts::read(allowed).unwrap()), &lookup).unwrap()
}

fn get(url: String) -> HttpCall {
    HttpCall { method: "GET".into(), url, body: None, timeout: Duration::from_secs(5), retries: 0 }
}

fn post(url: String, body: Value) -> HttpCall {
    HttpCall { method: "POST".into(), body: Some(body), ..get(url) }
}

async fn call(http: &Http, call: &HttpCall) -> Result<HttpAnswer, CallError> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer of-the-test"));
    let prepared = http.prepare(call, headers, &TenantId::new("t").unwrap(), "e/w/n")?;
    let until = Instant::now() + Duration::from_secs(10);
    let bounds = Bounds { timeout: call.timeout, retries: call.retries, until };
    http.call(&prepared, &Servers::new(8), bounds, &AtomicU32::new(0)).await
}

fn reason(answer: Result<HttpAnswer, CallError>) -> String {
    answer.map_or_else(|error| error.reason, |answer| format!("{}", answer.status))
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Answer { headers: headers.collect(), ..Answer::from(status) }
}

#[tokio::test]
async fn a_request_carries_its_key_its_headers_and_json_and_the_answer_is_what_came() {
    let server = Receiver::start().await.unwrap();
    server.script([json!({"score": 7}), json!([1])]);
    let http = client("127.0.0.1");
    let url = format!("{}score?p=1", server.url());
    let answer = call(&http, &post(url.clone(), json!({"city": "Zürich"}))).await.unwrap();
    assert_eq!(answer, HttpAnswer { status: 200, body: json!({"score": 7}) });
    assert_eq!(call(&http, &get(url)).await.unwrap().body, json!([1]));
    assert_eq!(call(&http, &get(server.url())).await.unwrap(), HttpAnswer { status: 200, body: Value::Null });
    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/score?p=1"));
    assert_eq!(requests[0].json, json!({"city": "Zürich"}));
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[1].header("content-type"), None);
    for request in requests {
        assert_eq!(request.header("idempotency-key"), Some("t/e/w/n"));
        assert_eq!(request.header("authorization"), Some("Bearer of-the-test"));
    }
}

#[tokio::test]
async fn every_status_is_an_answer_and_what_may_pass_is_tried_again() {
    let server = Receiver::start().await.unwrap();
    let http = client("127.0.0.1");
    server.script([404, 302, 500, 429, 204]);
    for expected in ["404", "302", "500"] {
        assert_eq!(reason(call(&http, &get(server.url())).await), expected);
    }
    let twice = HttpCall { retries: 2, ..get(server.url()) };
    assert_eq!(reason(call(&http, &twice).await), "204");
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_host_on_this_machine_is_not_called_unless_it_is_allowed() {
    let server = Receiver::start().await.unwrap();
    let (port, other) = (server.port(), server.port().wrapping_add(1));
    let localhost = format!("http://localhost:{port}/");
    for (allowed, url) in [
        ("", server.url()),
        ("", localhost.clone()),
        ("", format!("http://[::ffff:127.0.0.1]:{port}/")),
        ("", format!("http://0x7f.1:{port}/")),
        ("localhost", server.url()),
        (&*format!("localhost:{other}"), localhost.clone()),
    ] {
        assert_eq!(reason(call(&client(allowed), &get(url.clone())).await), "FORBIDDEN_ADDRESS", "{url}");
    }
    assert!(server.requests().is_empty());
    for allowed in ["localhost".to_owned(), format!("LOCALHOST:{port}")] {
        assert_eq!(reason(call(&client(&allowed), &get(localhost.clone())).await), "200");
    }
}

#[tokio::test]
async fn a_name_that_stands_for_a_private_address_the_next_time_is_refused_then() {
    let server = Receiver::start().await.unwrap();
    // Public when it is looked up first, then this machine.
    let names = Scripted::new(&[&["192.0.2.1"], &["127.0.0.1"]]);
    let first = Resolver::new(names.clone(), true).resolve("rebind.example").await.unwrap();
    assert_eq!(first, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
    let url = format!("http://rebind.example:{}/", server.port());
    let rebound = call(&looking_up(names.clone(), ""), &get(url.clone())).await;
    assert_eq!(reason(rebound), "FORBIDDEN_ADDRESS");
    assert!(server.requests().is_empty());
    let allowed = call(&looking_up(names, "rebind.example"), &get(url)).await;
    assert_eq!(reason(allowed), "200", "the same name, allowed");
}

#[tokio::test]
async fn a_redirect_is_followed_to_the_same_server_alone() {
    let (server, other) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let http = client("localhost,127.0.0.1");
    let url = format!("http://localhost:{}/first", server.port());
    server.script([answer(302, &[("location", "/second")]), answer(200, &[])]);
    assert_eq!(reason(call(&http, &get(url.clone())).await), "200");
    assert_eq!(server.requests()[1].path, "/second");

    for to in [
        format!("http://localhost:{}/", other.port()),
        format!("http://127.0.0.1:{}/", server.port()),
        format!("//127.0.0.1:{}/", other.port()),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
        format!("ftp://localhost:{}/", server.port()),
    ] {
        server.script([answer(302, &[("location", &to)])]);
        assert_eq!(reason(call(&http, &get(url.clone())).await), "302", "{to}");
    }
    assert!(other.requests().is_empty());

    let before = server.requests().len();
    server.script([answer(307, &[("location", "/second")])]);
    assert_eq!(reason(call(&http, &post(url, json!({}))).await), "307", "a body is sent once");
    assert_eq!(server.requests().len(), before + 1);
}

#[test]
fn a_redirect_may_lead_to_https_and_not_back() {
    let followed = |from: &str, to: &str, allowed: &str| {
        let allowed = AllowedHosts::read(allowed).unwrap();
        let place = Place::read(from, &allowed).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, to.parse().unwrap());
        redirected(&Method::GET, &place, StatusCode::FOUND, &headers).map(|to| {
            Place::of(to, &allowed).map_err(|error| error.reason).map(|place| place.url.to_string())
        })
    };
    let to_https = followed("http://example.com/a", "https://example.com/a", "");
    assert_eq!(to_https, Some(Ok("https://example.com/a".to_owned())));
    assert_eq!(followed("https://example.com/", "http://example.com/", ""), None);
    assert_eq!(followed("http://example.com/", "http://www.example.com/", ""), None);
    assert_eq!(followed("http://example.com:8080/", "https://example.com/", ""), None);
    let allowed_with_http_alone = followed("http://10.0.0.1/", "https://10.0.0.1/", "10.0.0.1:80");
    assert_eq!(allowed_with_http_alone, Some(Err("FORBIDDEN_ADDRESS".to_owned())));
}

#[tokio::test]
async fn a_redirect_without_end_ends() {
    let server = Receiver::start().await.unwrap();
    server.always(answer(301, &[("location", "/again")]));
    assert_eq!(reason(call(&client("127.0.0.1"), &get(server.url())).await), "301");
    assert_eq!(server.requests().len(), REDIRECTS + 1);
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_be_remembered_is_refused() {
    let server = Receiver::start().await.unwrap();
    let http = client("127.0.0.1");
    let text = |bytes: usize| json!("x".repeat(bytes - 2));
    server.script([text(MAX_MEMORY_BYTES), text(MAX_MEMORY_BYTES + 1), text(MAX_ANSWER_BYTES + 1)]);
    assert_eq!(reason(call(&http, &get(server.url())).await), "200");
    for attempts in [2, 3] {
        let refused = call(&http, &HttpCall { retries: 3, ..get(server.url()) }).await;
        assert_eq!(reason(refused), "TOO_LARGE");
        assert_eq!(server.requests().len(), attempts, "it would be as large again");
    }
}

#[tokio::test]
async fn a_broken_server_is_tried_again_however_much_it_says() {
    let server = Receiver::start().await.unwrap();
    let page = Answer { status: 503, ..Answer::from(json!("x".repeat(MAX_MEMORY_BYTES))) };
    server.script([page, answer(204, &[])]);
    let again = HttpCall { retries: 1, ..get(server.url()) };
    assert_eq!(reason(call(&client("127.0.0.1"), &again).await), "204");
}

#[tokio::test]
async fn an_answer_that_is_nested_too_deeply_is_refused() {
    let server = Receiver::start().await.unwrap();
    let deep = (0..=MAX_NESTING).fold(json!(1), |inner, _| json!([inner]));
    server.script([deep[0].clone(), deep]);
    let http = client("127.0.0.1");
    assert_eq!(reason(call(&http, &get(server.url())).await), "200");
    assert_eq!(reason(call(&http, &get(server.url())).await), "TOO_DEEP");
}

#[tokio::test]
async fn who_does_not_answer_or_is_not_there_is_told_without_the_address() {
    let server = Receiver::start().await.unwrap();
    server.hold();
    let http = client("127.0.0.1");
    let slow = HttpCall { timeout: Duration::from_millis(50), ..get(format!("{}?secret=1", server.url())) };
    let error = call(&http, &slow).await.unwrap_err();
    assert_eq!(error.reason, "TIMED_OUT");
    assert!(!error.message.contains("secret"), "{error}");
    let gone = format!("{}?secret=1", server.url());
    drop(server);
    let error = call(&http, &get(gone)).await.unwrap_err();
    assert_eq!(error.reason, "UNREACHABLE");
    assert!(!error.message.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_call_says_what_is_wrong_with_it() {
    let http = client("");
    for (url, expected) in [
        ("ftp://example.com/", "INVALID_URL"),
        ("http://u:p@example.com/", "INVALID_URL"),
        ("http://10.1.2.3/", "FORBIDDEN_ADDRESS"),
    ] {
        assert_eq!(reason(call(&http, &get(url.to_owned())).await), expected, "{url}");
    }
    let odd = HttpCall { method: "G T".into(), ..get("http://example.com/".into()) };
    assert_eq!(reason(call(&http, &odd).await), "REFUSED");
}

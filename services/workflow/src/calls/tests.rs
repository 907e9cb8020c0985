//! All kinds of calls together, as the rest of the stage makes them.

mod python;
mod traces;

use serde_json::json;
use tributary_config::{Config, HeaderValue, SecretRef};
use tributary_engine::HistoryQuery;
use tributary_model::Time;
use tributary_testkit::Receiver;

use super::history::tests::{World, event, large};
use super::*;

/// A workflow whose node `ask` has headers, and whose node `lacks` has one whose secret nobody sets.
pub(super) fn workflow() -> Workflow {
    let folder = tempfile::tempdir().unwrap();
    let documents = "kind: Source\nname: s\nspec: {write_keys: [{env: KEY}]}\n---\n\
                     kind: Workflow\nname: w\nspec:\n  trigger: {events: view}\n  steps:\n    \
                     - then: [{path: traits.seen, op: set, value: true}]\n";
    std::fs::write(folder.path().join("all.yaml"), documents).unwrap();
    let config = Config::load(folder.path()).unwrap();
    let mut workflow = config.tenants.values().next().unwrap().workflows[0].clone();
    let header = |name: &str, value| vec![(name.to_owned(), value)];
    workflow.headers.insert("ask".into(), header("X-Sender", HeaderValue::Text("shop".into())));
    let missing = SecretRef::Env("NOBODY_SETS_THIS".into());
    workflow.headers.insert("lacks".into(), header("authorization", HeaderValue::Secret(missing)));
    workflow
}

fn calls(world: &World, allowed_hosts: &str) -> Calls {
    let settings = CallSettings { allowed_hosts: allowed_hosts.to_owned(), ..CallSettings::default() };
    Calls::new(&settings, world.redis.clone(), world.storage.clone()).unwrap()
}

fn get(url: String) -> Call {
    let (method, timeout) = ("GET".to_owned(), Duration::from_secs(20));
    Call::Http(HttpCall { method, url, body: None, timeout, retries: 0 })
}

fn reason(answer: &Answer) -> &str {
    match answer {
        Answer::Http(Err(error)) | Answer::Node(Err(error)) | Answer::History(Err(error)) => &error.reason,
        _ => "",
    }
}

/// Asks for the event `e` of the profile `p`.
async fn answer(
    calls: &Calls,
    workflow: &Workflow,
    within: Duration,
    wanted: Vec<(&str, Call)>,
) -> BTreeMap<String, (Answer, Duration)> {
    let asker = Asker {
        tenant: &TenantId::new("t").unwrap(),
        workflow,
        event_id: &EventId::new("e").unwrap(),
        event_type: "view",
        profile: &ProfileId::new("p").unwrap(),
        partition: PartitionId(0),
        position: StreamId::MAX,
        until: Instant::now() + within,
    };
    let named =
        |(node, call): (&str, Call)| Wanted { node: node.to_owned(), key: format!("e/w/{node}"), call };
    calls.answer(&asker, wanted.into_iter().map(named).collect()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_answered_together_each_for_itself() {
    let world = World::start().await;
    world.append("t", "p", vec![event("first", "view", 0)]).await;
    let (server, slow) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    server.always(json!({"score": 7}));
    slow.hold();
    let calls = calls(&world, "127.0.0.1");
    let history = HistoryQuery { types: Vec::new(), since: Time::from_micros(0), limit: 5, properties: true };
    let wanted = vec![
        ("ask", get(server.url())),
        ("lacks", get(server.url())),
        ("slow", get(slow.url())),
        ("forbidden", get("http://10.0.0.1/".into())),
        ("past", Call::History(history)),
    ];
    let begun = Instant::now();
    let within = Duration::from_secs(2);
    let answers = answer(&calls, &workflow(), within, wanted).await;
    assert!(begun.elapsed() < within * 2, "{:?}", begun.elapsed());
    assert_eq!(answers["ask"].0, Answer::Http(Ok(HttpAnswer { status: 200, body: json!({"score": 7}) })));
    assert_eq!(server.requests()[0].header("x-sender"), Some("shop"));
    assert_eq!(server.requests()[0].header("idempotency-key"), Some("t/e/w/ask"));
    let reasons = ["lacks", "slow", "forbidden"].map(|node| reason(&answers[node].0));
    assert_eq!(reasons, ["SECRET_MISSING", "TIMED_OUT", "FORBIDDEN_ADDRESS"]);
    let Answer::History(Ok(events)) = &answers["past"].0 else { panic!("{answers:?}") };
    assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["first"]);
    assert!(answers["slow"].1 >= within / 2 && answers["forbidden"].1 < within);
    assert_eq!(server.requests().len(), 1, "without its secret nothing is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_costs_the_runs_time_and_no_more() {
    let world = World::start().await;
    let storage = Storage::connect_lazy("postgres://nobody@127.0.0.1:1/none", 1).unwrap();
    let calls = Calls::new(&CallSettings::default(), world.redis.clone(), storage).unwrap();
    let history = HistoryQuery { types: Vec::new(), since: Time::from_micros(0), limit: 5, properties: true };
    let within = Duration::from_millis(300);
    let answers = answer(&calls, &workflow(), within, vec![("past", Call::History(history))]).await;
    assert_eq!(reason(&answers["past"].0), "TIMED_OUT");
    assert!(answers["past"].1 < within * 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_asks_of_the_past_at_one_time_has_room_together() {
    let world = World::start().await;
    for n in 0..30 {
        world.append("t", "p", vec![large(&format!("e{n}"), "view", 200)]).await;
    }
    let (types, since) = (vec!["view".to_owned()], Time::from_micros(0));
    let question = HistoryQuery { types, since, limit: 1000, properties: true };
    let bare = HistoryQuery { properties: false, ..question.clone() };
    let wanted = [("first", &question), ("second", &question), ("third", &bare)]
        .map(|(node, query)| (node, Call::History(query.clone())));
    let calls = calls(&world, "");
    let answers = answer(&calls, &workflow(), Duration::from_secs(20), wanted.to_vec()).await;
    assert_eq!(["first", "second", "third"].map(|node| reason(&answers[node].0)), ["", "TOO_LARGE", ""]);
}

#[test]
fn settings_that_say_nothing_sensible_are_told_by_the_variables_name() {
    let error = CallsError::from(AllowedHosts::read("http://crm").unwrap_err()).to_string();
    assert!(
        error.starts_with("TRIBUTARY_WORKFLOW__CALLS__ALLOWED_HOSTS: \"http://crm\" is no host"),
        "{error}"
    );
}

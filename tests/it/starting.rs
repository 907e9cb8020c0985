//! A stage that cannot start says what is missing, where it looked and what to do, in words, and says no secret.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde_json::json;
use tokio::process::Command;
use tributary_proto::v1::{ConfigServiceListRequest, Durability, config_service_client::ConfigServiceClient};
use tributary_testkit::{
    Bearer, EvictionPolicy, Fsync, RedisOptions, Servers, ServersOptions, Stage, eventually, program,
};

use crate::{
    payloads::{about, event},
    world::{SOON, World, config, quick, turn},
};

/// Part of every secret here.
const SECRET: &str = "hunter2";
const SECRETS: [&str; 5] =
    ["REDIS_URL", "DATABASE_URL", "TRIBUTARY_MESH_CREDENTIAL", "TRIBUTARY_ID_KEY", "TRIBUTARY_ADMIN_KEYS"];
/// Port 1 is nobody's.
const NO_REDIS: &str = "redis://user:hunter2@127.0.0.1:1/";
const NO_POSTGRES: &str = "postgres://tributary:hunter2@127.0.0.1:1/customers";

/// How a stage ended that should not have started.
struct Refusal {
    status: ExitStatus,
    said: String,
}

impl Refusal {
    #[track_caller]
    fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.said.contains(part), "`{part}` is missing in: {}", self.said);
        }
    }
}

/// Starts a stage with nothing else in its environment, on top of what a stage needs.
async fn refusal(stage: Stage, variables: &[(&str, &str)]) -> Refusal {
    let listen = format!("TRIBUTARY_{}__LISTEN", stage.variable());
    let complete = [
        ("REDIS_URL", NO_REDIS),
        ("DATABASE_URL", NO_POSTGRES),
        ("TRIBUTARY_MESH_CREDENTIAL", "hunter2-of-the-mesh"),
        ("TRIBUTARY_ID_KEY", "hunter2-of-the-ids"),
        ("TRIBUTARY_ADMIN_KEYS", "demo:hunter2-of-the-admin"),
        (&listen, "127.0.0.1:0"),
    ];
    run(stage, &[&complete, variables].concat()).await
}

async fn run(stage: Stage, variables: &[(&str, &str)]) -> Refusal {
    let mut command = Command::new(program(&stage.program_name()).expect("the programs are built"));
    command.env_clear().envs(variables.iter().copied()).env("RUST_BACKTRACE", "1");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(20), command.output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{} has started", stage.name())).expect("it runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success(), "{}: {said}", stage.name());
    assert!(said.contains(&format!("tributary-{} cannot start: ", stage.name())), "{said}");
    for unwanted in [SECRET, "panicked", "backtrace", ".rs:"] {
        assert!(!said.contains(unwanted), "`{unwanted}` is said by {}: {said}", stage.name());
    }
    Refusal { status: output.status, said }
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_stage_and_the_variable_that_changes_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for stage in Stage::ALL {
        let variable = format!("TRIBUTARY_{}__LISTEN", stage.variable());
        let refusal = refusal(stage, &[(&variable, &address)]).await;
        refusal.says(&[stage.name(), &address, "taken", &variable]);
    }
}

#[tokio::test]
async fn all_missing_secrets_are_told_at_once() {
    for stage in Stage::ALL {
        let refusal = run(stage, &[]).await;
        assert_eq!(refusal.status.code(), Some(64));
        refusal.says(&SECRETS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_without_its_secrets_runs_and_all_of_them_are_named_to_whoever_asks() -> anyhow::Result<()> {
    let world =
        World::start_with(ServersOptions::default(), quick(config()).stages([Stage::Collector])).await?;
    let redis = world.mesh.servers().redis_url();
    let mut ingest = Command::new(program(&Stage::Ingest.program_name())?);
    ingest.env_clear().envs([
        ("REDIS_URL", redis.as_str()),
        ("DATABASE_URL", NO_POSTGRES),
        ("TRIBUTARY_MESH_CREDENTIAL", "hunter2-of-the-mesh"),
        ("TRIBUTARY_ID_KEY", "hunter2-of-the-ids"),
        ("TRIBUTARY_ADMIN_KEYS", "demo:hunter2-of-the-admin"),
        ("TRIBUTARY_WRITE_KEY_BLOG", "hunter2-of-the-blog"),
        ("TRIBUTARY_INGEST__LISTEN", "127.0.0.1:0"),
    ]);
    let _ingest = ingest.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;

    let key = Bearer::new(world.mesh.admin_key("demo"));
    let client = ConfigServiceClient::with_interceptor(world.mesh.channel(Stage::Collector), key);
    let (revision, problem) = eventually(SOON, async || {
        let answer = client.clone().list(ConfigServiceListRequest::default()).await;
        let stages = answer.map_err(|status| status.to_string())?.into_inner().stages;
        let lacking = stages.iter().find(|stage| stage.stage == "ingest" && !stage.problem.is_empty());
        let told = lacking.map(|ingest| (ingest.revision.clone(), ingest.problem.clone()));
        told.ok_or_else(|| format!("{stages:?}"))
    })
    .await;
    assert!(revision.starts_with("1-"), "{revision}");
    for part in ["TRIBUTARY_WRITE_KEY_CDNOW", "TRIBUTARY_WRITE_KEY_WEBSITE", "cdnow", "website", "demo"] {
        assert!(problem.contains(part), "`{part}` is missing in: {problem}");
    }
    assert!(!problem.contains("TRIBUTARY_WRITE_KEY_BLOG") && !problem.contains(SECRET), "{problem}");
    Ok(())
}

#[tokio::test]
async fn without_redis_it_is_said_where_it_was_looked_for_and_what_to_do() {
    for stage in Stage::ALL {
        refusal(stage, &[]).await.says(&["Redis", "127.0.0.1:1", "start it there", "REDIS_URL"]);
    }
}

#[tokio::test]
async fn without_postgres_it_is_said_where_it_was_looked_for_and_what_to_do() -> anyhow::Result<()> {
    let _turn = turn().await;
    let servers = Servers::start().await?;
    let redis = ("REDIS_URL", servers.redis_url());
    let at_port = refusal(Stage::Preprocess, &[(redis.0, &redis.1)]).await;
    at_port.says(&["Postgres", "127.0.0.1:1", "start Postgres there", "DATABASE_URL"]);
    let socket = "postgres://tributary:hunter2@localhost/customers?host=/nowhere/at/all";
    let at_socket = refusal(Stage::Preprocess, &[(redis.0, &redis.1), ("DATABASE_URL", socket)]).await;
    at_socket.says(&["Postgres", "/nowhere/at/all", "start Postgres there", "DATABASE_URL"]);
    let swapped = refusal(Stage::Preprocess, &[(redis.0, &redis.1), ("DATABASE_URL", NO_REDIS)]).await;
    swapped.says(&["DATABASE_URL", "postgres://"]);
    Ok(())
}

#[tokio::test]
async fn a_redis_that_may_throw_data_away_is_refused() -> anyhow::Result<()> {
    let _turn = turn().await;
    let redis = RedisOptions { policy: EvictionPolicy::AllKeysLru, ..RedisOptions::default() };
    let servers = Servers::start_with(ServersOptions { redis, ..ServersOptions::default() }).await?;
    for stage in Stage::ALL {
        let refusal = refusal(stage, &[("REDIS_URL", &servers.redis_url())]).await;
        refusal.says(&["maxmemory-policy", "allkeys-lru", "noeviction", "127.0.0.1"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_writes_late_is_refused_unless_that_is_wanted_and_answers_say_so() -> anyhow::Result<()>
{
    let redis = RedisOptions { fsync: Fsync::EverySecond, ..RedisOptions::default() };
    let servers = ServersOptions { redis, ..ServersOptions::default() };
    let world = World::start_with(servers, quick(config()).env("TRIBUTARY_DURABILITY", "relaxed")).await?;
    let mut client = world.mesh.ingest(world.mesh.secret("TRIBUTARY_WRITE_KEY_CDNOW"));
    let answer = client.track(about("p", [event("e", "good", json!({}))])).await?.into_inner();
    assert_eq!(answer.durability(), Durability::Relaxed);

    let url = world.mesh.servers().redis_url();
    for stage in Stage::ALL {
        let refusal = refusal(stage, &[("REDIS_URL", &url)]).await;
        refusal.says(&["appendfsync", "everysec", "always", "TRIBUTARY_DURABILITY=relaxed"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_first_configuration_that_is_missing_or_wrong_is_told_with_file_line_and_reason()
-> anyhow::Result<()> {
    let wrong = tempfile::tempdir()?;
    fs::copy(config().join("shop.yaml"), wrong.path().join("shop.yaml"))?;
    let mapping = "kind: Mapping\nname: odd\ntenant: demo\nspec:\n  events: [purchase]\n  changes:\n    \
                   - {path: traits.name, op: increment, value: 1}\n";
    fs::write(wrong.path().join("odd.yaml"), mapping)?;
    fs::write(
        wrong.path().join("typo.yaml"),
        "kind: Mapping\nname: typo\ntenant: demo\nspec: {evnts: [a], changes: []}\n",
    )?;
    let _turn = turn().await;
    let servers = Servers::start().await?;
    let (redis, postgres) = (servers.redis_url(), servers.database_url());
    let first = async |directory: &str| {
        let variables =
            [("REDIS_URL", redis.as_str()), ("DATABASE_URL", postgres), ("TRIBUTARY_CONFIG", directory)];
        refusal(Stage::Collector, &variables).await
    };
    first("/nowhere/at/all").await.says(&["TRIBUTARY_CONFIG", "/nowhere/at/all", "no such directory"]);
    let broken = first(text(wrong.path())).await;
    broken.says(&["odd.yaml:7:", "Mapping odd", "traits.name", "increment", "typo.yaml:4:", "evnts"]);
    Ok(())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

use super::*;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use tributary_config::{Document, Revision, read_directory};
use tributary_servers::RedisOptions;
use tributary_streams::{Prepared, Redis};

fn documents(source: &str) -> Vec<Document> {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("kind: Source\nname: {source}\ntenant: t\nspec: {{write_keys: [{{env: KEY}}]}}\n");
    std::fs::write(folder.path().join("all.yaml"), text).unwrap();
    read_directory(folder.path()).unwrap()
}

/// Publishes a revision that differs by its source, and answers its name.
async fn publish(redis: &Redis, number: u64, source: &str) -> String {
    let revision = Revision::new(number, documents(source));
    assert!(redis.publish_config(number, &revision.to_bytes()).await.unwrap());
    revision.id()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_run_under_its_own_revision_and_under_the_running_one_where_that_is_gone() {
    // The account under which the server may run has to pass the folder.
    let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir().unwrap();
    let data = folder.path().join("redis");
    let server = tributary_servers::Redis::start(&data, RedisOptions::default()).await.unwrap();
    let redis = Redis::connect(&server.url(), false).await.unwrap();
    let old = publish(&redis, 1, "old").await;
    let new = publish(&redis, 2, "new").await;
    let prepare = |bytes: &[u8]| {
        let config = Config::from_bytes(bytes)?;
        Ok(Prepared::whole(config.revision.clone(), config))
    };
    let live = Live::start(redis.clone(), "workflow", prepare).await.unwrap();
    // Nobody asks it for anything.
    let storage = Storage::connect_lazy("postgres://nobody@127.0.0.1:1/none", 1).unwrap();
    let revisions = Revisions::new(live, storage);

    for own in [&old, &new] {
        assert_eq!(&revisions.of(own).await.unwrap().revision, own);
    }
    let of_another_history = Revision::new(1, documents("other")).id();
    assert_ne!(of_another_history, old);
    for gone in [of_another_history.as_str(), "3-00000000", "0-00000000", "0123456789abcdef", "", "1"] {
        assert_eq!(revisions.of(gone).await.unwrap().revision, new, "{gone}");
    }

    server.kill();
    assert_eq!(revisions.of(&old).await.unwrap().revision, old, "it is known without Redis");
    assert!(revisions.of("7-00000000").await.is_err(), "whether it is gone is not known");
}

use std::{collections::HashMap, fs, sync::Mutex};

use tempfile::TempDir;
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;
use crate::{
    configuration::plan::tests::change,
    fake::{Fake, Script},
    out::Color,
};

const SHOP: &str = "kind: Source\nname: shop\ntenant: demo\nspec:\n  write_keys: [{env: SHOP_KEY}]\n";
const BLOG: &str = "---\nkind: Source\nname: blog\ntenant: news\nspec:\n  write_keys: [{env: BLOG_KEY}]\n";

fn directory(documents: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.yaml"), documents.concat()).unwrap();
    folder
}

fn answer(revision: &str, everywhere: bool) -> v1::ApplyResponse {
    v1::ApplyResponse {
        changes: vec![change("m", v1::DocumentAction::Create)],
        revision: revision.into(),
        everywhere,
        ..v1::ApplyResponse::default()
    }
}

fn failure(code: Code, reason: &str, fill: impl FnOnce(&mut ErrorDetails)) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, "tributary", HashMap::<String, String>::new());
    fill(&mut details);
    Status::with_error_details(code, "it is refused", details)
}

async fn apply(fake: &Fake, directory: &TempDir, dry_run: bool) -> anyhow::Result<()> {
    let globals = Globals { tenant: None, color: Color::Never };
    let mesh =
        Mesh::with(&[("TRIBUTARY_ADMIN_KEY_DEMO", "of-demo"), ("TRIBUTARY_ADMIN_KEY_NEWS", "of-news")]);
    let args = Args {
        directory: Some(directory.path().to_owned()),
        file: None,
        dry_run,
        prune: true,
        yes: true,
        wait: Duration::from_secs(3),
        note: "why".into(),
        json: false,
        address: Address { url: Some(fake.url()) },
    };
    super::apply(&mesh, &args, &globals).await
}

fn fake(applies: impl IntoIterator<Item = Result<v1::ApplyResponse, Status>>) -> Fake {
    let applies = Mutex::new(applies.into_iter().collect());
    Fake::start(Script { applies, ..Script::default() })
}

#[tokio::test]
async fn what_was_shown_is_what_is_applied_with_the_key_of_every_tenant() {
    let fake = fake([Ok(answer("1-a", false)), Ok(answer("2-b", true))]);
    apply(&fake, &directory(&[SHOP, BLOG]), false).await.unwrap();
    let applied = fake.script.applied.lock().unwrap();
    let [(plan, keys), (request, _)] = &applied[..] else { panic!("{} calls", applied.len()) };
    assert!(plan.dry_run && plan.base_revision.is_empty());
    assert_eq!(*keys, ["Bearer of-demo", "of-news"]);
    assert!(!request.dry_run && request.prune);
    assert_eq!((&*request.base_revision, &*request.note), ("1-a", "why"));
    assert_eq!(request.wait.unwrap().seconds, 3);
    let names: Vec<_> =
        request.documents.iter().map(|document| (&*document.tenant, &*document.name)).collect();
    assert_eq!(names, [("demo", "shop"), ("news", "blog")]);
}

#[tokio::test]
async fn a_dry_run_asks_once_and_changes_nothing() {
    let fake = fake([Ok(answer("1-a", false))]);
    apply(&fake, &directory(&[SHOP]), true).await.unwrap();
    assert!(fake.script.applied.lock().unwrap().iter().all(|(request, _)| request.dry_run));
}

#[tokio::test]
async fn documents_that_are_wrong_never_reach_the_mesh() {
    let fake = fake([]);
    let wrong = SHOP.replace("write_keys", "write_kyes");
    let said = apply(&fake, &directory(&[&wrong]), false).await.unwrap_err().to_string();
    assert!(said.contains("error"), "{said}");
    assert!(fake.script.applied.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_mesh_that_was_changed_meanwhile_or_does_not_follow_is_a_failure_with_what_to_do() {
    let documents = directory(&[SHOP]);
    let changed = failure(Code::FailedPrecondition, "REVISION_CHANGED", |_| {});
    let said = apply(&fake([Ok(answer("1-a", false)), Err(changed)]), &documents, false).await.unwrap_err();
    assert!(said.to_string().contains("apply again"), "{said}");

    let behind = fake([Ok(answer("1-a", false)), Ok(answer("2-b", false))]);
    let said = apply(&behind, &documents, false).await.unwrap_err().to_string();
    assert!(said.contains("ingest: no process is alive") && said.contains("rollback"), "{said}");

    let refused = failure(Code::InvalidArgument, "CONFIG_INVALID", |details| {
        details.add_bad_request_violation("all.yaml:2:7", "it is wrong");
    });
    let said = apply(&fake([Err(refused)]), &documents, false).await.unwrap_err().to_string();
    assert!(said.contains("nothing was applied"), "{said}");
}

//! The mesh is five real processes that can be killed, started again and stopped.

use std::path::Path;
use tonic::Code;
use tributary_proto::v1::{GetProfileRequest, TrackRequest};
use tributary_testkit::{Mesh, MeshOptions, Stage};

#[tokio::test]
async fn a_killed_stage_comes_back_where_it_was_and_the_mesh_stops_cleanly() -> anyhow::Result<()> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example");
    let mesh = Mesh::start(MeshOptions::new(config)).await?;
    let (pid, endpoint) = (mesh.pid(Stage::Preprocess), mesh.endpoint(Stage::Preprocess));
    mesh.kill(Stage::Preprocess);
    mesh.restart(Stage::Preprocess).await?;
    assert_ne!(mesh.pid(Stage::Preprocess), pid);
    assert_eq!(mesh.endpoint(Stage::Preprocess), endpoint);

    let refused = mesh.ingest("not-a-write-key").track(TrackRequest::default()).await;
    assert_eq!(refused.expect_err("a wrong key is refused").code(), Code::Unauthenticated);
    let asked = mesh.profiles().get_profile(GetProfileRequest { profile_id: "nobody".into() }).await;
    assert_eq!(asked.expect_err("nothing was recorded").code(), Code::NotFound, "the admin key is accepted");

    mesh.stop().await
}

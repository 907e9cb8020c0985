//! A test's mesh, with the settings that make it quick, and ways to look at what it did.

use std::{path::PathBuf, time::Duration};

use sqlx::PgPool;
use tokio::sync::{Semaphore, SemaphorePermit};
use tributary_proto::v1::{GetLagRequest, GetProfileRequest, Profile};
use tributary_testkit::{Mesh, MeshOptions, Servers, ServersOptions, Stage, eventually};

/// Longer than anything takes that goes well.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A mesh is seven processes: more than two at once slow each other down until nothing is in time.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A mesh, the test's own view into its database, and the right to run it now.
pub(crate) struct World {
    pub(crate) mesh: Mesh,
    pub(crate) database: PgPool,
    _turn: SemaphorePermit<'static>,
}

/// The right to start servers; whoever has no mesh takes one too.
pub(crate) async fn turn() -> SemaphorePermit<'static> {
    TURNS.acquire().await.expect("the semaphore is never closed")
}

/// The folder of the tests' configuration: the tenants `demo` and `neighbour`.
pub(crate) fn config() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/config"))
}

/// A mesh that notices a dead owner and folds changes sooner than a deployment's does.
pub(crate) fn quick(config: impl Into<PathBuf>) -> MeshOptions {
    let mut options = MeshOptions::new(config).env("TRIBUTARY_LEASE", "2s").stage_env(
        Stage::Collector,
        "TRIBUTARY_COLLECTOR__FLUSH_INTERVAL",
        "100ms",
    );
    options.tenants = vec!["demo".into(), "neighbour".into()];
    options
}

impl World {
    /// With the tests' own configuration.
    pub(crate) async fn start() -> anyhow::Result<World> {
        World::start_with(ServersOptions::default(), quick(config())).await
    }

    pub(crate) async fn start_with(servers: ServersOptions, options: MeshOptions) -> anyhow::Result<World> {
        let turn = turn().await;
        let mesh = Mesh::start_on(Servers::start_with(servers).await?, options).await?;
        let database = PgPool::connect_lazy(mesh.servers().database_url())?;
        Ok(World { mesh, database, _turn: turn })
    }

    /// The profile, by its id.
    pub(crate) async fn profile(&self, id: &str) -> anyhow::Result<Profile> {
        let request = GetProfileRequest { profile_id: id.to_owned() };
        let answer = self.mesh.profiles().get_profile(request).await?.into_inner();
        answer.profile.ok_or_else(|| anyhow::anyhow!("the answer has no profile"))
    }

    /// What people see of the profile.
    pub(crate) async fn fields(&self, id: &str) -> anyhow::Result<serde_json::Value> {
        fields(&self.profile(id).await?)
    }

    /// What people see of the profile in its row; null where there is none.
    pub(crate) async fn stored_fields(&self, id: &str) -> anyhow::Result<serde_json::Value> {
        let row = sqlx::query_scalar("SELECT fields FROM profiles WHERE tenant = 'demo' AND id = $1");
        Ok(row.bind(id).fetch_optional(&self.database).await?.unwrap_or_default())
    }

    /// How many stored events of the tenant `demo` are of a type, and how many ids and profiles they have.
    pub(crate) async fn stored_events(&self, event_type: &str) -> anyhow::Result<Stored> {
        let (rows, ids, profiles) = sqlx::query_as(
            "SELECT count(*), count(DISTINCT id), count(DISTINCT profile_id) FROM events \
             WHERE tenant = 'demo' AND type = $1",
        )
        .bind(event_type)
        .fetch_one(&self.database)
        .await?;
        Ok(Stored { rows, ids, profiles })
    }

    /// Waits until no reader of any stream is behind or has anything in hand.
    pub(crate) async fn settled(&self) {
        // What one reader finishes may be handed to another during a look; the second one finds it.
        eventually(SOON, async || {
            self.idle().await?;
            self.idle().await
        })
        .await;
    }

    async fn idle(&self) -> Result<(), String> {
        let answer =
            self.mesh.profiles().get_lag(GetLagRequest {}).await.map_err(|status| status.to_string())?;
        let readers = answer.into_inner().readers;
        let busy = readers.into_iter().find(|reader| reader.behind + reader.pending > 0);
        busy.map_or(Ok(()), |reader| Err(format!("{reader:?}")))
    }
}

/// Counts of stored events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) rows: i64,
    pub(crate) ids: i64,
    pub(crate) profiles: i64,
}

/// What people see of a profile.
pub(crate) fn fields(profile: &Profile) -> anyhow::Result<serde_json::Value> {
    Ok(serde_json::Value::Object(profile.fields.clone().unwrap_or_default().to_object()?))
}

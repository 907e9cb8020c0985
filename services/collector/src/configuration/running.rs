//! What this process runs itself: the kinds of paths, for what is shown of profiles and sessions. That is what reads answer, and the
//! `fields` of rows and publications. What is folded, the states, does not depend on them.
//!
//! `fields` are made when their row changes: a row shows the kinds of that time until it changes again.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tributary_config::Config;
use tributary_model::{State, TenantId, Time, View};
use tributary_streams::{Live, Prepared, Redis, StreamsError};

use crate::STAGE;

/// How soon to try again when Redis does not answer at the beginning.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a flush waits for a configuration that Redis has. What cannot be prepared here must not stop the mesh.
const PATIENCE: Duration = Duration::from_secs(10);

/// The configuration of this process, once there is one; clones are the same. No call waits for it: a collector has to serve
/// before anything was ever applied.
#[derive(Clone, Default)]
pub(crate) struct Running {
    live: Arc<OnceLock<Arc<Live<Config>>>>,
    /// Cancelled when there is one, or was waited for in vain.
    known: CancellationToken,
}

impl Running {
    /// Waits for the first configuration, then takes every newer one, until the process stops.
    pub(crate) async fn follow(self, redis: Redis, stopping: CancellationToken) -> anyhow::Result<()> {
        let live = loop {
            match stopping.run_until_cancelled(Live::start(redis.clone(), STAGE, prepare)).await {
                None => return Ok(()),
                Some(Ok(live)) => break live,
                Some(Err(error)) => tracing::warn!(%error, "cannot wait for a configuration; trying again"),
            }
            if stopping.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
                return Ok(());
            }
        };
        // Set once: this task alone does it.
        let _ = self.live.set(live.clone());
        self.known.cancel();
        live.follow(stopping).await;
        Ok(())
    }

    /// How what is stored is shown at `now`.
    pub(crate) fn view(&self, now: Time) -> Viewpoint {
        Viewpoint { config: self.live.get().map(|live| live.current()), now }
    }

    /// Waits for the configuration that Redis has, so that no row is shown without it while the process starts. Does not wait
    /// where nothing was ever applied, and gives up in the end.
    pub(crate) async fn ready(&self, redis: &Redis) -> Result<(), StreamsError> {
        if self.known.is_cancelled() || redis.newest_config().await?.is_none() {
            return Ok(());
        }
        if timeout(PATIENCE, self.known.cancelled()).await.is_err() {
            tracing::warn!(
                "there is no configuration that this process can use: rows are shown without its kinds"
            );
            self.known.cancel();
        }
        Ok(())
    }
}

/// How what is stored is shown: at a time, and by the kinds that are configured, where they are known.
pub(crate) struct Viewpoint {
    config: Option<Arc<Config>>,
    now: Time,
}

impl Viewpoint {
    /// At a time, without knowing any kinds.
    #[cfg(test)]
    pub(crate) fn at(now: Time) -> Self {
        Self { config: None, now }
    }

    /// What is shown of a tenant's profile or session.
    pub(crate) fn of(&self, tenant: &TenantId, state: &State) -> View {
        match self.config.as_ref().and_then(|config| config.tenant(tenant)) {
            Some(configured) => state.view_as(&configured.kinds, self.now),
            None => state.view(self.now),
        }
    }
}

fn prepare(bytes: &[u8]) -> Result<Prepared<Config>, String> {
    let config = Config::from_bytes(bytes)?;
    Ok(Prepared::whole(config.revision.clone(), config))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tributary_config::Document;
    use tributary_model::{Amount, Change, ChangeId, EventId, Op, Path, Stage};

    use super::*;

    fn state() -> State {
        let event = EventId::new("e").unwrap();
        let ops = [
            Op::Set(json!("seven")),
            Op::Increment { by: Amount::from_json(&json!(7)).unwrap(), tag: String::new() },
        ];
        State::fold(&ops.map(|op| Change {
            id: ChangeId::derive(&event, Stage::Preprocess, "0", 0),
            event: event.clone(),
            time: Time::from_micros(0),
            path: Path::new("points").unwrap(),
            op,
        }))
    }

    #[test]
    fn a_path_that_was_of_two_kinds_shows_the_one_that_is_configured() {
        let (now, demo) = (Time::from_micros(1), TenantId::new("demo").unwrap());
        let document = |kind: &str, spec: &str| Document {
            tenant: "demo".to_owned(),
            kind: kind.to_owned(),
            name: "a".to_owned(),
            file: "a.yaml".to_owned(),
            line: 1,
            text: format!("kind: {kind}\nname: a\ntenant: demo\nspec: {spec}\n"),
        };
        let documents = [
            document("Source", "{write_keys: [{env: KEY}]}"),
            document("Fields", "{fields: {points: counter}}"),
        ];
        let config = Some(Arc::new(Config::from_documents(&documents).unwrap()));
        let shown = |viewpoint: Viewpoint, tenant: &TenantId| {
            serde_json::Value::Object(viewpoint.of(tenant, &state()).document())
        };
        assert_eq!(shown(Viewpoint::at(now), &demo), json!({"points": "seven"}));
        assert_eq!(shown(Viewpoint { config: config.clone(), now }, &demo), json!({"points": 7}));
        let other = TenantId::new("other").unwrap();
        assert_eq!(shown(Viewpoint { config, now }, &other), json!({"points": "seven"}));
    }
}

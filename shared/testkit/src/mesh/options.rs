//! What a test's mesh is to be like.

use std::{collections::BTreeMap, path::PathBuf};
use tributary_servers::Stage;

/// How a mesh is started.
#[derive(Clone, Debug)]
pub struct MeshOptions {
    /// The folder of configuration documents.
    pub config_dir: PathBuf,
    /// The stages to start; all five by default.
    pub stages: Vec<Stage>,
    /// Variables for every stage; they win over what the mesh sets itself.
    pub env: Vec<(String, String)>,
    /// Variables for one stage; they win over `env`.
    pub stage_env: BTreeMap<Stage, Vec<(String, String)>>,
    /// Where traces are exported to; nowhere by default.
    pub otlp_endpoint: Option<String>,
    /// The tenants that get an admin key; `demo` by default.
    pub tenants: Vec<String>,
}

impl MeshOptions {
    /// All five stages with this configuration.
    #[must_use]
    pub fn new(config_dir: impl Into<PathBuf>) -> MeshOptions {
        MeshOptions {
            config_dir: config_dir.into(),
            stages: Stage::ALL.into(),
            env: Vec::new(),
            stage_env: BTreeMap::new(),
            otlp_endpoint: None,
            tenants: vec!["demo".into()],
        }
    }

    /// Sets a variable for every stage.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> MeshOptions {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets a variable for one stage.
    #[must_use]
    pub fn stage_env(mut self, stage: Stage, name: &str, value: impl Into<String>) -> MeshOptions {
        self.stage_env.entry(stage).or_default().push((name.into(), value.into()));
        self
    }

    /// Starts these stages only.
    #[must_use]
    pub fn stages(mut self, stages: impl IntoIterator<Item = Stage>) -> MeshOptions {
        self.stages = stages.into_iter().collect();
        self
    }

    /// Exports traces there.
    #[must_use]
    pub fn otlp(mut self, endpoint: impl Into<String>) -> MeshOptions {
        self.otlp_endpoint = Some(endpoint.into());
        self
    }
}

//! Whether this process wants calls, by `grpc.health.v1`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// Says whether the server is ready, for the whole of it (the empty name) and for each of its services.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    names: Arc<[&'static str]>,
    retired: Arc<AtomicBool>,
}

impl Health {
    pub(super) fn new(names: &[&'static str]) -> (Self, HealthServer<HealthService>) {
        let reporter = HealthReporter::new();
        let service = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
        let names = std::iter::once("").chain(names.iter().copied()).collect();
        (Self { reporter, names, retired: Arc::default() }, service)
    }

    /// Tells probes and watchers. A stage calls this when something it cannot work without goes away and comes back.
    /// Without effect once the server is ending.
    pub async fn set_serving(&self, serving: bool) {
        if self.retired.load(Ordering::Relaxed) {
            return;
        }
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in self.names.iter() {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// Ends the streams of all watchers: they would keep their connections, and so the server, open for ever.
    pub(super) async fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        let mut reporter = self.reporter.clone();
        for name in self.names.iter() {
            reporter.clear_service_status(name).await;
        }
    }
}

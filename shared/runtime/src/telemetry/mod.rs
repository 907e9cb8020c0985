//! Log lines to stderr and spans to an OTLP endpoint; one set-up, and one guard that sends what is left at the end.
//!
//! Names of spans and attributes are in [`names`]; how a trace travels through metadata and stream entries is in
//! [`propagation`].

pub mod names;
pub mod propagation;

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, RandomIdGenerator, Sampler, SdkTracerProvider,
};
use tracing::Subscriber;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::settings::SharedSettings;

/// How long the last spans may take to leave the process.
const FLUSH_BUDGET: Duration = Duration::from_secs(3);

/// Keeps telemetry going. Shut it down last, or the spans of the shutdown itself are lost.
#[derive(Debug)]
pub struct TelemetryGuard {
    provider: SdkTracerProvider,
}

/// Sets up logging and tracing for this process. Call it once, inside the runtime: the exporter needs it.
///
/// Spans have ids also without an endpoint, so that answers and log lines can name their trace; nothing records them
/// then, unless a caller asked for it.
///
/// # Errors
/// An endpoint that is no URL, an unusable log filter, or a process that was set up before.
pub fn init(stage: &'static str, settings: &SharedSettings) -> anyhow::Result<TelemetryGuard> {
    let provider = provider(stage, settings)?;
    let log_filter = EnvFilter::try_new(&settings.log).context("TRIBUTARY_LOG is not a log filter")?;
    let log = if std::io::stderr().is_terminal() {
        fmt::layer().with_writer(std::io::stderr).compact().boxed()
    } else {
        fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).boxed()
    };
    // Each layer has its own filter: a quiet log must not make spans disappear.
    tracing_subscriber::registry()
        // Lines say what they are about themselves; writing down every span for them would cost more than all lines.
        .with(log.with_filter(log_filter.and(filter_fn(|metadata| metadata.is_event()))))
        .with(otel_layer(&provider))
        .try_init()
        .context("telemetry is already set up in this process")?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    log_panics();
    Ok(TelemetryGuard { provider })
}

impl TelemetryGuard {
    /// Sends what is left, within three seconds. Says on the log what could not be sent.
    pub async fn shutdown(self) {
        // The exporter blocks its caller, so it gets a thread of its own.
        let flush = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH_BUDGET));
        match tokio::time::timeout(FLUSH_BUDGET + Duration::from_millis(500), flush).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!("the last spans were not sent: {error}"),
            Ok(Err(_)) | Err(_) => tracing::warn!("the last spans were not sent in time"),
        }
    }
}

fn provider(stage: &'static str, settings: &SharedSettings) -> anyhow::Result<SdkTracerProvider> {
    let instance = format!("{:032x}", RandomIdGenerator::default().new_trace_id());
    let resource = Resource::builder()
        .with_service_name(format!("tributary-{stage}"))
        .with_attribute(KeyValue::new(names::SERVICE_INSTANCE_ID, instance))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);

    let Some(endpoint) = &settings.otlp_endpoint else {
        return Ok(builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))).build());
    };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(FLUSH_BUDGET)
        .build()
        .with_context(|| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {endpoint} cannot be used"))?;
    // A queue for bursts: what does not fit is dropped by the exporter, and an event's trace would have a hole.
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(16_384)
        .with_scheduled_delay(Duration::from_secs(1))
        .build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let begun_here = Sampler::TraceIdRatioBased(settings.trace_ratio);
    Ok(builder
        .with_sampler(Sampler::ParentBased(Box::new(begun_here)))
        .with_span_processor(processor)
        .build())
}

/// Spans of this program, and not of the libraries by which they are exported: those would be exported in turn, for ever.
fn otel_layer<S>(provider: &SdkTracerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    for library in [
        "hyper",
        "hyper_util",
        "h2",
        "tonic",
        "tower",
        "opentelemetry",
        "opentelemetry_sdk",
        "opentelemetry_otlp",
    ] {
        targets = targets.with_target(library, LevelFilter::OFF);
    }
    // Locations and threads of every span cost more to send than they ever tell.
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("tributary"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(targets)
}

/// A panic is one line of the log like any other, and not several on a stream that nobody parses.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = crate::lifecycle::panic_text(panic.payload());
        tracing::error!(location, "panic: {text}");
    }));
}

#[cfg(test)]
pub(crate) mod testing {
    //! A provider that keeps what it was given, and a subscriber for one thread.

    use std::sync::{Arc, Mutex};

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::SpanData;

    use super::*;

    #[derive(Debug, Clone, Default)]
    pub(crate) struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl opentelemetry_sdk::trace::SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    impl Kept {
        pub(crate) fn span(&self, name: &str) -> SpanData {
            let spans = self.0.lock().unwrap();
            spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}")).clone()
        }
    }

    /// Runs `work` with spans recorded and returns them.
    pub(crate) fn recorded(work: impl FnOnce()) -> Kept {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        let subscriber = tracing_subscriber::registry().with(otel_layer(&provider));
        tracing::subscriber::with_default(subscriber, work);
        kept
    }
}

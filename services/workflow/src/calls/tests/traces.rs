//! What spans and log lines tell of calls, and what they must not.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::*;

/// All that is said, by spans and by lines, a field at a time.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn fields(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap()
    }
}

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields().push(format!("{}={value:?}", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields().push(format!("{}={value}", field.name()));
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Heard {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent()).map(|parent| parent.name());
        let name = attributes.metadata().name();
        self.fields().push(format!("{name} below {}", parent.unwrap_or("nothing")));
        attributes.record(&mut self.clone());
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut self.clone());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

#[tokio::test]
async fn a_call_is_a_span_below_its_runs_and_says_no_value() {
    let world = World::start().await;
    let server = Receiver::start().await.unwrap();
    server.script([500, 429, 404]);
    let calls = calls(&world, "127.0.0.1");
    let call = HttpCall {
        method: "POST".into(),
        url: format!("{}secret-path?q=secret-query", server.url()),
        body: Some(json!({"city": "secret-body"})),
        timeout: Duration::from_secs(20),
        retries: 2,
    };
    let lost = get("http://10.0.0.1/secret-path".into());
    let heard = Heard::default();
    let subscriber = tracing_subscriber::registry().with(heard.clone());
    let listening = tracing::subscriber::set_default(subscriber);
    let wanted = vec![("ask", Call::Http(call)), ("lost", lost)];
    let workflow = workflow();
    let asking = answer(&calls, &workflow, Duration::from_secs(30), wanted);
    let answers = asking.instrument(tracing::info_span!("run")).await;
    drop(listening);

    assert!(matches!(&answers["ask"].0, Answer::Http(Ok(answer)) if answer.status == 404));
    let heard = heard.fields();
    for said in [
        "call below run",
        "otel.kind=client",
        "tributary.workflow=w",
        "tributary.node=ask",
        "tributary.method=POST",
        "server.address=127.0.0.1",
        &*format!("server.port={}", server.port()),
        "http.response.status_code=404",
        "tributary.attempts=3",
        "tributary.outcome=answered",
        "tributary.node=lost",
        "tributary.reason=FORBIDDEN_ADDRESS",
        "otel.status_code=ERROR",
    ] {
        assert!(heard.iter().any(|field| field == said), "{said}: {heard:?}");
    }
    for field in heard.iter() {
        assert!(!field.contains("secret"), "{field}");
    }
}

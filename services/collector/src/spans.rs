//! The spans of a batch: each sampled trace in it gets a `stored` and a `published` span of its own, linked to the flush
//! that served them all.

use std::collections::BTreeMap;

use tracing::{Span, field::Empty};
use tributary_model::{PartitionId, TraceContext};
use tributary_runtime::telemetry::{names, propagation};
use tributary_streams::{Entry, Stream};

/// The sampled traces of a batch, each with the context of its newest entry.
pub(crate) struct Traces(BTreeMap<String, TraceContext>);

impl Traces {
    /// Of entries in the order of their stream.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let sampled = entries.iter().filter(|entry| entry.trace.is_sampled());
        Self(
            sampled
                .filter_map(|entry| Some((entry.trace.trace_id()?.to_owned(), entry.trace.clone())))
                .collect(),
        )
    }

    /// Begins the spans of the transaction. Call it within the flush's span.
    pub(crate) fn stored(&self, partition: PartitionId) -> TraceSpans {
        self.open(|| {
            tracing::info_span!(
                parent: None,
                names::STORED,
                { names::PARTITION } = names::number(partition.0),
                { names::OTEL_STATUS_CODE } = Empty
            )
        })
    }

    /// Begins the spans of the publication. Call it within the flush's span.
    pub(crate) fn published(&self, partition: PartitionId) -> TraceSpans {
        self.open(|| {
            tracing::info_span!(
                parent: None,
                names::PUBLISHED,
                { names::PARTITION } = names::number(partition.0),
                { names::OTEL_KIND } = "producer",
                { names::MESSAGING_SYSTEM } = names::MESSAGING_REDIS,
                { names::MESSAGING_OPERATION_TYPE } = "send",
                { names::MESSAGING_OPERATION_NAME } = names::PUBLISHED,
                { names::MESSAGING_DESTINATION_NAME } = Stream::Profiles.name(),
                { names::MESSAGING_DESTINATION_PARTITION_ID } = %partition.0,
                { names::OTEL_STATUS_CODE } = Empty
            )
        })
    }

    fn open(&self, new: impl Fn() -> Span) -> TraceSpans {
        let flush = propagation::current();
        let spans = self.0.iter().map(|(trace, newest)| {
            let span = new();
            propagation::set_parent(&span, newest);
            propagation::add_link(&span, &flush);
            (trace.clone(), span)
        });
        TraceSpans(spans.collect())
    }
}

/// One open span a trace; they end when this is dropped.
pub(crate) struct TraceSpans(BTreeMap<String, Span>);

impl TraceSpans {
    /// The context with which a trace goes on: that of its span here, or what it was where it has none.
    pub(crate) fn continued(&self, trace: &TraceContext) -> TraceContext {
        let span = trace.trace_id().and_then(|id| self.0.get(id));
        let here = span.map(propagation::context_of).filter(|context| context.trace_id().is_some());
        here.unwrap_or_else(|| trace.clone())
    }

    /// Marks all of them as failed, and hands the error on.
    pub(crate) fn failed<E>(&self, error: E) -> E {
        for span in self.0.values() {
            span.record(names::OTEL_STATUS_CODE, "ERROR");
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(trace: char, span: char, flags: &str) -> Entry {
        let (trace, span) = (trace.to_string().repeat(32), span.to_string().repeat(16));
        let traceparent = format!("00-{trace}-{span}-{flags}");
        Entry { trace: TraceContext { traceparent, ..Default::default() }, ..Default::default() }
    }

    #[test]
    fn a_trace_counts_once_with_its_newest_entry_and_only_if_sampled() {
        let entries = [entry('a', '1', "01"), entry('b', '2', "00"), entry('a', '3', "01"), Entry::default()];
        let traces = Traces::of(&entries);
        assert_eq!(traces.0.len(), 1);
        assert_eq!(traces.0[&"a".repeat(32)], entries[2].trace);
    }

    #[test]
    fn without_telemetry_a_trace_goes_on_as_it_was() {
        let entries = [entry('a', '1', "01"), entry('b', '2', "00")];
        let published = Traces::of(&entries).published(PartitionId(0));
        for entry in entries {
            assert_eq!(published.continued(&entry.trace), entry.trace);
        }
    }
}

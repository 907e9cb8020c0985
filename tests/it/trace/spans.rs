//! The spans of one trace as the tree that they have to be.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    iter::successors,
};
use tributary_runtime::telemetry::names as is;
use tributary_testkit::Span;

pub(super) const SERVER: &str = "SPAN_KIND_SERVER";
const CLIENT: &str = "SPAN_KIND_CLIENT";
const PRODUCER: &str = "SPAN_KIND_PRODUCER";
const CONSUMER: &str = "SPAN_KIND_CONSUMER";
const INTERNAL: &str = "SPAN_KIND_INTERNAL";

const TRACK: &str = "tributary.v1.IngestService/Track";
const PROCESS: &str = "tributary.v1.PreprocessService/Process";
/// The caller's own span, which the mesh does not have.
const CALLER: &str = "the caller";

/// Every span that an event leads to: the stage, its kind, its name, and that of its parent.
const PLACES: [(&str, &str, &str, &str); 15] = [
    ("tributary-ingest", SERVER, TRACK, CALLER),
    ("tributary-ingest", CLIENT, PROCESS, TRACK),
    ("tributary-preprocess", SERVER, PROCESS, PROCESS),
    ("tributary-preprocess", PRODUCER, is::SEND_EVENTS, PROCESS),
    ("tributary-workflow", CONSUMER, is::PROCESS_EVENTS, is::SEND_EVENTS),
    ("tributary-workflow", INTERNAL, is::RUN_WORKFLOW, is::PROCESS_EVENTS),
    ("tributary-workflow", CLIENT, is::CALL, is::RUN_WORKFLOW),
    ("tributary-workflow", PRODUCER, is::SEND_CHANGES, is::PROCESS_EVENTS),
    // A derived event.
    ("tributary-workflow", CLIENT, PROCESS, is::SEND_CHANGES),
    // A batch continues a trace where the newest of its entries was sent: by preprocess, or by a workflow after it.
    ("tributary-collector", INTERNAL, is::STORED, is::SEND_EVENTS),
    ("tributary-collector", INTERNAL, is::STORED, is::SEND_CHANGES),
    ("tributary-collector", PRODUCER, is::PUBLISHED, is::SEND_EVENTS),
    ("tributary-collector", PRODUCER, is::PUBLISHED, is::SEND_CHANGES),
    ("tributary-dispatcher", CONSUMER, is::PROCESS_PROFILES, is::PUBLISHED),
    ("tributary-dispatcher", CLIENT, is::DELIVER, is::PROCESS_PROFILES),
];

/// The spans of one trace, by their ids.
pub(super) struct Tree<'a> {
    spans: BTreeMap<&'a str, &'a Span>,
    caller: &'a str,
}

impl<'a> Tree<'a> {
    pub(super) fn of(all: &'a [Span], trace: &str, caller: &'a str) -> Tree<'a> {
        let of_trace = all.iter().filter(|span| span.trace_id == trace);
        Tree { spans: of_trace.map(|span| (&*span.span_id, span)).collect(), caller }
    }

    pub(super) fn span(&self, id: &str) -> &'a Span {
        self.spans.get(id).unwrap_or_else(|| panic!("the trace has no span {id}"))
    }

    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &'a Span> {
        self.spans.values().copied().filter(move |span| span.name == name)
    }

    /// From its parent up to the caller.
    pub(super) fn ancestors(&self, span: &Span) -> impl Iterator<Item = &'a Span> {
        let parent = |span: &Span| self.spans.get(&*span.parent_id).copied();
        successors(parent(span), move |span| parent(span))
    }

    /// Each parent is in the trace, or is the caller; no span is anywhere else than [`PLACES`] says, and none of these
    /// is missing, but for the one of a pair that a batch may have.
    pub(super) fn assert_every_span_is_where_it_belongs(&self) {
        let mut found = BTreeSet::new();
        for span in self.spans.values() {
            let parent = match self.spans.get(&*span.parent_id) {
                Some(parent) => &*parent.name,
                None if span.parent_id == self.caller => CALLER,
                None => panic!("the trace is broken: no parent of {span:#?}"),
            };
            let place = (&*span.service, &*span.kind, &*span.name, parent);
            assert!(PLACES.contains(&place), "{place:?} does not belong there: {span:#?}");
            assert!(!span.failed, "{span:#?}");
            found.insert(place);
        }
        let found: BTreeSet<_> =
            found.into_iter().map(|(service, kind, name, _)| (service, kind, name)).collect();
        for (service, kind, name, _) in PLACES {
            assert!(found.contains(&(service, kind, name)), "{service} has no {name} ({kind}) in the trace");
        }
        assert_eq!(self.named(TRACK).count(), 1);
        assert_eq!(self.spans.values().map(|span| &span.service).collect::<BTreeSet<_>>().len(), 5);
    }

    /// What a batch did for this trace points to the batch, which is a trace of its own.
    pub(super) fn assert_batches_are_linked(&self, all: &[Span]) {
        for span in self.named(is::STORED).chain(self.named(is::PUBLISHED)) {
            let [link] = &*span.links else { panic!("one flush: {span:#?}") };
            let flush =
                all.iter().find(|other| other.span_id == link.span_id && other.trace_id == link.trace_id);
            let flush = flush.unwrap_or_else(|| panic!("the flush is not recorded: {span:#?}"));
            assert_eq!((&*flush.name, &*flush.parent_id), (is::FLUSH, ""));
            assert!(flush.start <= span.start && span.end <= flush.end, "within the flush: {span:#?}");
        }
    }

    /// The names that dashboards ask for, by the conventions of OpenTelemetry.
    pub(super) fn assert_attributes(&self) {
        for span in self.spans.values() {
            match &*span.kind {
                SERVER | CLIENT if ![is::DELIVER, is::CALL].contains(&&*span.name) => {
                    let (service, method) =
                        span.name.split_once('/').expect("a call has a service and a method");
                    has(span, is::RPC_SYSTEM, "grpc");
                    has(span, is::RPC_SERVICE, service);
                    has(span, is::RPC_METHOD, method);
                    has(span, is::RPC_GRPC_STATUS_CODE, 0);
                }
                PRODUCER => {
                    let streams = match &*span.name {
                        is::SEND_EVENTS => "events",
                        is::SEND_CHANGES => "changes",
                        _ => "profiles",
                    };
                    message(span, "send", streams);
                    if span.name == is::SEND_EVENTS {
                        assert!(
                            span.attributes[is::MESSAGING_BATCH_MESSAGE_COUNT].as_u64() >= Some(1),
                            "{span:#?}"
                        );
                    }
                }
                CONSUMER => {
                    let (stream, group) = match &*span.name {
                        is::PROCESS_EVENTS => ("events", "workflow"),
                        _ => ("profiles", "dispatcher"),
                    };
                    message(span, "process", stream);
                    has(span, is::MESSAGING_CONSUMER_GROUP_NAME, group);
                    assert!(
                        span.text(is::MESSAGING_MESSAGE_ID).is_some_and(|id| id.contains('-')),
                        "{span:#?}"
                    );
                }
                _ => {}
            }
        }
        for span in self.named(is::DELIVER) {
            has(span, is::TENANT, "demo");
            has(span, is::DESTINATION, "crm");
            has(span, is::ATTEMPT, 1);
            has(span, is::OUTCOME, "done");
        }
        for span in self.named(is::CALL) {
            has(span, is::WORKFLOW, "welcome");
            has(span, is::NODE, "ask");
            has(span, is::METHOD, "GET");
            has(span, is::SERVER_ADDRESS, "127.0.0.1");
            has(span, is::HTTP_RESPONSE_STATUS_CODE, 200);
            has(span, is::ATTEMPTS, 1);
            has(span, is::OUTCOME, "answered");
        }
        for span in self.named(is::RUN_WORKFLOW) {
            has(span, is::WORKFLOW, "welcome");
            has(span, is::OUTCOME, "done");
        }
    }
}

fn message(span: &Span, operation: &str, stream: &str) {
    has(span, is::MESSAGING_SYSTEM, is::MESSAGING_REDIS);
    has(span, is::MESSAGING_OPERATION_TYPE, operation);
    has(span, is::MESSAGING_OPERATION_NAME, &*span.name);
    has(span, is::MESSAGING_DESTINATION_NAME, stream);
    let partition =
        span.text(is::MESSAGING_DESTINATION_PARTITION_ID).and_then(|text| text.parse::<u16>().ok());
    assert!(partition.is_some(), "a partition, as text: {span:#?}");
}

#[track_caller]
fn has(span: &Span, attribute: &str, value: impl Into<Value>) {
    let found = span.attributes.get(attribute).cloned().unwrap_or_default();
    assert_eq!(found, value.into(), "{attribute} of {span:#?}");
}

//! Every name that telemetry uses, once: dashboards and queries depend on them as callers do on the contract.
//!
//! Names of `rpc.*`, `http.*`, `server.*` and `messaging.*` follow OpenTelemetry's semantic conventions; what those do not know is
//! `tributary.*`. Use them as `info_span!(names::FLUSH, { names::PARTITION } = names::number(partition))`.

/// Preprocess appends events.
pub const SEND_EVENTS: &str = "send events";
/// A stage appends changes.
pub const SEND_CHANGES: &str = "send changes";
/// A reader handles entries of the events stream.
pub const PROCESS_EVENTS: &str = "process events";
/// A workflow runs for one event, or goes on after a pause.
pub const RUN_WORKFLOW: &str = "run workflow";
/// An event of a run's span: a node had its turn.
pub const NODE_EVENT: &str = "node";
/// A workflow asks something of the world outside, or of the profile's past.
pub const CALL: &str = "call";
/// The collector folds and stores a batch.
pub const FLUSH: &str = "flush";
/// One event of a batch was stored; linked to the flush.
pub const STORED: &str = "stored";
/// One profile of a batch was published; linked to the flush.
pub const PUBLISHED: &str = "published";
/// The dispatcher handles a changed profile.
pub const PROCESS_PROFILES: &str = "process profiles";
/// An attempt to reach a destination.
pub const DELIVER: &str = "deliver";

/// Which process of a stage.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// The span's name where it is known at run time only.
pub const OTEL_NAME: &str = "otel.name";
/// `server`, `client`, `producer`, `consumer` or `internal`.
pub const OTEL_KIND: &str = "otel.kind";
/// `OK` or `ERROR`.
pub const OTEL_STATUS_CODE: &str = "otel.status_code";

/// Always `grpc`.
pub const RPC_SYSTEM: &str = "rpc.system";
/// Package and service, like `tributary.v1.IngestService`.
pub const RPC_SERVICE: &str = "rpc.service";
/// The method, like `Track`.
pub const RPC_METHOD: &str = "rpc.method";
/// The number of the gRPC code that was answered.
pub const RPC_GRPC_STATUS_CODE: &str = "rpc.grpc.status_code";

/// The host that is called, as it is written.
pub const SERVER_ADDRESS: &str = "server.address";
/// Its port.
pub const SERVER_PORT: &str = "server.port";
/// The status that an HTTP server answered with.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";

/// Always [`MESSAGING_REDIS`].
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// The value of [`MESSAGING_SYSTEM`].
pub const MESSAGING_REDIS: &str = "redis";
/// `send`, `process` or `settle`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// The operation as a person calls it, like `send events`.
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
/// The stream's name within its partition, like `events`.
pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
/// The partition, as text.
pub const MESSAGING_DESTINATION_PARTITION_ID: &str = "messaging.destination.partition.id";
/// The consumer group.
pub const MESSAGING_CONSUMER_GROUP_NAME: &str = "messaging.consumer.group.name";
/// The entry's id.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";
/// How many entries a batch has.
pub const MESSAGING_BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";

/// Whose data it is.
pub const TENANT: &str = "tributary.tenant";
/// The source of a payload.
pub const SOURCE: &str = "tributary.source";
/// A partition's number.
pub const PARTITION: &str = "tributary.partition";
/// An event's id.
pub const EVENT_ID: &str = "tributary.event.id";
/// An event's type.
pub const EVENT_TYPE: &str = "tributary.event.type";
/// How many events a payload or a batch has.
pub const EVENTS: &str = "tributary.events";
/// How many changes were appended or folded.
pub const CHANGES: &str = "tributary.changes";
/// A workflow's name.
pub const WORKFLOW: &str = "tributary.workflow";
/// A node's name in its workflow.
pub const NODE: &str = "tributary.node";
/// A node's kind, like `if`.
pub const NODE_KIND: &str = "tributary.node.kind";
/// The port by which a node was left; empty where it waits or its branch ended.
pub const NODE_PORT: &str = "tributary.node.port";
/// What a call asks for: an HTTP method, a gRPC method, or `history`.
pub const METHOD: &str = "tributary.method";
/// How many attempts a call took.
pub const ATTEMPTS: &str = "tributary.attempts";
/// How a run, a delivery or a call ended.
pub const OUTCOME: &str = "tributary.outcome";
/// A destination's name.
pub const DESTINATION: &str = "tributary.destination";
/// The number of an attempt, from one.
pub const ATTEMPT: &str = "tributary.attempt";
/// The revision of the configuration that was used.
pub const REVISION: &str = "tributary.revision";
/// The stable reason of a failure.
pub const REASON: &str = "tributary.reason";

/// A number as an attribute has to be. Unsigned ones become text on the way to OpenTelemetry, which nothing can add up.
pub fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

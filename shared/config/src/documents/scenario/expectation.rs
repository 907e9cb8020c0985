//! What a step is expected to lead to. Of an object only what is named is compared; a list is complete and in order, its
//! elements likewise; null says that nothing is there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tributary_model::Time;

use crate::at::At;
use crate::error::Place;

/// What must have come of a step; what is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Expectation {
    /// The payload is refused as a whole, for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What the client is told of each event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Value>>,
    /// The codes of the warnings about the payload as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
    /// What the profile shows when all is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Map<String, Value>>,
    /// What the session shows when all is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Map<String, Value>>,
    /// The events that the mesh made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived: Option<Vec<Value>>,
    /// What destinations were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<Vec<Value>>,
    /// What was given up on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<Vec<Value>>,
}

impl Expectation {
    /// As one document, to be compared with what came.
    ///
    /// # Panics
    /// Never: it is made of documents.
    #[must_use]
    pub fn document(&self) -> Value {
        serde_json::to_value(self).expect("an expectation is made of documents")
    }
}

/// What must have come of the step. Of an object only what is named is compared; a list is complete and in order; null
/// says that nothing is there.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectationSpec {
    /// The payload is refused as a whole, for this reason, such as PROFILE_NOT_FOUND.
    refused: Option<String>,
    /// What the client is told of each event of the payload.
    events: Option<Vec<EventSpec>>,
    /// The codes of the warnings about the payload as a whole, such as PROFILE_REPLACED.
    warnings: Option<Vec<String>>,
    /// What the profile shows when the step is done.
    profile: Option<Map<String, Value>>,
    /// What the session shows when the step is done.
    session: Option<Map<String, Value>>,
    /// The events that the mesh made in this step.
    derived: Option<Vec<DerivedSpec>>,
    /// What destinations were sent in this step.
    deliveries: Option<Vec<DeliverySpec>>,
    /// What was given up on in this step.
    dead_letters: Option<Vec<DeadLetterSpec>>,
}

/// What the client is told of an event, and what is kept with it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EventSpec {
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Whether it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusSpec>,
    /// Why it is INVALID: the reasons, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    violations: Option<Vec<String>>,
    /// What the client is to know: the codes, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<String>>,
    /// What was found wrong with it and is kept with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<ProblemSpec>>,
    /// Whether it does not fit the Schema of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<bool>,
}

/// Whether an event counts.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum StatusSpec {
    /// It was recorded.
    Accepted,
    /// It was recorded before.
    Duplicate,
    /// It is refused.
    Invalid,
}

/// Something that was found wrong with an event.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProblemSpec {
    /// The document that says so, such as `Mapping purchase`.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Which fault it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// An event that the mesh made.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DerivedSpec {
    /// What happened.
    #[serde(rename = "type")]
    event_type: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    time: Option<Time>,
    /// The profile at which it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// The session that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// The event that it was made because of.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// How many derivations lie between a client's event and this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<u32>,
    /// What there is to say about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Map<String, Value>>,
    /// What was found wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<ProblemSpec>>,
    /// Whether it does not fit the Schema of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<bool>,
}

/// A profile that a destination was sent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeliverySpec {
    /// Where it went.
    destination: At<String>,
    /// When.
    #[schemars(with = "Option<String>")]
    time: Option<Time>,
    /// The profile's id.
    profile_id: Option<String>,
    /// The fields that were sent.
    profile: Option<Map<String, Value>>,
}

/// Something that was given up on.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeadLetterSpec {
    /// Why.
    reason: String,
    /// The type of the event that was not made.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
}

/// A name, and where it stands.
pub(super) type Named = (String, Place);

impl ExpectationSpec {
    /// The expectation, and the destinations that it names.
    pub(super) fn into_parts(self) -> (Expectation, Vec<Named>) {
        let deliveries = self.deliveries.as_deref().unwrap_or_default();
        let named = deliveries
            .iter()
            .map(|delivery| (delivery.destination.value.clone(), delivery.destination.place));
        let named = named.collect();
        let expectation = Expectation {
            refused: self.refused,
            events: self.events.map(documents),
            warnings: self.warnings,
            profile: self.profile,
            session: self.session,
            derived: self.derived.map(documents),
            deliveries: self.deliveries.map(|list| list.into_iter().map(DeliverySpec::document).collect()),
            dead_letters: self.dead_letters.map(documents),
        };
        (expectation, named)
    }
}

impl DeliverySpec {
    fn document(self) -> Value {
        let mut document = Map::new();
        document.insert("destination".into(), self.destination.value.into());
        if let Some(time) = self.time {
            document.insert("time".into(), time.to_string().into());
        }
        if let Some(id) = self.profile_id {
            document.insert("profile_id".into(), id.into());
        }
        if let Some(profile) = self.profile {
            document.insert("profile".into(), profile.into());
        }
        document.into()
    }
}

fn documents<T: Serialize>(specs: Vec<T>) -> Vec<Value> {
    let document = |spec| serde_json::to_value(spec).expect("these hold names, numbers and documents only");
    specs.into_iter().map(document).collect()
}

//! What a step is expected to lead to. Of an object only what is named is compared; a list is complete and in order, its
//! elements likewise; null says that nothing is there.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use tributary_model::Time;

use super::answers::Named;
use super::reasons::Words;
use crate::at::At;
use crate::error::Place;

/// What must have come of a step; what is left out is not looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation(Value);

impl Expectation {
    /// As one document, to be compared with what came: an object of those of `refused`, `events`, `warnings`, `profile`,
    /// `session`, `response`, `calls`, `derived`, `deliveries` and `dead_letters` that something is expected of. Null stands where nothing must
    /// have come.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.0
    }
}

/// What may be left out, be null for "nothing is there", or be expected.
type Said<T> = Option<Option<T>>;

/// A null that is there says something; serde takes it for a field that is left out unless told.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Said<T>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The same of a list: nothing is there when it is empty.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(|list| Some(list.unwrap_or_default()))
}

/// What must have come of the step. Of an object only what is named is compared; a list is complete and in order; null
/// says that nothing is there.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expectation")]
pub(super) struct ExpectationSpec {
    /// The payload is refused as a whole, for this reason, such as PROFILE_NOT_FOUND; null: it is not refused.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    refused: Said<At<String>>,
    /// What the client is told of each event of the payload; null: nothing, because the payload is refused.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    events: Said<Vec<EventSpec>>,
    /// The codes of the warnings about the payload as a whole, such as PROFILE_REPLACED.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    warnings: Said<Vec<At<String>>>,
    /// What the profile shows when the step is done; null: there is none.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    profile: Said<Map<String, Value>>,
    /// What the session shows when the step is done; null: there is none.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    session: Said<Map<String, Value>>,
    /// What workflows answer to the events of the payload, merged in their order; null: nothing.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    response: Said<Map<String, Value>>,
    /// What workflows called in this step.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    calls: Option<Vec<CallSpec>>,
    /// The events that the mesh made in this step.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    derived: Option<Vec<DerivedSpec>>,
    /// What destinations were sent in this step.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<DeliverySpec>>,
    /// What was given up on in this step.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    dead_letters: Option<Vec<DeadLetterSpec>>,
}

/// What the client is told of an event, and what is kept with it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EventAnswer")]
struct EventSpec {
    /// The event's id.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    id: Said<String>,
    /// Whether it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusSpec>,
    /// Why it is INVALID: the reasons, in order.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    violations: Option<Vec<At<String>>>,
    /// What the client is to know: the codes, in order.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<At<String>>>,
    /// What was found wrong with it and is kept with it.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<ProblemSpec>>,
    /// Whether it does not fit the Schema of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<bool>,
}

/// Whether an event counts.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(rename = "EventStatus")]
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
#[schemars(rename = "EventProblem")]
struct ProblemSpec {
    /// The document that says so, such as `Mapping purchase`.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Which fault it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<At<String>>,
}

/// An event that the mesh made.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DerivedEvent")]
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
    /// The session that it belongs to; null: none.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    session: Said<String>,
    /// The event that it was made because of; null: none.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    cause: Said<String>,
    /// How many derivations lie between a client's event and this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<u32>,
    /// What there is to say about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Map<String, Value>>,
    /// What was found wrong with it.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<ProblemSpec>>,
    /// Whether it does not fit the Schema of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<bool>,
}

/// A call that a workflow made.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MadeCall")]
struct CallSpec {
    /// Which node called: <workflow>/<node>.
    node: At<String>,
    /// The method of an http node.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Whom it called.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The body that an http node sent; null: none.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    body: Said<Value>,
    /// What a grpc node was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Map<String, Value>>,
}

/// What a destination was sent: a profile, or what a workflow sent with `deliver`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sent")]
struct DeliverySpec {
    /// Where it went.
    destination: At<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    time: Option<Time>,
    /// The profile's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_id: Option<String>,
    /// The profile's fields that were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Map<String, Value>>,
    /// What a workflow sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Map<String, Value>>,
}

/// Something that was given up on.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeadLetter")]
struct DeadLetterSpec {
    /// Why.
    reason: At<String>,
    /// The type of the event that was not made.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
}

impl ExpectationSpec {
    /// The destinations that it names, and where.
    pub(super) fn destinations(&self) -> impl Iterator<Item = (String, Place)> {
        let deliveries = self.deliveries.iter().flatten();
        deliveries.map(|delivery| (delivery.destination.value.clone(), delivery.destination.place))
    }

    /// The nodes that it names, and where.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Named> {
        let calls = self.calls.iter().flatten();
        calls.map(|call| Named { node: call.node.value.clone(), place: call.node.place, answers: None })
    }

    /// What is wrong with its words, and where.
    pub(super) fn unknown_words(&self) -> Vec<(Place, String)> {
        let check = |(words, at): (Words, &At<String>)| Some((at.place, words.check(&at.value).err()?));
        self.words().into_iter().filter_map(check).collect()
    }

    fn words(&self) -> Vec<(Words, &At<String>)> {
        fn of<'s>(
            words: Words,
            list: impl IntoIterator<Item = &'s At<String>>,
        ) -> impl Iterator<Item = (Words, &'s At<String>)> {
            list.into_iter().map(move |word| (words, word))
        }
        fn reasons(problems: &Option<Vec<ProblemSpec>>) -> impl Iterator<Item = &At<String>> {
            problems.iter().flatten().filter_map(|problem| problem.reason.as_ref())
        }
        let events = || self.events.iter().flatten().flatten();
        let derived = self.derived.iter().flatten();
        let dead_letters = self.dead_letters.iter().flatten();
        of(Words::Payload, self.refused.iter().flatten())
            .chain(of(Words::Warning, self.warnings.iter().flatten().flatten()))
            .chain(of(Words::Event, events().flat_map(|event| event.violations.iter().flatten())))
            .chain(of(Words::Warning, events().flat_map(|event| event.warnings.iter().flatten())))
            .chain(of(Words::Problem, events().flat_map(|event| reasons(&event.problems))))
            .chain(of(Words::Problem, derived.flat_map(|event| reasons(&event.problems))))
            .chain(of(Words::DeadLetter, dead_letters.map(|letter| &letter.reason)))
            .collect()
    }

    /// The expectation.
    pub(super) fn into_expectation(self) -> Expectation {
        let document = serde_json::to_value(self);
        Expectation(document.expect("these hold names, numbers and documents only"))
    }
}

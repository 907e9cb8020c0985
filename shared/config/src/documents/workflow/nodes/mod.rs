//! The kinds of nodes. A new kind is a file beside this one with its [`NodeKind`], and a line of the registry below.

mod address;
mod append;
mod change;
mod consent;
mod copy;
mod count;
mod delete;
mod deliver;
mod edits;
mod emit;
mod flags;
mod for_each;
mod found;
mod grpc;
mod hash;
mod http;
mod r#if;
mod increment;
mod interest;
mod join;
mod kept;
mod last;
mod mask;
mod moments;
mod past;
mod patience;
mod pause;
mod regex_extract;
mod remove;
mod respond;
mod run_once;
mod segment;
mod sequence;
mod set;
mod split;
pub(super) mod step;
mod stop;
mod sum;
mod switch;
mod template;
mod throttle;
mod time_window;
#[cfg(test)]
mod trial;
mod value_map;
mod wait_for;

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tributary_engine::{Node, Step};

pub use step::{WHEN_DOES_NOT_HOLD, WHEN_HOLDS};

use super::edges::{ToSpec, Way};
use super::reading::Reading;
use crate::at::At;
use crate::documents::destination::HeaderValue;
use crate::survey::Survey;

/// A kind of nodes: how it is written, and what it is to the checks. What it does is its [`Node`].
pub(crate) trait NodeKind: Node + Sized + 'static {
    /// The key that it is written under.
    const NAME: &'static str;
    /// Whether it waits for all branches that can still come.
    const JOINS: bool = false;
    /// Whether it can be left by `error`.
    const FAILS: bool = true;
    /// What is written under its key. Its doc comments are what editors show.
    type Spec: DeserializeOwned + JsonSchema;

    /// Takes `spec` as right by itself, or tells what is wrong with it. What is told without giving up is told all the same:
    /// a document with problems never runs.
    fn read(spec: At<Self::Spec>, reading: &mut Reading<'_>) -> Option<Self>;

    /// Its ports, the default one first; without `error`.
    fn ports(&self) -> Vec<Cow<'static, str>>;

    /// Tells what it evaluates, writes, makes and names.
    fn survey<'n>(&'n self, survey: &mut Survey<'n>);

    /// The headers of the requests that it makes, if it makes any.
    fn headers(&self) -> Option<&Vec<(String, HeaderValue)>> {
        None
    }
}

/// A node of any kind.
pub(crate) trait AnyNode: Node {
    /// As [`NodeKind::survey`].
    fn survey<'n>(&'n self, survey: &mut Survey<'n>);
    /// As [`NodeKind::headers`].
    fn headers(&self) -> Option<&Vec<(String, HeaderValue)>>;
}

impl<K: NodeKind> AnyNode for K {
    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        K::survey(self, survey);
    }

    fn headers(&self) -> Option<&Vec<(String, HeaderValue)>> {
        K::headers(self)
    }
}

/// A node that was read, on its way into a graph.
pub(crate) struct Written {
    pub(crate) name: At<String>,
    pub(crate) node: Arc<dyn AnyNode>,
    /// Whether it is a `join`.
    pub(crate) joins: bool,
    /// Its ports, the default one first.
    pub(crate) ports: Vec<Cow<'static, str>>,
    pub(crate) ways: Vec<Way>,
    /// Whether something was told of its `to`: more ways may be meant.
    pub(crate) misled: bool,
    /// The nodes of its body, where it is a for-each.
    pub(crate) body: Vec<Written>,
}

impl Written {
    /// A node that was made of `spec`, without ways out.
    pub(crate) fn of<K: NodeKind>(
        name: At<String>,
        spec: At<K::Spec>,
        reading: &mut Reading<'_>,
    ) -> Option<Written> {
        let node = K::read(spec, reading)?;
        let mut ports = node.ports();
        if K::FAILS {
            ports.push(Cow::Borrowed("error"));
        }
        let body = std::mem::take(&mut reading.body);
        Some(Written {
            name,
            joins: K::JOINS,
            ports,
            ways: Vec::new(),
            misled: false,
            body,
            node: Arc::new(node),
        })
    }
}

/// What a node is left by that could not do all it was to do; what it could not do was recorded.
pub(crate) fn left(port: &'static str, all_done: bool) -> Step {
    match all_done {
        true => Step::Leave(Cow::Borrowed(port)),
        false => Step::Error {
            reason: "not everything could be done".into(),
            otherwise: Some(Cow::Borrowed(port)),
        },
    }
}

/// The one port of kinds that decide nothing.
pub(crate) fn done() -> Vec<Cow<'static, str>> {
    vec![Cow::Borrowed("done")]
}

macro_rules! registry {
    ($($(#[doc = $doc:literal])* $key:ident: $kind:ty,)*) => {
        /// A node: its name, what it does, and where it leads.
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = "Node", transform = one_kind)]
        pub(crate) struct NodeSpec {
            /// Its name, unique in the workflow: lowercase letters, digits and single hyphens.
            pub(super) name: At<String>,
            /// Where it leads: a node, a list of nodes, or nodes by the ports they are reached by.
            #[serde(default)]
            pub(super) to: Option<At<ToSpec>>,
            $($(#[doc = $doc])* #[serde(default)] $key: Option<At<<$kind as NodeKind>::Spec>>,)*
        }

        /// The keys of all kinds.
        const KINDS: &[&str] = &[$(<$kind as NodeKind>::NAME),*];

        impl NodeSpec {
            /// The kinds that are written.
            pub(super) fn kinds(&self) -> Vec<&'static str> {
                let mut kinds = Vec::new();
                $(if self.$key.is_some() { kinds.push(<$kind as NodeKind>::NAME); })*
                kinds
            }

            /// Reads the node of the kind that is written; what is wrong is told.
            pub(super) fn read(self, reading: &mut Reading<'_>) -> Option<Written> {
                $(if let Some(spec) = self.$key {
                    return Written::of::<$kind>(self.name, spec, reading);
                })*
                None
            }
        }
    };
}

registry! {
    /// Two ways: by whether a condition in CEL holds. Ports: yes, no.
    r#if: r#if::If,
    /// As many ways as there are cases: the first one whose condition holds. Ports: the cases', otherwise.
    switch: switch::Switch,
    /// Profiles in groups of given shares, in percent. Ports: the groups.
    split: split::Split,
    /// Where branches meet: goes on once all that can still come have come. Ports: done.
    join: join::Join,
    /// Nodes that are run for every element of a list. Ports: done.
    for_each: for_each::ForEach,
    /// The end of the whole run. No ports.
    stop: stop::Stop,
    /// Changes of the profile, as mappings have them.
    change: change::Change,
    /// Changes and events, if a condition holds: what a workflow's `steps` are.
    step: step::Step,
    /// Writes registers: values by path. Ports: done.
    set: set::Set,
    /// Writes registers with what is at other paths, such as event.properties.city. Ports: done.
    copy: copy::Copy,
    /// Adds to counters: amounts by path. Ports: done.
    increment: increment::Increment,
    /// Adds to sets and lists: elements by path. Ports: done.
    append: append::Append,
    /// Removes from sets: elements by path. Ports: done.
    remove: remove::Remove,
    /// Removes all that is at these paths. Ports: done.
    delete: delete::Delete,
    /// Fills a text with holes in, and remembers it. Ports: done.
    template: template::Fill,
    /// Looks for a pattern in a text, and remembers what its groups matched. Ports: found, not_found.
    regex_extract: regex_extract::RegexExtract,
    /// Looks a value up in a table, and remembers what stands there. Ports: mapped, unmapped.
    value_map: value_map::ValueMap,
    /// Hashes a text, and remembers the hash. Ports: done.
    hash: hash::Hash,
    /// Replaces most of a text's characters, and remembers what is left. Ports: done.
    mask: mask::Mask,
    /// Puts the profile into a segment, by its name. Ports: done.
    add_segment: segment::AddSegment,
    /// Takes the profile out of a segment, by its name. Ports: done.
    remove_segment: segment::RemoveSegment,
    /// Asks whether the profile is in a segment. Ports: yes, no.
    has_segment: segment::HasSegment,
    /// Raises an interest of the profile. Ports: done.
    add_interest: interest::AddInterest,
    /// Sets an interest of the profile back to zero, by its name. Ports: done.
    remove_interest: interest::RemoveInterest,
    /// Asks whether the profile has an interest. Ports: yes, no.
    has_interest: interest::HasInterest,
    /// Notes a consent of the profile. Ports: done.
    add_consent: consent::AddConsent,
    /// Takes a consent of the profile back, by its name. Ports: done.
    remove_consent: consent::RemoveConsent,
    /// Asks whether the profile has given a consent, or all of several. Ports: yes, no.
    has_consent: consent::HasConsent,
    /// Waits for a while, or until a moment. Ports: done.
    pause: pause::Pause,
    /// Waits for an event of the same profile. Ports: event, timeout.
    wait_for: wait_for::WaitFor,
    /// Asks whether days and hours are these, or waits until they are. Ports: inside, outside.
    time_window: time_window::TimeWindow,
    /// Lets at most so many runs of a profile pass in any stretch of time. Ports: pass, block.
    throttle: throttle::Throttle,
    /// Tells the first time of a profile from later ones. Ports: first, again.
    run_once: run_once::RunOnce,
    /// Counts events of the profile's recent past. Ports: done.
    count: count::Count,
    /// Adds up a number of events of the profile's recent past. Ports: done.
    sum: sum::Sum,
    /// Finds the newest event of the profile's recent past. Ports: found, not_found.
    last: last::Last,
    /// Asks whether events of the profile's recent past came in this order. Ports: yes, no.
    sequence: sequence::Sequence,
    /// Asks an HTTP server. Ports: done, refused.
    http: http::Http,
    /// Calls a node that you serve. Ports: done, and those that it names.
    grpc: grpc::Grpc,
    /// Makes an event of the same profile. Ports: done.
    emit: emit::Emit,
    /// Answers whoever waits for the event's workflows, by name. Ports: done.
    respond: respond::Respond,
    /// Sends something to a destination. Ports: done.
    deliver: deliver::Deliver,
}

/// Kinds for who has written none: all of them would hide what is said.
pub(crate) const SOME_KINDS: &str =
    "if, switch, set, add_segment, pause, wait_for, http, emit and more: docs/workflows.md#nodes lists all";

/// The kinds of nodes, as documents write them.
#[must_use]
pub fn node_kinds() -> &'static [&'static str] {
    KINDS
}

/// Says in the JSON Schema that a node is of one kind.
fn one_kind(schema: &mut schemars::Schema) {
    let ways: Vec<_> = KINDS.iter().map(|kind| serde_json::json!({"required": [kind]})).collect();
    schema.insert("oneOf".to_string(), ways.into());
}

//! Where nodes lead.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor, value};
use tributary_expressions::did_you_mean;

use super::nodes::Written;
use super::reading::Reading;
use crate::at::At;
use crate::error::Place;

/// From a port to a node, as it is written.
pub(crate) struct Way {
    pub(crate) port: Cow<'static, str>,
    pub(crate) to: At<String>,
}

/// Where a node leads, as it is written: a name, a list of names, or either by port.
pub(crate) enum ToSpec {
    First(Names),
    Ports(BTreeMap<At<String>, At<Names>>),
}

/// Names of nodes. A single one has no place of its own.
pub(crate) struct Names(Vec<At<String>>);

/// The ways that `to` means, for a node with these ports, and whether they are all; what is wrong is told.
pub(super) fn read(to: At<ToSpec>, node: &Written, reading: &mut Reading<'_>) -> (Vec<Way>, bool) {
    let (mut ways, mut all_right) = (Vec::new(), true);
    let mut tell = |place, reason: String| {
        all_right = false;
        reading.tell(place, reason);
    };
    match to.value {
        ToSpec::First(names) => match node.ports.first() {
            // A kind whose only way out is `error` has none that could be meant.
            Some(first) if first != "error" => add(first.clone(), names, to.place, &mut ways),
            _ => tell(to.place, format!("{} is an end: nothing can come after it", node.node.kind())),
        },
        ToSpec::Ports(ports) => {
            for (port, names) in ports {
                match node.ports.iter().find(|known| **known == port.value) {
                    Some(known) => add(known.clone(), names.value, names.place, &mut ways),
                    None => {
                        let known: Vec<&str> = node.ports.iter().map(|port| &**port).collect();
                        let meant = did_you_mean(&port.value, known.iter().copied());
                        let reason = match known.is_empty() {
                            true => format!("{} is an end: nothing can come after it", node.node.kind()),
                            false => format!(
                                "{} has no port {}; there are {}{meant}",
                                node.node.kind(),
                                port.value,
                                known.join(", ")
                            ),
                        };
                        tell(port.place, reason);
                    }
                }
            }
        }
    }
    (ways, all_right)
}

fn add(port: Cow<'static, str>, names: Names, place: Place, ways: &mut Vec<Way>) {
    let mut known = HashSet::new();
    for mut to in names.0 {
        if to.place == Place::default() {
            to.place = place;
        }
        // What is named twice is meant once.
        if known.insert(to.value.clone()) {
            ways.push(Way { port: port.clone(), to });
        }
    }
}

impl<'de> Deserialize<'de> for ToSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ToSpec, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = ToSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a node, a list of nodes, or nodes by port")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ToSpec, E> {
                OneOrMore.visit_str(name).map(ToSpec::First)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<ToSpec, A::Error> {
                OneOrMore.visit_seq(names).map(ToSpec::First)
            }

            fn visit_map<A: MapAccess<'de>>(self, ports: A) -> Result<ToSpec, A::Error> {
                BTreeMap::deserialize(value::MapAccessDeserializer::new(ports)).map(ToSpec::Ports)
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        deserializer.deserialize_any(OneOrMore)
    }
}

/// Reads a name or a list of names.
struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node or a list of nodes")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Names, E> {
        Ok(Names(vec![At { value: name.to_string(), place: Place::default() }]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Names, A::Error> {
        Vec::deserialize(value::SeqAccessDeserializer::new(names)).map(Names)
    }
}

impl JsonSchema for ToSpec {
    fn schema_name() -> Cow<'static, str> {
        "To".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = [
            serde_json::json!({"type": "string"}),
            serde_json::json!({"type": "array", "items": {"type": "string"}}),
        ];
        json_schema!({
            "description": "Where a node leads: a node, a list of nodes, or nodes by the ports they are reached by.",
            "anyOf": [names[0], names[1], {"type": "object", "additionalProperties": {"anyOf": names}}],
        })
    }
}

//! What was wrong with an event, and left out because of it: kept on the event and told in the answer.

use tributary_config::{Mapping, Misfit, Schema};
use tributary_proto::v1;

/// The most that is told of one event; of the rest, how much it was.
const MAX_TOLD: usize = 16;

/// Bytes of a description.
const MAX_DESCRIPTION: usize = 500;

/// Who is named where no document says so: what the mesh itself keeps of every session.
const MESH: &str = "mesh";

/// The marks of one event.
#[derive(Default)]
pub(super) struct Marks {
    told: Vec<v1::EventProblem>,
    more: usize,
}

impl Marks {
    /// A change that a mapping could not make, or the mesh where there is no mapping.
    pub(super) fn add(&mut self, by: Option<&Mapping>, path: &str, reason: &str, description: &str) {
        let document = by.map_or_else(|| MESH.to_owned(), |mapping| format!("Mapping {}", mapping.name));
        self.push(document, path, reason, description);
    }

    /// A place where the event does not fit.
    pub(super) fn misfit(&mut self, schema: &Schema, misfit: &Misfit) {
        let document = format!("Schema {}", schema.name);
        self.push(document, &misfit.path, "SCHEMA_VIOLATED", &misfit.description);
    }

    /// The marks as the event carries them.
    pub(super) fn finish(mut self) -> Vec<v1::EventProblem> {
        if self.more > 0 {
            let description = format!("and {} more", self.more);
            let reason = "MORE_PROBLEMS".to_owned();
            self.told.push(v1::EventProblem { reason, description, ..v1::EventProblem::default() });
        }
        self.told
    }

    fn push(&mut self, document: String, path: &str, reason: &str, description: &str) {
        if self.told.len() == MAX_TOLD {
            self.more += 1;
            return;
        }
        self.told.push(v1::EventProblem {
            document,
            path: path.to_owned(),
            reason: reason.to_owned(),
            description: description[..description.floor_char_boundary(MAX_DESCRIPTION)].to_owned(),
        });
    }
}

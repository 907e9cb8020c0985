//! `Fields`: which kind the paths of a profile are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_model::{Kind, Path};

use super::{DocumentKind, Draft, Text};
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::names;

/// Declared paths.
pub(crate) struct Fields {
    pub(crate) kinds: Vec<(Path, Kind, Place)>,
}

/// Which kind the paths of a profile are; what is not declared is a register, outside the namespaces.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fields")]
pub(crate) struct FieldsSpec {
    /// The kind of a path and of everything below it, by path.
    fields: BTreeMap<At<String>, At<Kind>>,
}

impl DocumentKind for Fields {
    const NAME: &'static str = "Fields";
    type Spec = FieldsSpec;

    fn read(spec: FieldsSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Fields> {
        let (mut kinds, mut complete) = (Vec::new(), true);
        for (path, kind) in spec.fields {
            // Where the path is written: what is wrong is mostly said of it.
            match Path::new(path.value) {
                Ok(declared) if let Some(reason) = names::reserved(&declared) => {
                    problems.add(text.origin, path.place, reason);
                    complete = false;
                }
                Ok(declared) => kinds.push((declared, kind.value, path.place)),
                Err(error) => {
                    problems.add(text.origin, path.place, error.to_string());
                    complete = false;
                }
            }
        }
        complete.then_some(Fields { kinds })
    }

    fn add_to(self, draft: &mut Draft, origin: Origin) {
        draft.fields.push((origin, self));
    }
}

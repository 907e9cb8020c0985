//! `Fields`: which kind the paths of a profile are.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;
use tributary_model::{Kind, Path};

use super::{Document, Text};
use crate::error::{Place, Problems};
use crate::yaml;

/// Declared paths.
pub(crate) struct Fields {
    pub(crate) kinds: Vec<(Path, Kind, Place)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    fields: BTreeMap<String, Spanned<Kind>>,
}

pub(super) fn read(text: &Text<'_>, problems: &mut Problems) -> Option<Document> {
    let spec: Spec = yaml::spec(text.yaml, text.origin, problems)?;
    let mut kinds = Vec::new();
    for (path, kind) in spec.fields {
        match Path::new(path) {
            Ok(path) => kinds.push((path, kind.value, kind.referenced.into())),
            Err(error) => problems.add(text.origin, kind.referenced.into(), error.to_string()),
        }
    }
    Some(Document::Fields(Fields { kinds }))
}

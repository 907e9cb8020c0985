//! Which sources' events a document is about.

use tributary_model::SourceName;

use crate::at::At;
use crate::error::{Origin, Place, Problems};

/// The sources that a document names under `sources`; all of them where it names none.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<(SourceName, Place)>);

impl Sources {
    /// Whether events of `source` are meant.
    #[must_use]
    pub fn matches(&self, source: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|(name, _)| name.as_str() == source)
    }

    /// All sources.
    pub(crate) const fn every() -> Sources {
        Sources(Vec::new())
    }

    /// The named ones; none when all are meant.
    pub fn names(&self) -> impl Iterator<Item = &SourceName> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The named ones with their places, to check that the tenant has them.
    pub(crate) fn places(&self) -> &[(SourceName, Place)] {
        &self.0
    }

    /// Whether there is a source that both mean.
    pub(crate) fn overlap(&self, other: &Sources) -> bool {
        self.0.is_empty() || other.0.is_empty() || self.names().any(|name| other.matches(name.as_str()))
    }

    /// Whether the other means every source that this one means.
    pub(crate) fn within(&self, other: &Sources) -> bool {
        other.0.is_empty() || !self.0.is_empty() && self.names().all(|name| other.matches(name.as_str()))
    }

    pub(crate) fn from_spec(
        spec: Option<At<Vec<At<String>>>>,
        origin: &Origin,
        problems: &mut Problems,
    ) -> Sources {
        let Some(spec) = spec else { return Sources::default() };
        if spec.value.is_empty() {
            problems.add(origin, spec.place, "sources is empty: name some, or leave it out for all");
        }
        let mut sources = Vec::with_capacity(spec.value.len());
        for name in spec.value {
            match SourceName::new(name.value) {
                Ok(source) => sources.push((source, name.place)),
                Err(error) => problems.add(origin, name.place, format!("sources: {error}")),
            }
        }
        Sources(sources)
    }
}

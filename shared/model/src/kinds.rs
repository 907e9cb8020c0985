//! What kind of field a path is.

use crate::{Path, Refusal, path::ancestors};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use thiserror::Error;

/// What a field is, and thereby how its changes combine (docs/algebra.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The last value written, by event time.
    Register,
    /// A sum.
    Counter,
    /// The least value ever seen.
    Min,
    /// The greatest value ever seen.
    Max,
    /// Distinct scalars.
    Set,
    /// Entries in time order.
    List,
    /// On or off, maybe until a moment.
    Flag,
    /// How many visits, the first and the newest ones. The mesh's own, so no document's schema offers it.
    #[schemars(skip)]
    Visits,
}

impl Kind {
    /// The name used in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Counter => "counter",
            Self::Min => "min",
            Self::Max => "max",
            Self::Set => "set",
            Self::List => "list",
            Self::Flag => "flag",
            Self::Visits => "visits",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Paths whose kind is fixed, with everything below them. `None`: kept free for metrics.
const NAMESPACES: [(&str, Option<Kind>); 13] = [
    ("consents", Some(Kind::Flag)),
    ("segments", Some(Kind::Flag)),
    ("interests", Some(Kind::Counter)),
    ("stats.counters", Some(Kind::Counter)),
    ("stats.visits", Some(Kind::Visits)),
    ("metrics", None),
    ("lists", Some(Kind::List)),
    ("preferences", Some(Kind::Set)),
    ("lows", Some(Kind::Min)),
    ("highs", Some(Kind::Max)),
    // What nodes of workflows remember of the profile: documents read it and never write it.
    ("workflows.times", Some(Kind::Max)),
    ("workflows.passes", Some(Kind::Counter)),
    ("workflows.values", Some(Kind::Register)),
];

/// The kind of every path: fixed namespaces, declared paths, and registers elsewhere (docs/algebra.md §6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    declared: BTreeMap<Path, Kind>,
}

/// Why a declaration of a field's kind is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KindError {
    /// The namespace gives another kind.
    #[error(
        "`{path}` lies in the namespace `{namespace}`, which has a kind of its own; declare a path elsewhere"
    )]
    Namespace {
        /// The declared path.
        path: Path,
        /// The namespace that holds it, or that it would hold.
        namespace: &'static str,
    },
    /// One declared path holds another of a different kind.
    #[error("`{below}` lies below `{path}`, which is declared as another kind; kinds do not mix")]
    Nested {
        /// The upper path.
        path: Path,
        /// The lower path.
        below: Path,
    },
    /// Visits are counted by the mesh itself.
    #[error(
        "`{path}` cannot be declared as visits: the mesh counts them itself, at stats.visits; leave this line out"
    )]
    Visits {
        /// The declared path.
        path: Path,
    },
}

impl Kinds {
    /// The namespaces together with declared paths; a declaration means this path and everything below it.
    ///
    /// # Errors
    /// A declaration that contradicts a namespace or another declaration.
    pub fn new(declared: BTreeMap<Path, Kind>) -> Result<Self, KindError> {
        for (path, kind) in &declared {
            if *kind == Kind::Visits {
                return Err(KindError::Visits { path: path.clone() });
            }
            for (namespace, fixed) in NAMESPACES {
                let inside = path.as_str() == namespace || path.is_below(namespace);
                let around = ancestors(namespace).any(|above| above == path.as_str());
                if around || (inside && fixed != Some(*kind)) {
                    return Err(KindError::Namespace { path: path.clone(), namespace });
                }
            }
            for above in ancestors(path.as_str()) {
                if let Some((above, _)) = declared.get_key_value(above).filter(|(_, other)| *other != kind) {
                    return Err(KindError::Nested { path: above.clone(), below: path.clone() });
                }
            }
        }
        Ok(Self { declared })
    }

    /// The kind of a path.
    ///
    /// # Errors
    /// [`Refusal::MixedKinds`] for a path that holds fields of other kinds, [`Refusal::Metrics`] for metrics.
    pub fn kind_of(&self, path: &Path) -> Result<Kind, Refusal> {
        let text = path.as_str();
        for (namespace, kind) in NAMESPACES {
            if text == namespace || path.is_below(namespace) {
                return kind.ok_or_else(|| Refusal::Metrics { path: path.clone() });
            }
        }
        if let Some(kind) =
            self.declared.get(text).or_else(|| ancestors(text).find_map(|a| self.declared.get(a)))
        {
            return Ok(*kind);
        }
        let fixed = NAMESPACES.iter().map(|(namespace, _)| *namespace);
        let declared =
            self.declared.iter().filter(|(_, kind)| **kind != Kind::Register).map(|(path, _)| path.as_str());
        match fixed.chain(declared).find(|below| ancestors(below).any(|above| above == text)) {
            Some(below) => Err(Refusal::MixedKinds { path: path.clone(), below: below.to_owned() }),
            None => Ok(Kind::Register),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::new(text).unwrap()
    }

    fn kinds(declared: &[(&str, Kind)]) -> Result<Kinds, KindError> {
        Kinds::new(declared.iter().map(|(text, kind)| (path(text), *kind)).collect())
    }

    #[test]
    fn namespaces_fix_their_kinds() {
        let kinds = Kinds::default();
        for (text, kind) in [
            ("consents.marketing", Kind::Flag),
            ("stats.visits", Kind::Visits),
            ("stats.counters.logins", Kind::Counter),
            ("interests", Kind::Counter),
            ("preferences.colours", Kind::Set),
            ("lists.seen", Kind::List),
            ("lows.age", Kind::Min),
            ("highs.age", Kind::Max),
            ("workflows.times.welcome.once.last", Kind::Max),
            ("workflows.passes.welcome.limit", Kind::Counter),
            ("workflows.values.welcome.once", Kind::Register),
            ("interest", Kind::Register),
            ("traits.name", Kind::Register),
            ("stats.other", Kind::Register),
        ] {
            assert_eq!(kinds.kind_of(&path(text)), Ok(kind), "{text}");
        }
        assert!(matches!(kinds.kind_of(&path("stats")), Err(Refusal::MixedKinds { .. })));
        assert!(matches!(kinds.kind_of(&path("metrics.spend")), Err(Refusal::Metrics { .. })));
    }

    #[test]
    fn a_declared_path_means_itself_and_everything_below() {
        let kinds = kinds(&[("purchases.count", Kind::Counter)]).unwrap();
        assert_eq!(kinds.kind_of(&path("purchases.count")), Ok(Kind::Counter));
        assert_eq!(kinds.kind_of(&path("purchases.count.eu")), Ok(Kind::Counter));
        assert_eq!(kinds.kind_of(&path("purchases.last")), Ok(Kind::Register));
        assert!(matches!(kinds.kind_of(&path("purchases")), Err(Refusal::MixedKinds { .. })));
    }

    #[test]
    fn contradicting_declarations_are_refused() {
        assert!(matches!(kinds(&[("consents.a", Kind::Register)]), Err(KindError::Namespace { .. })));
        assert!(matches!(kinds(&[("stats", Kind::Register)]), Err(KindError::Namespace { .. })));
        assert!(matches!(kinds(&[("metrics.a", Kind::Counter)]), Err(KindError::Namespace { .. })));
        assert!(matches!(
            kinds(&[("a", Kind::Register), ("a.b.c", Kind::Counter)]),
            Err(KindError::Nested { .. })
        ));
        assert!(matches!(kinds(&[("a", Kind::Visits)]), Err(KindError::Visits { .. })));
        assert!(kinds(&[("consents.a", Kind::Flag), ("a", Kind::Set), ("a.b", Kind::Set)]).is_ok());
    }
}

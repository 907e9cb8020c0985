//! Consents: `add_consent`, `remove_consent` and `has_consent`.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tributary_engine::{Node, Step, Turn};
use tributary_model::{Intent, IntentOp, Path};

use super::flags::{self, is_on};
use super::{NodeKind, Reading, Survey, done, left};
use crate::at::At;
use crate::change::OneOrMany;
use crate::survey::How;

const CONSENTS: &str = "consents";
/// For how long a consent may be given.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// Notes a consent.
#[derive(Debug)]
pub(super) struct AddConsent {
    path: At<Path>,
    expires_in: Option<Duration>,
}

/// A consent that was given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AddConsent")]
pub(super) struct AddConsentSpec {
    /// Its name, such as `marketing` for `consents.marketing`.
    name: At<String>,
    /// When it ends by itself, such as 365days, counted from the run's moment; never, when left out.
    #[serde(default)]
    expires_in: Option<At<String>>,
}

/// Takes a consent back.
#[derive(Debug)]
pub(super) struct RemoveConsent(At<Path>);

/// Asks whether consents are given, all of them.
#[derive(Debug)]
pub(super) struct HasConsent(Vec<At<Path>>);

impl NodeKind for AddConsent {
    const NAME: &'static str = "add_consent";
    type Spec = AddConsentSpec;

    fn read(spec: At<AddConsentSpec>, reading: &mut Reading<'_>) -> Option<AddConsent> {
        let path = flags::path(CONSENTS, Self::NAME, spec.value.name, reading);
        let expires_in = match spec.value.expires_in {
            Some(text) => Some(reading.duration("expires_in", text, SHORTEST..=LONGEST)?),
            None => None,
        };
        Some(AddConsent { path: path?, expires_in })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.writes(&self.path, How::Op(IntentOp::Grant));
    }
}

impl Node for AddConsent {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let now = turn.now();
        let value = self.expires_in.map(|within| json!({"expires": now.plus(within).to_string()}));
        let intent = Intent { path: self.path.value.clone(), op: IntentOp::Grant, value };
        left("done", turn.change(intent))
    }
}

impl NodeKind for RemoveConsent {
    const NAME: &'static str = "remove_consent";
    type Spec = String;

    fn read(spec: At<String>, reading: &mut Reading<'_>) -> Option<RemoveConsent> {
        flags::path(CONSENTS, Self::NAME, spec, reading).map(RemoveConsent)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.writes(&self.0, How::Op(IntentOp::Revoke));
    }
}

impl Node for RemoveConsent {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let intent = Intent { path: self.0.value.clone(), op: IntentOp::Revoke, value: None };
        left("done", turn.change(intent))
    }
}

impl NodeKind for HasConsent {
    const NAME: &'static str = "has_consent";
    type Spec = OneOrMany<String>;

    fn read(spec: At<OneOrMany<String>>, reading: &mut Reading<'_>) -> Option<HasConsent> {
        let place = spec.place;
        let names = spec.value.into_vec();
        if names.is_empty() {
            reading.tell(place, "has_consent: name one consent at least");
        }
        let path = |name| flags::path(CONSENTS, Self::NAME, At { value: name, place }, reading);
        names.into_iter().map(path).collect::<Option<_>>().map(HasConsent)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["yes".into(), "no".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.0.iter().for_each(|path| survey.reads(path));
    }
}

impl Node for HasConsent {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        for path in &self.0 {
            if !is_on(&path.value, turn) {
                turn.explain(format!("{} is not given", path.value));
                return Step::Leave("no".into());
            }
        }
        Step::Leave("yes".into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn a_consent_is_given_ends_by_itself_and_is_taken_back() {
        let mut trial = Trial::of(
            "
- {name: may, has_consent: [mail, shop], to: {yes: back, no: give}}
- {name: give, add_consent: {name: mail, expires_in: 1h}, to: shop}
- {name: shop, add_consent: {name: shop}}
- {name: back, if: event.properties.back, to: gone}
- {name: gone, remove_consent: shop}
",
        )
        .with(json!({"back": false}));
        let ran = trial.event();
        assert_eq!(
            (port(&ran, "may"), record(&ran, "may").why.as_deref()),
            ("no", Some("consents.mail is not given"))
        );
        assert_eq!(port(&trial.event(), "may"), "yes");
        trial.now = trial.now.plus(std::time::Duration::from_secs(3600));
        let ran = trial.event();
        assert_eq!((port(&ran, "may"), port(&ran, "give")), ("no", "done"));
        trial.set(json!({"back": true}));
        assert_eq!(port(&trial.event(), "may"), "yes");
        assert_eq!(port(&trial.event(), "may"), "no");
    }
}

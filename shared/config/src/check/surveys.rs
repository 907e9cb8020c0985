//! The surveys of a tenant's documents: what they evaluate for events, write, make and name.

use crate::documents::Draft;
use crate::documents::mapping::Mapping;
use crate::documents::workflow::Workflow;
use crate::error::Origin;
use crate::survey::{Formula, Survey, Text};

/// What a tenant's documents say of themselves, in their order.
pub(crate) struct Surveys<'d> {
    pub(crate) mappings: Vec<Survey<'d>>,
    pub(crate) workflows: Vec<(&'d Workflow, Survey<'d>)>,
}

impl<'d> Surveys<'d> {
    pub(crate) fn of(draft: &'d Draft) -> Surveys<'d> {
        let mappings = draft.mappings.iter().map(|(origin, mapping)| of_mapping(origin, mapping));
        let workflows = draft.workflows.iter().map(|(origin, workflow)| (workflow, workflow.survey(origin)));
        Surveys { mappings: mappings.collect(), workflows: workflows.collect() }
    }

    /// All formulas of mappings and workflows.
    pub(crate) fn formulas(&self) -> impl Iterator<Item = &Formula<'d>> {
        let workflows = self.workflows.iter().map(|(_, survey)| survey);
        self.mappings.iter().chain(workflows).flat_map(|survey| &survey.formulas)
    }
}

fn of_mapping<'d>(origin: &'d Origin, mapping: &'d Mapping) -> Survey<'d> {
    let mut survey = Survey::new(origin, &mapping.events, &mapping.sources);
    if let Some(when) = &mapping.when {
        survey.add("when", mapping.when_place, Text::Condition(when));
        survey.guards.push((when, true));
    }
    survey.rules(&mapping.changes);
    survey
}

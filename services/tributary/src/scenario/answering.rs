//! What calls are answered: as the scenario says. Nobody is called.

use std::collections::HashMap;

use serde_json::{Value, json};
use tributary_config::{Answers, NodeAnswers, ScenarioAnswer};
use tributary_engine::{Answer, Call, CallError, HttpAnswer, NodeAnswer, Wanted};

/// The answers of a scenario, and of the step that is played.
#[derive(Debug, Default)]
pub(super) struct Answering {
    of_scenario: Given,
    of_step: Given,
}

/// Answers with how many of each node's are given already.
#[derive(Debug, Default)]
struct Given {
    answers: Answers,
    given: HashMap<String, usize>,
}

impl Answering {
    pub(super) fn new(answers: &Answers) -> Answering {
        Answering { of_scenario: Given::new(answers), of_step: Given::default() }
    }

    /// The next step begins: it has answers of its own.
    pub(super) fn begin(&mut self, step: &Answers) {
        self.of_step = Given::new(step);
    }

    /// What the node, `<workflow>/<node>`, is answered. A step that says something of it says all.
    pub(super) fn next(&mut self, node: &str) -> Option<ScenarioAnswer> {
        let says = self.of_step.answers.contains_key(node);
        let given = if says { &mut self.of_step } else { &mut self.of_scenario };
        given.next(node)
    }
}

impl Given {
    fn new(answers: &Answers) -> Given {
        Given { answers: answers.clone(), given: HashMap::new() }
    }

    fn next(&mut self, node: &str) -> Option<ScenarioAnswer> {
        match self.answers.get(node)? {
            NodeAnswers::Always(answer) => Some(answer.clone()),
            NodeAnswers::InOrder(list) => {
                let given = self.given.entry(node.to_owned()).or_default();
                *given += 1;
                list.get(*given - 1).cloned()
            }
        }
    }
}

/// Which node calls, as documents name it: `<workflow>/<node>`. The key of a call ends with both, and with the item in a
/// for-each.
pub(crate) fn caller(wanted: &Wanted) -> String {
    let of_item = || wanted.key.rsplit_once('/').map(|(rest, _)| rest).unwrap_or_default();
    let suffix = format!("/{}", wanted.node);
    let workflow = wanted.key.strip_suffix(&suffix).or_else(|| of_item().strip_suffix(&suffix));
    let workflow = workflow.and_then(|rest| rest.rsplit('/').next()).unwrap_or_default();
    format!("{workflow}{suffix}")
}

/// The call as expectations speak of it.
pub(super) fn told(node: &str, call: &Call) -> Value {
    match call {
        Call::Http(http) => json!({"node": node, "method": http.method, "url": http.url, "body": http.body}),
        Call::Node(asked) => json!({"node": node, "url": asked.url, "input": asked.input}),
        Call::History(_) => json!({"node": node}),
    }
}

/// An answer as the engine takes it. Loading has checked that it fits the node.
pub(super) fn answer(call: &Call, answer: ScenarioAnswer) -> Answer {
    let error = match answer {
        ScenarioAnswer::Http { status, body } => return Answer::Http(Ok(HttpAnswer { status, body })),
        ScenarioAnswer::Grpc { port, output } => return Answer::Node(Ok(NodeAnswer { port, output })),
        ScenarioAnswer::Error(reason) => CallError { message: "as the scenario says".to_owned(), reason },
    };
    failed(call, error)
}

/// A call that has no answer.
pub(crate) fn not_called(call: &Call) -> Answer {
    failed(call, CallError { reason: "NOT_CALLED".into(), message: "nobody is called here".into() })
}

fn failed(call: &Call, error: CallError) -> Answer {
    match call {
        Call::Http(_) => Answer::Http(Err(error)),
        Call::Node(_) => Answer::Node(Err(error)),
        Call::History(_) => Answer::History(Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Map;
    use tributary_engine::NodeCall;

    use super::*;

    fn error(reason: &str) -> ScenarioAnswer {
        ScenarioAnswer::Error(reason.to_owned())
    }

    #[test]
    fn a_list_answers_one_call_after_the_other_and_a_step_has_answers_of_its_own() {
        let in_order = NodeAnswers::InOrder(vec![error("A"), error("B")]);
        let of_scenario = Answers::from([("w/n".to_owned(), in_order)]);
        let of_step = Answers::from([("w/n".to_owned(), NodeAnswers::Always(error("C")))]);
        let mut answering = Answering::new(&of_scenario);
        assert_eq!(answering.next("w/n"), Some(error("A")));
        answering.begin(&of_step);
        assert_eq!([answering.next("w/n"), answering.next("w/n")], [Some(error("C")), Some(error("C"))]);
        answering.begin(&Answers::new());
        assert_eq!([answering.next("w/n"), answering.next("w/n")], [Some(error("B")), None]);
        assert_eq!(answering.next("w/other"), None);
    }

    #[test]
    fn whoever_calls_is_named_as_documents_do() {
        let wanted = |key: &str| Wanted {
            node: "ask".into(),
            key: key.into(),
            call: Call::Node(NodeCall {
                url: String::new(),
                input: Map::new(),
                timeout: Duration::ZERO,
                retries: 0,
            }),
        };
        assert_eq!(caller(&wanted("event/with/slashes/score/ask")), "score/ask");
        assert_eq!(caller(&wanted("event/score/ask/12")), "score/ask");
    }
}

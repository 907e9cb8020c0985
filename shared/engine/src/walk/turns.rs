//! The turns of nodes, and what they come to.

use tributary_model::Time;

use super::place::Place;
use super::{DONE, EACH, Walk};
use crate::call::{Call, Wanted};
use crate::limits::{MAX_CALLS, MAX_NESTING, MAX_PAUSE};
use crate::node::{Node, Port, Step, Wait};
use crate::record::NodeRecord;
use crate::turn::{Turn, key};
use crate::values::{is_deeper, too_deep};

impl<'a> Walk<'_, 'a> {
    /// One node's turn.
    pub(super) fn turn(
        &mut self,
        index: usize,
        from: Option<(usize, usize)>,
        act: impl FnOnce(&dyn Node, &mut Turn<'_, 'a>) -> Step,
    ) -> Result<(), String> {
        let placed = &self.run.graph.nodes()[index];
        let mut record = self.record(index, from);
        let mut counts = self.state.counts.get(&placed.name).copied().unwrap_or_default();
        let before = counts;
        let mut turn = Turn {
            board: &mut *self.board,
            author: self.run.author,
            event: self.run.event,
            shown: &mut *self.shown,
            memory: &mut self.memory,
            counts: &mut counts,
            effects: &mut self.effects,
            record: &mut record,
            broken: None,
        };
        let step = act(&*placed.node, &mut turn);
        let outcome = match turn.broken {
            Some(limit) => Err(limit),
            None => self.take(index, step, &mut record, &mut counts.calls),
        };
        if counts != before {
            self.state.counts.insert(placed.name.clone(), counts);
        }
        self.records.push(record);
        outcome.map_err(|reason| format!("{}: {reason}", placed.name))
    }

    /// Does what a node's turn came to.
    fn take(
        &mut self,
        index: usize,
        step: Step,
        record: &mut NodeRecord,
        calls: &mut u32,
    ) -> Result<(), String> {
        let placed = &self.run.graph.nodes()[index];
        let step = match step {
            step if is_too_deep(&step) => Step::Error { reason: too_deep(), otherwise: None },
            step => step,
        };
        self.places[index] = match step {
            Step::Leave(port) => leave(port, record),
            Step::Error { reason, otherwise } => {
                record.why = Some(reason);
                let port = if placed.to.iter().any(|edge| edge.port == "error") {
                    Some(Port::Borrowed("error"))
                } else {
                    otherwise
                };
                port.map_or(Place::Ended, |port| leave(port, record))
            }
            Step::Call(call) => {
                self.call(call, record, calls)?;
                Place::Calling
            }
            Step::Wait(wait) => Place::Waiting(bounded(wait, self.board.ground.now)?),
            Step::Each(items) if items.is_empty() => leave(Port::Borrowed(DONE), record),
            Step::Each(items) => {
                self.begin(placed, items)?;
                Place::Looping
            }
            Step::Stop => {
                self.state.stopped = true;
                Place::Ended
            }
            Step::Fail(reason) => return Err(reason),
        };
        Ok(())
    }

    fn call(&mut self, call: Call, record: &NodeRecord, calls: &mut u32) -> Result<(), String> {
        if self.state.calls >= MAX_CALLS {
            return Err(format!("a run makes at most {MAX_CALLS} calls, and this would be one more"));
        }
        self.state.calls += 1;
        let key = key(self.run.author, record, *calls);
        *calls += 1;
        self.wanted.push(Wanted { node: record.node.clone(), key, call });
        Ok(())
    }

    pub(super) fn record(&self, index: usize, from: Option<(usize, usize)>) -> NodeRecord {
        let nodes = self.run.graph.nodes();
        let placed = &nodes[index];
        let from = match (from, placed.body_of) {
            (Some((node, edge)), _) => Some((nodes[node].name.clone(), nodes[node].to[edge].port.clone())),
            (None, Some(each)) => Some((nodes[each].name.clone(), EACH.to_owned())),
            (None, None) => None,
        };
        let frame = placed.body_of.and_then(|each| self.state.frames.get(&nodes[each].name));
        NodeRecord {
            node: placed.name.clone(),
            kind: placed.node.kind(),
            from,
            item: frame.map_or(0, |frame| frame.at + 1),
            ..NodeRecord::default()
        }
    }
}

fn leave(port: Port, record: &mut NodeRecord) -> Place {
    record.port = Some(port.clone().into_owned());
    Place::Left(port)
}

/// Whether whoever is asked could not read it, or items could not be remembered.
fn is_too_deep(step: &Step) -> bool {
    match step {
        Step::Call(Call::Http(call)) => call.body.as_ref().is_some_and(|body| is_deeper(body, MAX_NESTING)),
        Step::Call(Call::Node(call)) => call.input.values().any(|value| is_deeper(value, MAX_NESTING - 1)),
        Step::Each(items) => items.iter().any(|item| is_deeper(item, MAX_NESTING - 1)),
        _ => false,
    }
}

/// No run is kept for ever.
fn bounded(mut wait: Wait, now: Time) -> Result<Wait, String> {
    let longest = now.plus(MAX_PAUSE);
    if wait.until.is_some_and(|until| until > longest) {
        let days = MAX_PAUSE.as_secs() / (24 * 3600);
        return Err(format!("a run pauses for at most {days} days, and this would be longer"));
    }
    wait.until.get_or_insert(longest);
    Ok(wait)
}

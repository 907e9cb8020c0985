//! A for-each's way through its body.

use serde_json::{Value, json};

use super::place::{Place, not_ours};
use super::{DONE, Walk};
use crate::bytes::json_bytes;
use crate::graph::Placed;
use crate::limits::{MAX_ITEMS, MAX_MEMORY_BYTES};
use crate::node::Port;
use crate::state::Frame;

impl Walk<'_, '_> {
    /// Takes up a for-each, with its first item.
    pub(super) fn begin(&mut self, placed: &Placed, items: Vec<Value>) -> Result<(), String> {
        if placed.body.is_empty() {
            return Err("it has no body to run for each item".to_owned());
        }
        if items.len() > MAX_ITEMS {
            let told = format!("a for_each goes through at most {MAX_ITEMS} items");
            return Err(format!("{told}, and here are {}", items.len()));
        }
        // They are kept while the body pauses.
        let others: usize = self.state.frames.values().map(|frame| json_bytes(&frame.items)).sum();
        if others + json_bytes(&items) > MAX_MEMORY_BYTES {
            let told = "the items that a run goes through at one time have at most";
            return Err(format!("{told} {MAX_MEMORY_BYTES} bytes, and these would be more"));
        }
        self.state.frames.insert(placed.name.clone(), Frame { items, at: 0 });
        self.show_item(placed)
    }

    /// Goes on with a for-each: through the rest of its body for the item at hand, and then for all further ones, unless the
    /// body waits.
    pub(super) fn each(&mut self, index: usize) -> Result<(), String> {
        let placed = &self.run.graph.nodes()[index];
        loop {
            self.pass(&placed.body)?;
            if self.state.stopped || placed.body.iter().any(|node| self.places[*node].waits()) {
                return Ok(());
            }
            self.forget_body(placed);
            let frame = self.state.frames.get_mut(&placed.name);
            let frame = frame.ok_or_else(|| not_ours(&placed.name))?;
            frame.at += 1;
            if frame.at >= frame.items.len() {
                break;
            }
            for node in &placed.body {
                self.memory.remove(&self.run.graph.nodes()[*node].name);
            }
            self.show_item(placed).map_err(|limit| format!("{}: {limit}", placed.name))?;
        }
        self.state.frames.remove(&placed.name);
        self.memory.remove(&placed.name);
        let mut record = self.record(index, self.led_by(index));
        record.port = Some(DONE.to_owned());
        self.records.push(record);
        self.places[index] = Place::Left(Port::Borrowed(DONE));
        Ok(())
    }

    /// An item's way through the body is its own.
    fn forget_body(&mut self, placed: &Placed) {
        for node in &placed.body {
            self.places[*node] = Place::Ahead;
            self.state.counts.remove(&self.run.graph.nodes()[*node].name);
        }
    }

    /// Shows the item at hand to the body, as `memory.<for-each>`.
    fn show_item(&mut self, placed: &Placed) -> Result<(), String> {
        let frame = self.state.frames.get(&placed.name).ok_or_else(|| not_ours(&placed.name))?;
        let item = frame.items.get(frame.at).cloned().unwrap_or(Value::Null);
        let shown = json!({"item": item, "index": frame.at + 1});
        self.memory.set(&placed.name, shown)
    }
}

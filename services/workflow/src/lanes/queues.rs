//! What waits behind what, and what may begin. Pure.
//!
//! In a lane, items wait for the one before. A lane that may not begin, since its tenant has its share of them, is not made
//! yet: its items wait in their tenant's line, with all that comes for the tenant after them, so that nothing overtakes.

use super::items::{Item, Lane, PutOff, Queued, Waiting};
use super::seats::{Bounds, Seats};
use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, VecDeque};

/// Entries of one lane that keep their data in memory; and of all, so many for each lane in which something is worked on.
const KEPT: usize = 4;
/// What waits in memory: as much as a stream holds, so that no profile and no tenant, however much waits for it, keeps others
/// from being read.
const IDS: usize = 1_000_000;

/// What waits behind what runs.
pub(super) struct Queues<'p> {
    seats: &'p Seats,
    bounds: Bounds,
    /// A lane is here exactly while something of it runs.
    lanes: HashMap<Lane, Begun>,
    /// Those that have lanes, or items that were put off.
    tenants: HashMap<String, Tenant>,
    /// Tenants whose lines do not move at the moment, the next to be looked at first.
    turns: VecDeque<String>,
    /// Lines that move: whose first item is being fetched.
    moving: usize,
    /// Lanes in which a timer runs.
    timers: usize,
    /// What waits, in lanes and in lines; and what of it has its data.
    queued: usize,
    whole: usize,
}

/// A lane.
struct Begun {
    waiting: VecDeque<Waiting>,
    runs_timer: bool,
}

#[derive(Default)]
struct Tenant {
    lanes: usize,
    line: VecDeque<Waiting>,
    /// Its first item is on its way into a lane.
    moves: bool,
}

impl Tenant {
    fn has_line(&self) -> bool {
        self.moves || !self.line.is_empty()
    }
}

impl<'p> Queues<'p> {
    pub(super) fn new(seats: &'p Seats, bounds: Bounds) -> Self {
        Self {
            seats,
            bounds,
            lanes: HashMap::new(),
            tenants: HashMap::new(),
            turns: VecDeque::new(),
            moving: 0,
            timers: 0,
            queued: 0,
            whole: 0,
        }
    }

    /// Whether more of the stream may be read. Timers take no room of the stream's.
    pub(super) fn have_room(&self) -> bool {
        self.may_work() && self.free() > 0 && self.queued < IDS
    }

    /// Whether a timer may join.
    pub(super) fn have_room_for_timer(&self) -> bool {
        self.timers.saturating_sub(self.seats.resting_timers()) < self.bounds.lanes && self.queued < IDS
    }

    /// Queues an item; gives it back if nothing of its lane runs and it may begin, so that it can.
    pub(super) fn join(&mut self, item: Item) -> Option<Queued> {
        let lane = item.lane();
        let has_line = self.tenants.get(lane.tenant()).is_some_and(Tenant::has_line);
        if has_line || !(self.lanes.contains_key(&lane) || self.may_begin(lane.tenant())) {
            self.put_off(&lane, item);
            return None;
        }
        self.enter(lane, item)
    }

    /// Something of the lane is done: the next one, if there is one. While the partition is `stopping` none is: the one
    /// before may have been left unfinished.
    pub(super) fn advance(&mut self, lane: &Lane, stopping: bool) -> Option<Queued> {
        if stopping {
            return None;
        }
        let begun = self.lanes.get_mut(lane)?;
        self.timers -= usize::from(begun.runs_timer);
        if let Some(item) = begun.waiting.pop_front() {
            begun.runs_timer = item.is_timer();
            self.timers += usize::from(begun.runs_timer);
            self.queued -= 1;
            self.whole -= usize::from(item.is_whole());
            return Some(Queued { lane: lane.clone(), item });
        }
        self.lanes.remove(lane);
        if let Some(tenant) = self.tenants.get_mut(lane.tenant()) {
            tenant.lanes -= 1;
            if tenant.lanes == 0 && !tenant.has_line() {
                self.tenants.remove(lane.tenant());
            }
        }
        None
    }

    /// The first of a tenant's line that may move, to be fetched and handed to [`Queues::arrived`]. Tenants take turns.
    pub(super) fn next_put_off(&mut self) -> Option<PutOff> {
        if !self.may_work() {
            return None;
        }
        for _ in 0..self.turns.len() {
            let name = self.turns.pop_front()?;
            let may_begin = self.may_begin(&name);
            let tenant = self.tenants.get_mut(&name).filter(|_| may_begin);
            if let Some((tenant, item)) =
                tenant.and_then(|tenant| Some((&mut tenant.moves, tenant.line.pop_front()?)))
            {
                *tenant = true;
                self.moving += 1;
                self.queued -= 1;
                return Some(PutOff { tenant: name, item });
            }
            self.turns.push_back(name);
        }
        None
    }

    /// What was put off is there: it joins its lane, or begins it.
    pub(super) fn arrived(&mut self, tenant: String, item: Item) -> Option<Queued> {
        self.moving -= 1;
        if let Some(state) = self.tenants.get_mut(&tenant) {
            state.moves = false;
            if state.has_line() {
                self.turns.push_back(tenant);
            }
        }
        self.enter(item.lane(), item)
    }

    fn enter(&mut self, lane: Lane, item: Item) -> Option<Queued> {
        match self.lanes.entry(lane) {
            Slot::Vacant(slot) => {
                let item = Waiting::whole(item);
                let queued = Queued { lane: slot.key().clone(), item };
                let runs_timer = queued.item.is_timer();
                self.timers += usize::from(runs_timer);
                slot.insert(Begun { waiting: VecDeque::new(), runs_timer });
                self.tenants.entry(queued.lane.tenant().to_owned()).or_default().lanes += 1;
                Some(queued)
            }
            Slot::Occupied(mut slot) => {
                let waiting = &mut slot.get_mut().waiting;
                let is_kept = waiting.len() < KEPT && self.whole < self.bounds.lanes * KEPT;
                let item = if is_kept { Waiting::whole(item) } else { Waiting::bare(item) };
                self.whole += usize::from(item.is_whole());
                self.queued += 1;
                waiting.push_back(item);
                None
            }
        }
    }

    fn put_off(&mut self, lane: &Lane, item: Item) {
        let tenant = self.tenants.entry(lane.tenant().to_owned()).or_default();
        if !tenant.has_line() {
            self.turns.push_back(lane.tenant().to_owned());
        }
        tenant.line.push_back(Waiting::bare(item));
        self.queued += 1;
    }

    /// Whether one more entry may be worked on.
    fn may_work(&self) -> bool {
        let begun = self.lanes.len() + self.moving - self.timers;
        begun.saturating_sub(self.seats.resting_entries()) < self.bounds.lanes
    }

    /// A tenant has as many lanes as are free, at most: half of all where it is alone, and there is always room for another.
    fn may_begin(&self, tenant: &str) -> bool {
        self.tenants.get(tenant).map_or(0, |tenant| tenant.lanes) < self.free()
    }

    fn free(&self) -> usize {
        self.bounds.all().saturating_sub(self.lanes.len() + self.moving)
    }
}

#[cfg(test)]
mod tests;

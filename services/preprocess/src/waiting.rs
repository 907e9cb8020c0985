//! What the answer to a payload waits for once its events are appended (docs/protocol.md §6).
//!
//! Nothing here decides what becomes of an event: it is appended already, and its workflows, the collector and the
//! dispatcher go on with it whether somebody waits or not. A call that waits looks from time to time, and at once when it
//! is told that an event ended. Start reading at [`Waits`]; `course.rs` says what one event still waits for, and
//! `lookout.rs` where that is looked for.

mod course;
pub(crate) mod levels;
mod lookout;

pub use course::{Expected, Waited};
pub use lookout::{Lookout, Place, Stages};

use crate::error::ProcessError;
use course::{Course, Need};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tributary_model::EventId;

/// The first pause between two looks; the hint that an event ended is hardly ever slower.
const SHORTEST: Duration = Duration::from_millis(20);

/// The longest while an event has not ended: its end is announced, and this is for announcements that are lost.
const LONGEST_FOR_ENDS: Duration = Duration::from_millis(250);

/// The longest for what is not announced.
const LONGEST: Duration = Duration::from_millis(200);

/// How long a process that is to stop lets its calls wait on: most of what is waited for is there by then.
const GRACE: Duration = Duration::from_secs(2);

/// Waits for events, as the answer to their payload was asked to.
pub trait Waits: Send + Sync {
    /// Room for one more call that waits. It is asked for before anything is written.
    ///
    /// # Errors
    /// As many calls wait as may.
    fn enter(&self) -> Result<Room, ProcessError>;

    /// How far each event has come: as far as it is to, or as far as it is at `until`. One for each that is expected.
    fn wait(
        &self,
        place: &Place<'_>,
        expected: Vec<Expected>,
        until: Instant,
    ) -> impl Future<Output = Vec<Waited>> + Send;
}

/// The room of one call that waits. Given back when dropped.
#[derive(Debug, Default)]
pub struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Waits for nothing: what would be waited for happens elsewhere, or never.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce;

impl Waits for AtOnce {
    fn enter(&self) -> Result<Room, ProcessError> {
        Ok(Room::default())
    }

    async fn wait(&self, _: &Place<'_>, expected: Vec<Expected>, _: Instant) -> Vec<Waited> {
        expected.iter().map(|_| Waited::default()).collect()
    }
}

/// Waits by looking.
#[derive(Clone)]
pub struct Waiting<L> {
    lookout: L,
    room: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl<L: Lookout> Waiting<L> {
    /// For at most so many calls at once, and not for long once the process is to stop.
    pub fn new(lookout: L, calls: usize, stopping: CancellationToken) -> Self {
        let room = Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS)));
        Self { lookout, room, stopping }
    }
}

impl<L: Lookout> Waits for Waiting<L> {
    fn enter(&self) -> Result<Room, ProcessError> {
        let permit = self.room.clone().try_acquire_owned().map_err(|_| ProcessError::TooManyWaiting)?;
        Ok(Room { _permit: Some(permit) })
    }

    async fn wait(&self, place: &Place<'_>, expected: Vec<Expected>, until: Instant) -> Vec<Waited> {
        let mut courses: Vec<Course> = expected.into_iter().map(Course::new).collect();
        let (mut until, mut stops, mut pause) = (until, false, SHORTEST);
        loop {
            // Taken up before the look: what ends in between is told.
            let first = courses.iter().find(|course| course.need() == Some(Need::End));
            let longest = if first.is_some() { LONGEST_FOR_ENDS } else { LONGEST };
            let told = first.map(|course| self.lookout.told(place, course.event()));

            let looking = look(&self.lookout, place, &mut courses);
            // A Redis that does not answer must not cost the call its answer.
            let Ok(got_on) = timeout_at(until.max(Instant::now() + SHORTEST), looking).await else { break };
            if courses.iter().all(|course| course.need().is_none()) || Instant::now() >= until {
                break;
            }
            if got_on {
                pause = SHORTEST;
                continue;
            }
            let rest = pause.min(until.saturating_duration_since(Instant::now()));
            let resting = async {
                match told {
                    Some(told) => drop(tokio::time::timeout(rest, told).await),
                    None => sleep(rest).await,
                }
            };
            tokio::select! {
                () = resting => {}
                () = self.stopping.cancelled(), if !stops => {
                    stops = true;
                    until = until.min(Instant::now() + GRACE);
                }
            }
            pause = (pause * 2).min(longest);
        }
        courses.into_iter().map(Course::over).collect()
    }
}

/// Looks once for everything that is needed next. Whether any event has got on, and may need something else now.
async fn look<L: Lookout>(lookout: &L, place: &Place<'_>, courses: &mut [Course]) -> bool {
    let needs = |need| move |course: &&mut Course| course.need() == Some(need);
    let before: Vec<Option<Need>> = courses.iter().map(Course::need).collect();

    // However many events the call has, that is one question.
    let open: Vec<EventId> =
        courses.iter_mut().filter(needs(Need::End)).map(|course| course.event().clone()).collect();
    if !open.is_empty() {
        match lookout.progress(place, &open.iter().collect::<Vec<_>>()).await {
            Ok(progress) => courses
                .iter_mut()
                .filter(needs(Need::End))
                .zip(progress)
                .for_each(|(course, progress)| course.ended(progress)),
            Err(error) => unknown(&error),
        }
    }
    if courses.iter_mut().any(|course| needs(Need::Stored)(&course)) {
        match lookout.stored(place).await {
            Ok(upto) => courses.iter_mut().filter(needs(Need::Stored)).for_each(|course| course.stored(upto)),
            Err(error) => unknown(&error),
        }
    }
    if courses.iter_mut().any(|course| needs(Need::Delivered)(&course)) {
        let destinations = lookout.destinations(place.tenant);
        match lookout.delivered(place).await {
            Ok(marks) => courses
                .iter_mut()
                .filter(needs(Need::Delivered))
                .for_each(|course| course.delivered(&marks, &destinations)),
            Err(error) => unknown(&error),
        }
    }
    courses.iter().zip(before).any(|(course, before)| course.need() != before)
}

/// The event is appended: that nobody can say how far it has come is no reason to fail the call.
fn unknown(error: &tributary_streams::StreamsError) {
    tracing::debug!(%error, "cannot look how far an event has come");
}

#[cfg(test)]
mod tests;

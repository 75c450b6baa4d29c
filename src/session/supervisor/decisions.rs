//! What a call of the supervisor decides: events for the renderings, actions for the event loop.

use crate::session::event::{Event, EventKind};
use crate::session::input::Action;
use crate::time::Timestamp;

/// Where a call of [`super::Supervisor::handle`] puts what it decides.
pub(super) struct Decisions<'a> {
    pub(super) now: Timestamp,
    pub(super) events: &'a mut Vec<Event>,
    pub(super) actions: &'a mut Vec<Action>,
}

impl Decisions<'_> {
    pub(super) fn event(&mut self, connection: u32, kind: EventKind) {
        self.events.push(Event { at: self.now, connection, kind });
    }

    pub(super) fn all(&mut self, connection: u32, kinds: impl IntoIterator<Item = EventKind>) {
        for kind in kinds {
            self.event(connection, kind);
        }
    }
}

//! The state file: locked, brought to one count with the meter, and written while the supervisor decides.

use super::EventLoop;
use super::link::Network;
use crate::session::{Input, Outcome, SyncedState};
use crate::store::state::{LockedState, Store};

impl<N: Network> EventLoop<N> {
    /// Locks the state file if that was ordered and no other process holds it, and hands the supervisor what it says.
    /// The lock is held until the actions that follow are carried out.
    pub(super) fn try_sync(&mut self) -> Option<(Outcome, u8)> {
        let reserve = self.sync?;
        let Some(store) = self.run.store.take() else {
            self.sync = None;
            self.selector.set_time(self.run.clock.now());
            let state = SyncedState { budget: None, quota: self.quota() };
            return self.handle(self.run.clock.now(), Input::StateSynced(state), None);
        };
        let exit = self.sync_with(&store, reserve);
        self.run.store = Some(store);
        exit
    }

    fn sync_with(&mut self, store: &Store, reserve: bool) -> Option<(Outcome, u8)> {
        let mut held = match store.try_lock() {
            Ok(Some(held)) => held,
            Ok(None) => return None,
            Err(error) => {
                self.sync = None;
                self.inputs.push_back(Input::StateFailed(format!("{error:#}")));
                return None;
            }
        };
        self.sync = None;
        self.sync_meter(&mut held, reserve);
        self.sync_tombstones(&mut held);
        let state = SyncedState { budget: Some(held.budget().clone()), quota: self.quota() };
        self.handle(self.run.clock.now(), Input::StateSynced(state), Some(&mut held))
    }

    /// Shares what was deleted with other processes, if there is anything to share and none of them holds the lock.
    pub(super) fn share_tombstones(&mut self) {
        let Some(known) = self.shared else { return };
        let Some(store) = self.run.store.take() else { return };
        if self.selector.tombstones().is_some_and(|tombstones| tombstones.has_unshared())
            || store.has_new_tombstones(known)
        {
            match store.try_lock() {
                Ok(Some(mut held)) => self.sync_tombstones(&mut held),
                Ok(None) => {}
                Err(error) => self.tombstones_failed(&error),
            }
        }
        self.run.store = Some(store);
    }

    fn sync_tombstones(&mut self, held: &mut LockedState<'_>) {
        let Some((tombstones, known)) = self.selector.tombstones().zip(self.shared.as_mut()) else { return };
        if let Err(error) = held.sync_tombstones(tombstones, known) {
            self.tombstones_failed(&error);
        }
    }

    fn tombstones_failed(&mut self, error: &anyhow::Error) {
        self.shared = None;
        if let Some(tombstones) = self.selector.tombstones() {
            tombstones.keep_alone();
        }
        let what = format!("sharing deletions: {error:#}; the run goes on with those that it receives");
        self.inputs.push_back(Input::Degraded(what));
    }

    fn sync_meter(&mut self, held: &mut LockedState<'_>, reserve: bool) {
        self.selector.set_time(self.run.clock.now());
        let Some(meter) = self.selector.meter().filter(|meter| meter.is_shared()) else { return };
        let lost = match held.sync(meter, reserve) {
            Ok(lost) => lost,
            Err(error) => {
                meter.count_alone();
                let what = format!("sharing the meter: {error:#}; the run goes on and counts by itself");
                return self.inputs.push_back(Input::Degraded(what));
            }
        };
        if let Some(lost) = lost.filter(|_| !self.ids_lost) {
            self.ids_lost = true;
            self.run.terminal.info(&format!("warning: {lost}; today's count goes on as an upper bound"));
        }
    }
}

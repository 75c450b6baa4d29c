//! Tombstones: what compliance messages deleted, hid or stripped, remembered for posts that arrive later or wait.
//!
//! X does not guarantee the order: a deletion may come before its post. Of states that toggle the newest message by
//! event time counts, and the order of arrival where times are equal or missing. A scrub keeps its highest bound.
//!
//! At most [`CAPACITY`] tombstones, none older than [`LIFETIME`], the oldest out first. A million deleted posts take
//! 45 MB, a million of any other kind at most 95 MB.
//!
//! Its law: pure; the time is passed in.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::protocol::compliance::{ComplianceEffect, ComplianceEvent, HideCause, HideTarget, Verdicts};
use crate::protocol::post_id::PostId;
use crate::protocol::user_id::UserId;

/// The most tombstones that are kept. The busiest day of deletions has more, but a post that arrives after its deletion
/// is seconds late, or as late as recovery reaches back.
pub const CAPACITY: usize = 1_000_000;

/// How long a tombstone is kept: as far as recovery reaches back (x-streaming.md §6).
pub const LIFETIME: Duration = Duration::from_secs(86_400);

/// What a tombstone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The post is deleted.
    DeletedPost,
    /// The like of a post is deleted; the value is the user who liked it.
    DeletedLike,
    /// The user's posts lose their location; the value is the last id.
    ScrubbedUser,
    /// The post is dropped. Of this and all that follow, the value is the time of the event in milliseconds, or 0.
    DroppedPost,
    /// The post is withheld in every country.
    WithheldPost,
    /// The user's posts are withheld in every country.
    WithheldUser,
    /// The user is protected.
    ProtectedUser,
    /// The user is suspended.
    SuspendedUser,
    /// The user is deleted, which may be undone.
    DeletedUser,
}

impl Subject {
    /// Every subject; its place here is its number in files.
    pub const ALL: [Subject; 9] = [
        Subject::DeletedPost,
        Subject::DeletedLike,
        Subject::ScrubbedUser,
        Subject::DroppedPost,
        Subject::WithheldPost,
        Subject::WithheldUser,
        Subject::ProtectedUser,
        Subject::SuspendedUser,
        Subject::DeletedUser,
    ];

    /// The states of a post, and of a user, that toggle.
    const OF_POST: [Subject; 2] = [Subject::DroppedPost, Subject::WithheldPost];
    const OF_USER: [Subject; 4] =
        [Subject::WithheldUser, Subject::ProtectedUser, Subject::SuspendedUser, Subject::DeletedUser];
}

/// One thing that a compliance message said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// What it says.
    pub subject: Subject,
    /// Whether it holds; false if a state was lifted.
    pub on: bool,
    /// When it arrived, in seconds since the Unix epoch.
    pub arrived: u32,
    /// The post or user.
    pub id: u64,
    /// By subject, the user, the bound or the time of the event.
    pub value: u64,
}

impl Tombstone {
    /// What an event says; none if it hides nothing.
    fn new(event: &ComplianceEvent, arrived: u32) -> Option<Tombstone> {
        let (subject, id, on, value) = match &event.effect {
            ComplianceEffect::DeletePost(post) => (Subject::DeletedPost, post.0, true, 0),
            ComplianceEffect::DeleteLike { post, user } => (Subject::DeletedLike, post.0, true, user.0),
            ComplianceEffect::ScrubGeo { user, up_to } => (Subject::ScrubbedUser, user.0, true, up_to.0),
            ComplianceEffect::Hide { target, cause, hidden } => {
                let (subject, id) = match (target, cause) {
                    (HideTarget::Post(post), _) => (Subject::DroppedPost, post.0),
                    (HideTarget::User(user), HideCause::Suspend) => (Subject::SuspendedUser, user.0),
                    (HideTarget::User(user), HideCause::UserDelete) => (Subject::DeletedUser, user.0),
                    (HideTarget::User(user), HideCause::Protect | HideCause::Drop) => (Subject::ProtectedUser, user.0),
                };
                (subject, id, *hidden, event.at_ms.unwrap_or(0))
            }
            ComplianceEffect::Withhold { target, countries } => {
                let (subject, id) = match target {
                    HideTarget::Post(post) => (Subject::WithheldPost, post.0),
                    HideTarget::User(user) => (Subject::WithheldUser, user.0),
                };
                (subject, id, countries.is_everywhere(), event.at_ms.unwrap_or(0))
            }
            ComplianceEffect::Edit { .. } => return None,
        };
        Some(Tombstone { subject, on, arrived, id, value })
    }
}

/// What is known about deletions.
#[derive(Debug, Default)]
pub struct Tombstones {
    posts: HashSet<u64>,
    likes: HashSet<(u64, u64)>,
    states: HashMap<(Subject, u64), Tombstone>,
    /// All of them by arrival; of a state also those that a later message replaced.
    order: VecDeque<Tombstone>,
    /// Those that no other process knows; kept only where there is a file to share.
    unshared: Option<Vec<Tombstone>>,
    now: Duration,
    version: u64,
}

impl Tombstones {
    /// Collects what other processes do not know yet, for [`Tombstones::take_unshared`].
    pub fn share(&mut self) {
        self.unshared.get_or_insert_default();
    }

    /// Collects nothing any more: the shared file cannot be read or written.
    pub fn keep_alone(&mut self) {
        self.unshared = None;
    }

    /// Sets the time since the Unix epoch, and forgets what is too old.
    pub fn set_time(&mut self, now: Duration) {
        self.now = now;
        let oldest = now.saturating_sub(LIFETIME).as_secs();
        while self.order.front().is_some_and(|first| u64::from(first.arrived) < oldest) {
            self.forget_oldest();
        }
    }

    /// Remembers what a compliance message says.
    pub fn add(&mut self, event: &ComplianceEvent) {
        let arrived = u32::try_from(self.now.as_secs()).unwrap_or(u32::MAX);
        let Some(tombstone) = Tombstone::new(event, arrived) else { return };
        if self.insert(tombstone)
            && let Some(unshared) = self.unshared.as_mut().filter(|unshared| unshared.len() < CAPACITY)
        {
            unshared.push(tombstone);
        }
    }

    /// Remembers what other processes remember.
    pub fn merge(&mut self, tombstones: impl IntoIterator<Item = Tombstone>) {
        let oldest = self.now.saturating_sub(LIFETIME).as_secs();
        for tombstone in tombstones.into_iter().filter(|tombstone| u64::from(tombstone.arrived) >= oldest) {
            self.insert(tombstone);
        }
    }

    /// Inserts a tombstone; false if it says nothing new.
    fn insert(&mut self, tombstone: Tombstone) -> bool {
        let Tombstone { subject, id, value, .. } = tombstone;
        let news = match subject {
            Subject::DeletedPost => self.posts.insert(id),
            Subject::DeletedLike => self.likes.insert((id, value)),
            _ => {
                let held = self.states.get(&(subject, id));
                let scrub = subject == Subject::ScrubbedUser;
                let news = held.is_none_or(|held| match (held.value, value) {
                    (held, new) if scrub => new > held,
                    (0, _) | (_, 0) => *held != tombstone,
                    (before, new) => new >= before && *held != tombstone,
                });
                if news {
                    self.states.insert((subject, id), tombstone);
                }
                news
            }
        };
        if news {
            self.version += u64::from(tombstone.on);
            self.order.push_back(tombstone);
            if self.order.len() > CAPACITY {
                self.forget_oldest();
            }
        }
        news
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        match oldest.subject {
            Subject::DeletedPost => {
                self.posts.remove(&oldest.id);
            }
            Subject::DeletedLike => {
                self.likes.remove(&(oldest.id, oldest.value));
            }
            subject => {
                // A state that was renewed since lives on.
                if self.states.get(&(subject, oldest.id)) == Some(&oldest) {
                    self.states.remove(&(subject, oldest.id));
                }
            }
        }
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Grows whenever more is dead than before.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether there is something that no other process knows.
    #[must_use]
    pub fn has_unshared(&self) -> bool {
        self.unshared.as_ref().is_some_and(|unshared| !unshared.is_empty())
    }

    /// Returns what no other process knows.
    pub fn take_unshared(&mut self) -> Vec<Tombstone> {
        self.unshared.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// All tombstones, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Tombstone> {
        self.order.iter()
    }

    fn holds(&self, subjects: &[Subject], id: u64) -> bool {
        !self.states.is_empty()
            && subjects.iter().any(|subject| self.states.get(&(*subject, id)).is_some_and(|held| held.on))
    }
}

impl Verdicts for Tombstones {
    fn is_mentioned(&self, id: u64) -> bool {
        self.posts.contains(&id)
            || self.holds(&Subject::OF_POST, id)
            || self.holds(&Subject::OF_USER, id)
            || self.holds(&[Subject::ScrubbedUser], id)
    }

    fn is_post_dead(&self, post: PostId) -> bool {
        self.posts.contains(&post.0) || self.holds(&Subject::OF_POST, post.0)
    }

    fn is_user_hidden(&self, user: UserId) -> bool {
        self.holds(&Subject::OF_USER, user.0)
    }

    fn scrub_bound(&self, user: UserId) -> Option<PostId> {
        self.states.get(&(Subject::ScrubbedUser, user.0)).map(|held| PostId(held.value))
    }

    fn is_like_deleted(&self, post: PostId, user: UserId) -> bool {
        self.likes.contains(&(post.0, user.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_700_000_000 + seconds)
    }

    fn delete(post: u64) -> ComplianceEvent {
        ComplianceEvent { at_ms: None, effect: ComplianceEffect::DeletePost(PostId(post)) }
    }

    fn suspend(user: u64, hidden: bool, at_ms: Option<u64>) -> ComplianceEvent {
        let target = HideTarget::User(UserId(user));
        ComplianceEvent { at_ms, effect: ComplianceEffect::Hide { target, cause: HideCause::Suspend, hidden } }
    }

    fn scrub(user: u64, up_to: u64) -> ComplianceEvent {
        ComplianceEvent { at_ms: None, effect: ComplianceEffect::ScrubGeo { user: UserId(user), up_to: PostId(up_to) } }
    }

    #[test]
    fn the_oldest_of_more_than_a_million_goes_first() {
        let mut tombstones = Tombstones::default();
        tombstones.add(&suspend(7, true, None));
        for post in 0..CAPACITY as u64 {
            tombstones.add(&delete(post));
        }
        assert!(!tombstones.is_user_hidden(UserId(7)));
        tombstones.add(&delete(u64::MAX));
        assert!(!tombstones.is_post_dead(PostId(0)));
        assert!(tombstones.is_post_dead(PostId(1)) && tombstones.is_post_dead(PostId(u64::MAX)));
        assert_eq!(tombstones.all().count(), CAPACITY);
    }

    #[test]
    fn a_tombstone_lives_for_a_day_and_a_renewed_state_for_a_day_from_then() {
        let mut tombstones = Tombstones::default();
        tombstones.set_time(at(0));
        tombstones.add(&delete(1));
        tombstones.add(&suspend(7, true, None));
        tombstones.set_time(at(3600));
        tombstones.add(&suspend(7, true, None));
        tombstones.set_time(at(86_400));
        assert!(tombstones.is_post_dead(PostId(1)));
        tombstones.set_time(at(86_401));
        assert!(!tombstones.is_post_dead(PostId(1)) && tombstones.is_user_hidden(UserId(7)));
        tombstones.set_time(at(90_001));
        assert!(!tombstones.is_user_hidden(UserId(7)) && tombstones.is_empty());
    }

    #[test]
    fn the_newest_event_time_wins_and_the_order_of_arrival_where_times_are_equal_or_missing() {
        for (first, second, hidden) in [
            ((true, Some(5)), (false, Some(6)), false),
            ((false, Some(6)), (true, Some(5)), false),
            ((true, Some(5)), (false, Some(5)), false),
            ((false, Some(5)), (true, Some(5)), true),
            ((false, None), (true, Some(5)), true),
            ((true, Some(5)), (false, None), false),
        ] {
            let mut tombstones = Tombstones::default();
            tombstones.add(&suspend(7, first.0, first.1));
            tombstones.add(&suspend(7, second.0, second.1));
            assert_eq!(tombstones.is_user_hidden(UserId(7)), hidden, "{first:?} {second:?}");
        }
    }

    #[test]
    fn a_scrub_keeps_its_highest_bound_and_the_causes_are_independent() {
        let mut tombstones = Tombstones::default();
        tombstones.add(&scrub(7, 50));
        tombstones.add(&scrub(7, 40));
        assert_eq!(tombstones.scrub_bound(UserId(7)), Some(PostId(50)));
        let target = HideTarget::User(UserId(7));
        tombstones.add(&suspend(7, true, None));
        tombstones.add(&ComplianceEvent {
            at_ms: None,
            effect: ComplianceEffect::Hide { target, cause: HideCause::Protect, hidden: false },
        });
        assert!(tombstones.is_user_hidden(UserId(7)));
    }

    #[test]
    fn the_version_grows_only_when_more_is_dead() {
        let mut tombstones = Tombstones::default();
        let mut grows = |event: &ComplianceEvent| {
            let before = tombstones.version();
            tombstones.add(event);
            tombstones.version() > before
        };
        assert!(grows(&delete(1)) && !grows(&delete(1)) && grows(&scrub(7, 50)) && !grows(&scrub(7, 40)));
        assert!(grows(&suspend(7, true, None)) && !grows(&suspend(7, false, None)));
    }

    #[test]
    fn only_what_came_in_here_is_unshared() {
        let mut one = Tombstones::default();
        one.add(&delete(1));
        assert!(!one.has_unshared(), "there is no file to share");
        one.share();
        one.merge([Tombstone { subject: Subject::DeletedPost, on: true, arrived: 0, id: 2, value: 0 }]);
        one.add(&delete(2));
        one.add(&delete(3));
        assert_eq!(one.take_unshared().iter().map(|stone| stone.id).collect::<Vec<_>>(), [3]);
        assert!(one.is_post_dead(PostId(2)) && !one.has_unshared());
    }
}

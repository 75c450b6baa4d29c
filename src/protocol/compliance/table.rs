//! All effects of an archive, whatever their order: collected first, then settled into sorted arrays.
//!
//! Permanent effects add up. Of effects that can be taken back, the newest counts for each target and cause: by the
//! time of the event, by the order of the lines where times are equal. A message without a time is as old as the
//! newest message before it in its file.
//!
//! Its law: 24 bytes for each effect that was collected, and what is settled does not depend on the order of effects
//! that have a time.

use super::edits::Edits;
use super::{ComplianceEffect, ComplianceEvent, Countries, Country, EVERYWHERE, HideCause, HideTarget, Verdicts};
use crate::protocol::post_id::PostId;
use crate::protocol::user_id::UserId;

/// Bits of the first test of an id, for each id. It then passes one of sixteen that no effect is about, and a million
/// effects need 2 MiB, which is about the second-level cache of a processor.
const FILTER_BITS: usize = 16;

/// 2^64 divided by the golden ratio: the upper bits of a product with it depend on all bits of an id.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// What an entry is about. Entries of one kind and id are settled together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum EntryKind {
    DeletedPost,
    DeletedLike,
    Scrub,
    DropPost,
    ProtectUser,
    SuspendUser,
    DeleteUser,
    WithholdPost,
    WithholdUser,
}

/// One effect. Ordered so that of the entries of one kind and id the last one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct EffectEntry {
    /// The post or user.
    id: u64,
    /// The time of a state, the bound of a scrub, the user of a like.
    value: u64,
    /// From the highest bit: the kind, the place among all effects, whether the state is on.
    rest: u64,
}

impl EffectEntry {
    const KIND: u32 = 56;

    fn new(kind: EntryKind, id: u64, value: u64, place: u64, on: bool) -> EffectEntry {
        EffectEntry { id, value, rest: (kind as u64) << EffectEntry::KIND | place << 1 | u64::from(on) }
    }

    fn is(&self, kind: EntryKind) -> bool {
        self.rest >> EffectEntry::KIND == kind as u64
    }

    fn is_on(&self) -> bool {
        self.rest & 1 == 1
    }
}

/// Collects effects.
pub struct EffectLog {
    entries: Vec<EffectEntry>,
    edits: Option<Edits>,
    countries: Vec<Country>,
    /// The newest time in the current file.
    newest: u64,
    /// Effects so far.
    count: u64,
}

impl EffectLog {
    /// An empty log. Posts that are withheld in one of `countries`, given in upper case, count as dead. Edits count if
    /// only the latest versions stay.
    #[must_use]
    pub fn new(countries: Vec<Country>, latest_only: bool) -> EffectLog {
        let edits = latest_only.then(Edits::default);
        EffectLog { entries: Vec::new(), edits, countries, newest: 0, count: 0 }
    }

    /// Begins another file.
    pub fn start_file(&mut self) {
        self.newest = 0;
    }

    /// Adds what an event requires.
    pub fn push(&mut self, event: &ComplianceEvent) {
        self.count += 1;
        self.newest = self.newest.max(event.at_ms.unwrap_or(0));
        let at = event.at_ms.unwrap_or(self.newest);
        let entry = match &event.effect {
            ComplianceEffect::DeletePost(post) => EffectEntry::new(EntryKind::DeletedPost, post.0, 0, 0, true),
            ComplianceEffect::DeleteLike { post, user } => {
                EffectEntry::new(EntryKind::DeletedLike, post.0, user.0, 0, true)
            }
            ComplianceEffect::ScrubGeo { user, up_to } => EffectEntry::new(EntryKind::Scrub, user.0, up_to.0, 0, true),
            ComplianceEffect::Hide { target: HideTarget::Post(post), hidden, .. } => {
                EffectEntry::new(EntryKind::DropPost, post.0, at, self.count, *hidden)
            }
            ComplianceEffect::Hide { target: HideTarget::User(user), cause, hidden } => {
                let kind = match cause {
                    HideCause::Drop => EntryKind::DropPost,
                    HideCause::Protect => EntryKind::ProtectUser,
                    HideCause::Suspend => EntryKind::SuspendUser,
                    HideCause::UserDelete => EntryKind::DeleteUser,
                };
                EffectEntry::new(kind, user.0, at, self.count, *hidden)
            }
            ComplianceEffect::Withhold { target, countries } => {
                let here = is_here(countries, &self.countries);
                match target {
                    HideTarget::Post(post) => EffectEntry::new(EntryKind::WithholdPost, post.0, at, self.count, here),
                    HideTarget::User(user) => EffectEntry::new(EntryKind::WithholdUser, user.0, at, self.count, here),
                }
            }
            ComplianceEffect::Edit { versions } => {
                if let Some(edits) = &mut self.edits {
                    edits.push(versions);
                }
                return;
            }
        };
        self.entries.push(entry);
    }

    /// Whether edits count.
    #[must_use]
    pub fn has_edits(&self) -> bool {
        self.edits.is_some()
    }

    /// Whether no effect was collected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.edits.as_ref().is_none_or(Edits::is_empty)
    }

    /// How many effects it holds, edits aside; each takes 24 bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Settles what counts at the end of all events; the edits wait until it is known which versions stay otherwise.
    #[must_use]
    pub fn settle(mut self) -> (EffectTable, Edits) {
        self.entries.sort_unstable_by_key(|entry| (entry.rest >> EffectEntry::KIND, entry.id, entry.value, entry.rest));
        let (mut posts, mut users) = (Vec::new(), Vec::new());
        let (mut scrubs, mut likes) = (Vec::new(), Vec::new());
        let same = |a: &EffectEntry, b: &EffectEntry| {
            a.id == b.id && a.rest >> EffectEntry::KIND == b.rest >> EffectEntry::KIND
        };
        for group in self.entries.chunk_by(same) {
            let [.., last] = group else { continue };
            if last.is(EntryKind::DeletedLike) {
                likes.extend(group.iter().map(|entry| (entry.id, entry.value)));
            } else if last.is(EntryKind::Scrub) {
                scrubs.push((last.id, last.value));
            } else if !last.is_on() {
                // The state was taken back.
            } else if last.is(EntryKind::DeletedPost)
                || last.is(EntryKind::DropPost)
                || last.is(EntryKind::WithholdPost)
            {
                posts.push(last.id);
            } else {
                users.push(last.id);
            }
        }
        for ids in [&mut posts, &mut users] {
            ids.sort_unstable();
            ids.dedup();
        }
        likes.dedup();
        let mut table =
            EffectTable { posts, users, scrubs, likes, countries: self.countries, ..EffectTable::default() };
        table.fill_filter();
        (table, self.edits.unwrap_or_default().sorted())
    }
}

/// Whether a list of countries holds one of those where withholding counts, or one that counts everywhere.
fn is_here(codes: &Countries, countries: &[Country]) -> bool {
    codes.is_everywhere() || codes.codes().iter().any(|code| countries.contains(code))
}

/// The settled effects: what is dead, and whose location goes.
#[derive(Default)]
pub struct EffectTable {
    /// Posts that are deleted, dropped or withheld.
    posts: Vec<u64>,
    /// Users whose posts are hidden or withheld.
    users: Vec<u64>,
    /// Users, each with the id up to which the location goes.
    scrubs: Vec<(u64, u64)>,
    /// Liked posts, each with the user whose like is deleted.
    likes: Vec<(u64, u64)>,
    /// Versions that a newer one replaces.
    superseded: Vec<u64>,
    countries: Vec<Country>,
    filter: IdFilter,
}

impl EffectTable {
    /// Adds the versions that newer ones replace, in order.
    pub fn set_superseded(&mut self, ids: Vec<u64>) {
        self.superseded = ids;
        self.fill_filter();
    }

    fn fill_filter(&mut self) {
        let pairs = self.scrubs.iter().chain(&self.likes).map(|(id, _)| id);
        self.filter = IdFilter::new(self.posts.iter().chain(&self.users).chain(&self.superseded).chain(pairs));
    }
}

impl Verdicts for EffectTable {
    fn is_mentioned(&self, id: u64) -> bool {
        self.filter.has(id)
            && (self.posts.binary_search(&id).is_ok()
                || self.users.binary_search(&id).is_ok()
                || find(&self.scrubs, id).is_some()
                || find(&self.likes, id).is_some()
                || self.superseded.binary_search(&id).is_ok())
    }

    fn is_post_dead(&self, post: PostId) -> bool {
        self.posts.binary_search(&post.0).is_ok()
    }

    fn is_user_hidden(&self, user: UserId) -> bool {
        self.users.binary_search(&user.0).is_ok()
    }

    fn scrub_bound(&self, user: UserId) -> Option<PostId> {
        find(&self.scrubs, user.0).map(PostId)
    }

    fn is_like_deleted(&self, post: PostId, user: UserId) -> bool {
        self.likes.binary_search(&(post.0, user.0)).is_ok()
    }

    fn is_superseded(&self, post: PostId) -> bool {
        self.superseded.binary_search(&post.0).is_ok()
    }

    fn is_withheld_in(&self, country: Country) -> bool {
        EVERYWHERE.contains(&country) || self.countries.contains(&country)
    }
}

/// The value of the first pair with this id.
fn find(pairs: &[(u64, u64)], id: u64) -> Option<u64> {
    let at = pairs.partition_point(|pair| pair.0 < id);
    pairs.get(at).filter(|pair| pair.0 == id).map(|pair| pair.1)
}

/// The first test of an id: one bit of a table that is small enough for the caches. It says yes too often, never no.
struct IdFilter {
    bits: Vec<u64>,
    shift: u32,
}

impl Default for IdFilter {
    fn default() -> IdFilter {
        IdFilter::new(std::iter::empty())
    }
}

impl IdFilter {
    fn new<'a>(ids: impl Iterator<Item = &'a u64> + Clone) -> IdFilter {
        let size = (ids.clone().count() * FILTER_BITS).next_power_of_two().max(64);
        let mut filter = IdFilter { bits: vec![0; size / 64], shift: 64 - size.trailing_zeros() };
        for id in ids {
            let (word, bit) = filter.place(*id);
            filter.bits[word] |= bit;
        }
        filter
    }

    fn place(&self, id: u64) -> (usize, u64) {
        let at = usize::try_from(id.wrapping_mul(MIX) >> self.shift).unwrap_or_default();
        (at / 64, 1 << (at % 64))
    }

    fn has(&self, id: u64) -> bool {
        let (word, bit) = self.place(id);
        self.bits[word] & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DE: Country = *b"DE";

    fn settled(effects: &[(Option<u64>, ComplianceEffect)]) -> EffectTable {
        let mut log = EffectLog::new(vec![DE], false);
        for (at_ms, effect) in effects {
            log.push(&ComplianceEvent { at_ms: *at_ms, effect: effect.clone() });
        }
        log.settle().0
    }

    fn hide(target: HideTarget, cause: HideCause, hidden: bool) -> ComplianceEffect {
        ComplianceEffect::Hide { target, cause, hidden }
    }

    fn withhold(user: u64, codes: &[&str]) -> ComplianceEffect {
        let countries = Countries::from_codes(codes).expect("codes");
        ComplianceEffect::Withhold { target: HideTarget::User(UserId(user)), countries }
    }

    #[test]
    fn an_entry_has_24_bytes() {
        assert_eq!(size_of::<EffectEntry>(), 24);
    }

    #[test]
    fn permanent_effects_add_up() {
        let scrub = |user, up_to| (None, ComplianceEffect::ScrubGeo { user: UserId(user), up_to: PostId(up_to) });
        let like = |post, user| (Some(1), ComplianceEffect::DeleteLike { post: PostId(post), user: UserId(user) });
        let delete = |post| (Some(5), ComplianceEffect::DeletePost(PostId(post)));
        let table = settled(&[delete(1), scrub(7, 30), scrub(7, 90), scrub(7, 60), delete(1), like(4, 8), like(4, 9)]);
        assert!(table.is_post_dead(PostId(1)) && !table.is_post_dead(PostId(7)));
        assert_eq!((table.scrub_bound(UserId(7)), table.scrub_bound(UserId(1))), (Some(PostId(90)), None));
        let deleted = [7, 8, 9, 10].map(|user| table.is_like_deleted(PostId(4), UserId(user)));
        assert_eq!(deleted, [false, true, true, false]);
        assert_eq!((0..12).filter(|id| table.is_mentioned(*id)).collect::<Vec<_>>(), [1, 4, 7]);
    }

    #[test]
    fn the_newest_state_of_each_cause_counts() {
        let user = HideTarget::User(UserId(7));
        let (protect, suspend) = (HideCause::Protect, HideCause::Suspend);
        let hidden = |effects: &[(Option<u64>, ComplianceEffect)]| settled(effects).is_user_hidden(UserId(7));
        let on_then_off = [(Some(1), hide(user, protect, true)), (Some(2), hide(user, protect, false))];
        assert!(!hidden(&on_then_off));
        let [on, off] = on_then_off;
        assert!(!hidden(&[off.clone(), on.clone()]), "the time counts, not the order");
        assert!(hidden(&[on.clone(), off.clone(), (Some(0), hide(user, suspend, true))]), "each cause on its own");
        assert!(
            hidden(&[(Some(3), hide(user, protect, false)), (Some(3), hide(user, protect, true))]),
            "then the order"
        );
        // A message without a time is as old as the newest message before it.
        assert!(hidden(&[off.clone(), (None, hide(user, protect, true))]));
        assert!(!hidden(&[(None, hide(user, protect, true)), off]));
    }

    #[test]
    fn withholding_counts_in_the_countries_asked_for_and_an_empty_list_lifts_it() {
        let dead = |codes: &[&[&str]]| {
            let effects: Vec<_> = codes.iter().zip(1..).map(|(codes, at)| (Some(at), withhold(7, codes))).collect();
            settled(&effects).is_user_hidden(UserId(7))
        };
        assert!(dead(&[&["FR", "de"]]) && dead(&[&["XX"]]) && dead(&[&["XY"]]));
        assert!(!dead(&[&["FR"]]) && !dead(&[&["DE"], &[]]) && !dead(&[&["DE"], &["FR"]]));
    }
}

//! The meter's part of the state: posts by UTC day, shared by runs and processes of one app.
//!
//! Totals by day are in the state file. The ids of the current day, which tell repeats apart, lie in a file beside it
//! as 64-bit numbers behind one line of text: it grows by appending, and a number that a crash cut is skipped. Both
//! change only under the lock of the state file. X counts by account, so each host has its own days and ids.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::state::{FOREIGN, LockedState, Store, beside};
use crate::pipeline::meter::{Meter, REMEMBERED, Totals, Unsynced};
use crate::time::{date, same_month};

/// What opens a file of ids, before its day.
const MAGIC: &str = "xstream-ids 1 ";

/// Days that are kept: as many as X reports (x-streaming.md §5b).
const DAYS: usize = 90;

/// The posts of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeteredDay {
    /// The UTC date, `2026-11-22`.
    pub date: String,
    /// Posts delivered.
    pub posts: u64,
    /// Whether no post can have been counted twice.
    pub exact: bool,
    /// Posts that processes have reserved of a quota and not delivered yet; of one that crashed, for the whole day.
    pub reserved: u64,
}

impl Store {
    /// The file of ids.
    fn ids(&self) -> PathBuf {
        let host = self.host().replace(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-', "_");
        beside(self.path(), &format!(".{host}.ids"))
    }

    /// The ids in the file for a day (since the Unix epoch), or the later day that the file is for.
    fn read_ids(&self, day: u64) -> anyhow::Result<Ids> {
        let path = self.ids();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ids::Old),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let head = bytes.iter().position(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..end]);
        let written = std::str::from_utf8(head).ok().and_then(|head| head.strip_prefix(MAGIC)?.parse::<u64>().ok());
        let Some(written) = written else {
            bail!("{} is not a file of ids of xstream; move it away", path.display());
        };
        Ok(match written.cmp(&day) {
            std::cmp::Ordering::Less => Ids::Old,
            std::cmp::Ordering::Greater => Ids::Later,
            std::cmp::Ordering::Equal => {
                let numbers = bytes[head.len() + 1..].chunks_exact(8);
                let whole = head.len() + 1 + numbers.len() * 8;
                let ids = numbers.map(|number| u64::from_le_bytes(number.try_into().unwrap_or_default())).collect();
                Ids::Of { ids, whole: whole as u64 }
            }
        })
    }

    fn append_ids(&self, day: u64, known: &Ids, fresh: &[u64]) -> anyhow::Result<()> {
        let path = self.ids();
        let mut bytes = Vec::with_capacity(fresh.len() * 8);
        for id in fresh {
            bytes.extend_from_slice(&id.to_le_bytes());
        }
        let written = match known {
            Ids::Of { whole, .. } => OpenOptions::new().append(true).open(&path).and_then(|mut file| {
                // A crash may have cut the last number.
                file.set_len(*whole)?;
                file.write_all(&bytes)
            }),
            Ids::Old | Ids::Later => {
                let mut head = format!("{MAGIC}{day}\n").into_bytes();
                head.extend_from_slice(&bytes);
                super::state::replace(&path, &head)
            }
        };
        written.with_context(|| format!("writing {}", path.display()))
    }

    /// The days in the file, oldest first, read without the lock.
    ///
    /// # Errors
    /// The file cannot be read, or is not a state file.
    pub fn days(&self) -> anyhow::Result<Vec<MeteredDay>> {
        let whole = self.read().with_context(|| format!("reading the state file {}", self.path().display()))?;
        days(&whole, self.host())
    }
}

enum Ids {
    /// None, or those of an earlier day.
    Old,
    /// This day's, and how long the part of the file is that holds whole numbers.
    Of { ids: Vec<u64>, whole: u64 },
    /// Another process counts a later day.
    Later,
}

fn days(whole: &Value, host: &str) -> anyhow::Result<Vec<MeteredDay>> {
    let Some(all) = whole.get("meter").and_then(|meter| meter.get(host)) else { return Ok(Vec::new()) };
    let day = |(date, entry): (&String, &Value)| {
        let posts = entry.get("posts")?.as_u64()?;
        let exact = entry.get("exact")?.as_bool()?;
        let reserved = entry.get("reserved").map_or(Some(0), Value::as_u64)?;
        Some(MeteredDay { date: date.clone(), posts, exact, reserved })
    };
    let days: Option<Vec<MeteredDay>> = all.as_object().and_then(|days| days.iter().map(day).collect());
    let mut days = days.context(FOREIGN)?;
    days.sort_by(|a, b| a.date.cmp(&b.date));
    Ok(days)
}

impl LockedState<'_> {
    /// Brings the meter and the file to one count, in both directions. With `reserve` some of what is left of the
    /// quota is reserved for this meter; what it had reserved before and not used is released.
    ///
    /// Where the ids of the day are lost, the count goes on from the total as an upper bound, and the result contains the reason.
    ///
    /// # Errors
    /// The state file cannot be read or written, or is not a state file.
    pub fn sync(&mut self, meter: &mut Meter, reserve: bool) -> anyhow::Result<Option<String>> {
        let lost = self.sync_day(meter, reserve)?;
        if meter.turn() {
            return self.sync_day(meter, reserve);
        }
        Ok(lost)
    }

    fn sync_day(&mut self, meter: &mut Meter, reserve: bool) -> anyhow::Result<Option<String>> {
        let store = self.store();
        let name = || format!("the state file {}", store.path().display());
        let mut days = days(self.whole(), store.host()).with_context(|| format!("reading {}", name()))?;
        let today = date(meter.day());
        let (known, lost) = match store.read_ids(meter.day()) {
            Ok(known) => (known, None),
            Err(error) => (Ids::Later, Some(format!("{error:#}"))),
        };
        let count = match &known {
            Ids::Of { ids, .. } => {
                meter.merge_ids(ids.iter().copied());
                ids.len()
            }
            Ids::Old | Ids::Later => 0,
        };
        let Unsynced { ids: mut fresh, mut without_id, reserved: ours } = meter.take_unsynced();
        let room = if matches!(known, Ids::Later) { 0 } else { REMEMBERED.saturating_sub(count) };
        without_id += fresh.split_off(fresh.len().min(room)).len() as u64;
        if !fresh.is_empty() {
            store.append_ids(meter.day(), &known, &fresh)?;
        }
        let before = days.iter().find(|day| day.date == today);
        let numbered = (count + fresh.len()) as u64;
        // Ids that a crash kept from the total are in their file; posts without an id are in the total alone.
        let posts = match before {
            Some(day) => day.posts.max(count as u64).saturating_add(fresh.len() as u64).saturating_add(without_id),
            None => numbered.saturating_add(without_id),
        };
        // A day with fewer ids than posts has lost some, and with them the power to recognise repeats.
        let exact = without_id == 0 && before.is_none_or(|day| day.exact && day.posts <= count as u64);
        let earlier = days.iter().filter(|day| day.date != today && same_month(&day.date, &today));
        let earlier = earlier.fold(0_u64, |sum, day| sum.saturating_add(day.posts));
        let others = before.map_or(0, |day| day.reserved.saturating_sub(ours));
        let grant = meter.set_totals(&Totals { today: posts, exact, earlier, reserved: others }, reserve);
        let day = MeteredDay { date: today, posts, exact, reserved: others.saturating_add(grant) };
        let written = before.map_or(posts == 0 && day.reserved == 0, |before| *before == day);
        if written {
            return Ok(lost);
        }
        days.retain(|other| other.date != day.date);
        days.push(day);
        days.sort_by(|a, b| a.date.cmp(&b.date));
        let kept = days.len().saturating_sub(DAYS);
        let entries: serde_json::Map<String, Value> = days[kept..].iter().map(entry).collect();
        let host = store.host().to_owned();
        self.whole_mut()["meter"][host] = entries.into();
        self.write().with_context(|| format!("writing {}", name()))?;
        Ok(lost)
    }
}

fn entry(day: &MeteredDay) -> (String, Value) {
    let mut entry = json!({ "posts": day.posts, "exact": day.exact });
    if day.reserved > 0 {
        entry["reserved"] = day.reserved.into();
    }
    (day.date.clone(), entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::meter::{Period, Quota};
    use crate::protocol::post_id::PostId;

    const DAY: u64 = 20_779; // 2026-11-22

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::new(&folder.path().join("state"), "api.x.com".to_owned(), "/2/a", true).expect("a store")
    }

    fn sync(store: &Store, meter: &mut Meter) {
        assert_eq!(store.try_lock().expect("held").expect("free").sync(meter, true).expect("synced"), None);
    }

    fn count(meter: &mut Meter, ids: std::ops::Range<u64>) {
        for id in ids {
            meter.count(Some(PostId(id)));
        }
    }

    #[test]
    fn two_processes_that_see_the_same_posts_count_them_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let (mut one, mut two) = (Meter::new(None, DAY, true), Meter::new(None, DAY, true));
        count(&mut one, 0..100);
        count(&mut two, 50..150);
        sync(&store, &mut one);
        sync(&store, &mut two);
        sync(&store, &mut one);
        assert_eq!((one.used(Period::Day), two.used(Period::Day), one.is_exact()), (150, 150, true));
        let mut later = Meter::new(None, DAY, true);
        sync(&store, &mut later);
        count(&mut later, 0..151);
        assert_eq!(later.used(Period::Day), 151, "a run that comes later knows what was delivered before it");
    }

    #[test]
    fn a_month_is_the_sum_of_its_days() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        for day in [DAY - 22, DAY - 21, DAY, DAY + 1] {
            let mut meter = Meter::new(None, day, true);
            sync(&store, &mut meter);
            count(&mut meter, 0..10);
            sync(&store, &mut meter);
        }
        let mut meter = Meter::new(None, DAY + 1, true);
        sync(&store, &mut meter);
        assert_eq!((meter.used(Period::Day), meter.used(Period::Month)), (10, 30), "31 October is another month");
        let days = store.days().expect("days");
        assert_eq!(days.len(), 4);
        assert_eq!(days[3], MeteredDay { date: "2026-11-23".to_owned(), posts: 10, exact: true, reserved: 0 });
    }

    #[test]
    fn unused_reservations_are_released_and_a_crash_only_overcounts() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let quota = Some(Quota { posts: 100, period: Period::Day });
        let reserved = || store.days().expect("days")[0].reserved;
        let mut one = Meter::new(quota, DAY, true);
        sync(&store, &mut one);
        assert_eq!(reserved(), 25);
        count(&mut one, 0..10);
        let mut two = Meter::new(quota, DAY, true);
        sync(&store, &mut two);
        assert_eq!((reserved(), two.quota_usage().expect("a quota").used), (25 + 19, 25));
        let mut held = store.try_lock().expect("held").expect("free");
        held.sync(&mut one, false).expect("synced");
        drop(held);
        assert_eq!(reserved(), 19);
        drop(two);
        let mut later = Meter::new(quota, DAY, true);
        sync(&store, &mut later);
        assert_eq!(later.quota_usage().expect("a quota").used, 10 + 19, "what a crash left reserved stays so");
    }

    #[test]
    fn a_number_that_a_crash_cut_is_skipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let mut meter = Meter::new(None, DAY, true);
        count(&mut meter, 0..3);
        sync(&store, &mut meter);
        let ids = folder.path().join("state.api.x.com.ids");
        let mut bytes = fs::read(&ids).expect("ids");
        bytes.extend([1, 2, 3]);
        fs::write(&ids, bytes).expect("written");
        let mut meter = Meter::new(None, DAY, true);
        sync(&store, &mut meter);
        count(&mut meter, 0..4);
        sync(&store, &mut meter);
        let mut meter = Meter::new(None, DAY, true);
        sync(&store, &mut meter);
        assert_eq!(meter.used(Period::Day), 4);
    }

    #[test]
    fn a_process_that_lags_behind_the_day_overwrites_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let (mut old, mut new) = (Meter::new(None, DAY, true), Meter::new(None, DAY + 1, true));
        count(&mut old, 0..2);
        count(&mut new, 0..5);
        sync(&store, &mut new);
        sync(&store, &mut old);
        let days: Vec<(u64, bool)> = store.days().expect("days").iter().map(|day| (day.posts, day.exact)).collect();
        assert_eq!(days, [(2, false), (5, true)]);
    }

    #[test]
    fn a_file_of_another_program_is_not_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let ids = folder.path().join("state.api.x.com.ids");
        fs::write(&ids, "my notes").expect("written");
        let mut meter = Meter::new(None, DAY, true);
        count(&mut meter, 0..3);
        let lost = store.try_lock().expect("held").expect("free").sync(&mut meter, true).expect("counted all the same");
        assert!(lost.as_ref().is_some_and(|why| why.contains("not a file of ids")), "{lost:?}");
        assert_eq!(fs::read_to_string(&ids).expect("there"), "my notes");
        assert_eq!((meter.used(Period::Day), meter.is_exact()), (3, false));
    }

    #[test]
    fn a_day_whose_ids_are_lost_goes_on_from_its_total_as_an_upper_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let mut meter = Meter::new(None, DAY, true);
        count(&mut meter, 0..900);
        sync(&store, &mut meter);
        assert!(meter.is_exact());
        for damaged in ["", "xstream-ids 1 20779\n1234567"] {
            fs::write(folder.path().join("state.api.x.com.ids"), damaged).expect("written");
            let mut meter = Meter::new(None, DAY, true);
            let _ =
                store.try_lock().expect("held").expect("free").sync(&mut meter, true).expect("counted all the same");
            assert_eq!((meter.used(Period::Day), meter.is_exact()), (900, false), "{damaged:?}");
        }
    }
}

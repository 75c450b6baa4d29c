//! The versions of edited posts: which of them a newer one replaces.
//!
//! All versions of a post name the same first one, and their ids are listed oldest first, in `tweet_edit` messages and
//! in the posts themselves.
//!
//! Its law: the newest version that stays otherwise stays; without one, the older ones do.

use serde_json::Value;

use crate::protocol::json_cursor::{JsonCursor, find};
use crate::protocol::post_id::PostId;

/// One version of an edited post.
#[derive(Clone, Copy)]
struct Version {
    first: u64,
    /// Its place among the versions.
    place: u32,
    id: u64,
}

/// The versions of edited posts.
#[derive(Default)]
pub struct Edits {
    versions: Vec<Version>,
    /// The ids of all versions, sorted.
    ids: Vec<u64>,
}

impl Edits {
    /// Whether no post was edited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    pub(super) fn push(&mut self, versions: &[PostId]) {
        let [first, _, ..] = versions else { return };
        self.versions.extend(versions.iter().zip(0..).map(|(id, place)| Version { first: first.0, place, id: id.0 }));
    }

    pub(super) fn sorted(mut self) -> Edits {
        self.versions.sort_unstable_by_key(|version| (version.first, version.place));
        self.versions.dedup_by_key(|version| (version.first, version.place, version.id));
        self.ids = self.versions.iter().map(|version| version.id).collect();
        self.ids.sort_unstable();
        self.ids.dedup();
        self
    }

    /// Whether the post is a version of an edited post.
    #[must_use]
    pub fn is_version(&self, post: PostId) -> bool {
        self.ids.binary_search(&post.0).is_ok()
    }

    /// The versions that a newer one replaces, sorted. `present` has the versions that stay otherwise.
    #[must_use]
    pub fn superseded(&self, mut present: Vec<PostId>) -> Vec<u64> {
        present.sort_unstable();
        let mut superseded = Vec::new();
        for versions in self.versions.chunk_by(|a, b| a.first == b.first) {
            let newest = versions.iter().rposition(|version| present.binary_search(&PostId(version.id)).is_ok());
            superseded.extend(versions[..newest.unwrap_or(0)].iter().map(|version| version.id));
        }
        superseded.sort_unstable();
        superseded.dedup();
        superseded
    }
}

/// The versions that a post lists of itself, if there are several.
#[must_use]
pub fn history(post: &[u8]) -> Option<Vec<PostId>> {
    let paths: [&[&str]; 3] =
        [&["data", "edit_history_tweet_ids"], &["data", "edit_history_post_ids"], &["edit_history", "edit_tweet_ids"]];
    let list = paths.iter().find_map(|path| find(&mut JsonCursor::new(post), path).ok().flatten())?;
    // Nearly every post of v2 lists itself alone.
    memchr::arch::all::memchr::One::new(b',').find(list)?;
    let ids: Vec<Value> = serde_json::from_slice(list).ok()?;
    let id = |id: &Value| id.as_str().map_or_else(|| id.as_u64().map(PostId), PostId::parse);
    Some(ids.iter().filter_map(id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn superseded(edits: &[&[u64]], present: &[u64]) -> Vec<u64> {
        let ids = |ids: &[u64]| ids.iter().copied().map(PostId).collect::<Vec<_>>();
        let mut all = Edits::default();
        for versions in edits {
            all.push(&ids(versions));
        }
        all.sorted().superseded(ids(present))
    }

    #[test]
    fn the_newest_version_that_is_present_stays() {
        assert_eq!(superseded(&[&[1, 2], &[1, 2, 3]], &[3, 1, 2]), [1, 2]);
        assert_eq!(superseded(&[&[1, 2, 3], &[1, 2]], &[1, 2]), [1]);
        assert_eq!(superseded(&[&[1, 2, 3]], &[1]), [0; 0]);
        assert_eq!(superseded(&[&[1, 2, 3]], &[]), [0; 0]);
        assert_eq!(superseded(&[&[4], &[]], &[4]), [0; 0]);
        assert_eq!(superseded(&[&[9, 8], &[1, 2]], &[2, 8, 9]), [1, 9]);
    }

    #[test]
    fn posts_list_their_versions_in_both_dialects() {
        for (post, versions) in [
            (r#"{"data":{"id":"2","edit_history_tweet_ids":["1","2"]}}"#, Some(vec![PostId(1), PostId(2)])),
            (
                r#"{"id":2,"edit_history":{"initial_tweet_id":"1","edit_tweet_ids":["1","2"]}}"#,
                Some(vec![PostId(1), PostId(2)]),
            ),
            (r#"{"data":{"id":"2","edit_history_tweet_ids":["2"]}}"#, None),
            (r#"{"data":{"id":"2"}}"#, None),
            (r#"{"data":{"id":"2","edit_history_tweet_ids":{"a":1,"b":2}}}"#, None),
        ] {
            assert_eq!(history(post.as_bytes()), versions, "{post}");
        }
    }
}

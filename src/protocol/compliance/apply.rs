//! What the known effects do to one line: nothing, its removal, or the cut of what is dead in it.
//!
//! The one function that decides, for lines that arrive, lines that wait and lines of archives. It finds the posts in
//! a line by the members of each dialect: `data` and `includes` of v2, the nested statuses of v1.1, the `object` of
//! Activity Streams.

use std::borrow::Cow;
use std::ops::Range;

use super::cut::Cuts;
use super::mention::mentions;
use super::{Country, Verdicts};
use crate::protocol::json_cursor::{JsonCursor, find, unescape};
use crate::protocol::message::{Dialect, MessageKind, classify};
use crate::protocol::post_id::PostId;
use crate::protocol::user_id::UserId;

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It stays as it is.
    Unchanged,
    /// It goes.
    Removed,
    /// It stays without these parts.
    Rewritten(Cuts),
}

/// What the verdicts do to a line without its line end, bare, in a site stream's `for_user` or in our envelope.
/// Compliance messages and lines that are no messages stay.
pub fn apply(line: &[u8], verdicts: &impl Verdicts) -> Applied {
    if !mentions(line, |id| verdicts.is_mentioned(id)) {
        return Applied::Unchanged;
    }
    let place = message_in(line);
    let message = classify(&line[place.clone()]);
    // A site stream wraps the body once more.
    let at = place.start + message.body.as_ptr().addr() - line[place].as_ptr().addr();
    let mut walk = Walk { line, verdicts, cuts: Cuts::default() };
    let root = walk.members(at);
    let dead = match (message.kind, message.dialect) {
        (MessageKind::Activity, _) if is_post_delete(message.body) => false,
        (MessageKind::Post | MessageKind::Like | MessageKind::Activity, Some(Dialect::V2)) => {
            walk.v2(message.kind, &root)
        }
        (MessageKind::Like, _) => walk.like(&root),
        (MessageKind::Event, _) => {
            walk.embedded(&root, &[b"target_object"]);
            false
        }
        (MessageKind::Post, _) => walk.post(&root, true),
        _ => false,
    };
    if dead {
        return Applied::Removed;
    }
    walk.cuts.finish().map_or(Applied::Unchanged, Applied::Rewritten)
}

/// The members of our envelope, of which one is the first: other programs may sort them.
const ENVELOPE: [&[u8]; 6] =
    [b"\"kind\"", b"\"dialect\"", b"\"at\"", b"\"connection\"", b"\"message\"", b"\"recovered\""];

/// Where the message lies in a line: inside our envelope, or all of it.
#[must_use]
pub fn message_in(line: &[u8]) -> Range<usize> {
    let mut cursor = JsonCursor::new(line);
    if cursor.peek() == b'{' {
        cursor.open();
        let (mut kind, mut message) = (false, None);
        while cursor.more() {
            let key = cursor.key();
            if !ENVELOPE.contains(&key) {
                break;
            }
            cursor.peek();
            let at = cursor.position();
            let value = cursor.value();
            match key {
                b"\"kind\"" => kind = value.starts_with(b"\""),
                b"\"message\"" => message = Some(at..cursor.position()),
                _ => {}
            }
            if let Some(message) = message.take_if(|_| kind) {
                return message;
            }
        }
    }
    0..line.len()
}

/// Whether an activity event reports the deletion of a post.
pub(super) fn is_post_delete(body: &[u8]) -> bool {
    matches!(find(&mut JsonCursor::new(body), &["data", "event_type"]), Ok(Some(b"\"post.delete\"")))
}

struct Walk<'a, V> {
    line: &'a [u8],
    verdicts: &'a V,
    cuts: Cuts,
}

/// A member of an object.
#[derive(Clone)]
struct Member<'a> {
    key: Cow<'a, [u8]>,
    /// From the name to the end of the value.
    whole: Range<usize>,
    /// The value.
    value: Range<usize>,
}

/// The value of the last member with this name, which is the one that parsers keep.
fn get(members: &[Member], key: &[u8]) -> Option<Range<usize>> {
    members.iter().rev().find(|member| *member.key == *key).map(|member| member.value.clone())
}

/// The location members of v1.1 and Activity Streams.
const LOCATION: [&[u8]; 4] = [b"geo", b"coordinates", b"place", b"location"];

/// A post of v2 whose text may be cut.
struct Included {
    id: Option<PostId>,
    retweeted: Option<PostId>,
    dead: bool,
}

impl<'a, V: Verdicts> Walk<'a, V> {
    /// Removes what is dead in a post of v1.1 or Activity Streams; whether the post itself is dead.
    fn post(&mut self, members: &[Member<'a>], own: bool) -> bool {
        let (id, author) = (self.post_id(members), self.author(members));
        if self.is_dead(id, author, own) || self.is_withheld(get(members, b"withheld_in_countries")) {
            return true;
        }
        // The object of a share is the retweeted post.
        let share = get(members, b"verb").is_some_and(|verb| &self.line[verb] == b"\"share\"");
        let retweeted = get(members, if share { b"object" } else { b"retweeted_status" });
        if retweeted.is_some_and(|post| self.nested(post)) {
            return true;
        }
        let dead = self.dead_members(members, |key| match key {
            b"quoted_status" | b"twitter_quoted_status" => true,
            // The object of a post is its own text, under its own id.
            b"object" => !share,
            _ => false,
        });
        let scrubbed = self.is_scrubbed(id, author);
        let line = self.line;
        let is_location =
            |member: &Member| scrubbed && LOCATION.contains(&&*member.key) && &line[member.value.clone()] != b"null";
        let locations: Vec<bool> = members.iter().map(is_location).collect();
        self.cuts.locations += count(&locations);
        self.cut_members(members, |item| dead[item] || locations[item]);
        false
    }

    /// An enterprise like: whether it is deleted; the liked post may be dead.
    fn like(&mut self, members: &[Member<'a>]) -> bool {
        let liked = get(members, b"favorited_status").and_then(|post| self.post_id(&self.members(post.start)));
        let user = self.author(members);
        if liked.zip(user).is_some_and(|(post, user)| self.verdicts.is_like_deleted(post, user)) {
            return true;
        }
        self.embedded(members, &[b"favorited_status"]);
        false
    }

    /// Cuts the members with these names whose post is dead.
    fn embedded(&mut self, members: &[Member<'a>], names: &[&[u8]]) {
        let dead = self.dead_members(members, |key| names.contains(&key));
        self.cut_members(members, |item| dead[item]);
    }

    /// Which of the members that hold a post hold a dead one; the others are walked.
    fn dead_members(&mut self, members: &[Member<'a>], holds_post: impl Fn(&[u8]) -> bool) -> Vec<bool> {
        let dead: Vec<bool> =
            members.iter().map(|member| holds_post(&member.key) && self.nested(member.value.clone())).collect();
        self.cuts.posts += count(&dead);
        dead
    }

    /// Whether the post at `value` is dead; if not, what is dead in it is cut.
    fn nested(&mut self, value: Range<usize>) -> bool {
        let mark = self.cuts.mark();
        let members = self.members(value.start);
        let dead = self.post(&members, false);
        if dead {
            self.cuts.rewind(mark);
        }
        dead
    }

    /// Removes what is dead in a v2 message; whether the message itself is.
    fn v2(&mut self, kind: MessageKind, root: &[Member<'a>]) -> bool {
        let data = get(root, b"data").map_or_else(Vec::new, |data| self.members(data.start));
        // The payload of an activity about a post is the post; a like has an id that is no post's.
        let about_post = || get(&data, b"event_type").is_some_and(|name| self.line[name].starts_with(b"\"post."));
        let own = match kind {
            MessageKind::Post => data.clone(),
            MessageKind::Activity if about_post() => {
                get(&data, b"payload").map_or_else(Vec::new, |post| self.members(post.start))
            }
            _ => Vec::new(),
        };
        let expansions: Vec<Member> = [root, &data]
            .iter()
            .filter_map(|holder| get(holder, b"includes"))
            .flat_map(|includes| self.members(includes.start))
            .collect();
        let is_list = |member: &&Member| matches!(&*member.key, b"tweets" | b"posts");
        let lists: Vec<Vec<Range<usize>>> =
            expansions.iter().filter(is_list).map(|list| self.elements(list.value.start)).collect();
        let posts: Vec<Vec<Member>> = lists.iter().flatten().map(|post| self.members(post.start)).collect();
        let mut included: Vec<Included> = posts.iter().map(|post| self.included(post, false)).collect();
        let dead: Vec<PostId> = included.iter().filter(|post| post.dead).filter_map(|post| post.id).collect();
        let retweets_dead = |post: &Included| post.retweeted.is_some_and(|id| dead.contains(&id));
        let main = self.included(&own, true);
        if main.dead || retweets_dead(&main) {
            return true;
        }
        for post in &mut included {
            post.dead |= retweets_dead(post);
        }
        let mut at = 0;
        for list in &lists {
            let verdicts = &included[at..at + list.len()];
            self.cuts.posts += count(&verdicts.iter().map(|post| post.dead).collect::<Vec<_>>());
            self.cuts.cut(self.line, list, |item| verdicts[item].dead);
            at += list.len();
        }
        self.scrub_v2(&own, &posts, &included, &expansions);
        false
    }

    /// Cuts the locations of a v2 message, and the places that nothing refers to then.
    fn scrub_v2(
        &mut self,
        own: &[Member<'a>],
        posts: &[Vec<Member<'a>>],
        included: &[Included],
        expansions: &[Member<'a>],
    ) {
        let (mut cut, mut referred) = (false, Vec::new());
        for (post, dead) in std::iter::once((own, false))
            .chain(posts.iter().zip(included).map(|(members, post)| (members.as_slice(), post.dead)))
        {
            let Some(geo) = get(post, b"geo").filter(|geo| &self.line[geo.clone()] != b"null") else { continue };
            if dead {
                cut = true;
            } else if self.is_scrubbed(self.post_id(post), self.author(post)) {
                cut = true;
                self.cuts.locations += 1;
                self.cut_members(post, |item| *post[item].key == *b"geo");
            } else if let Some(place) = get(&self.members(geo.start), b"place_id") {
                referred.push(&self.line[place]);
            }
        }
        for places in expansions.iter().filter(|member| cut && *member.key == *b"places") {
            let elements = self.elements(places.value.start);
            let dead: Vec<bool> = elements
                .iter()
                .map(|place| {
                    let id = get(&self.members(place.start), b"id");
                    id.is_none_or(|id| !referred.contains(&&self.line[id]))
                })
                .collect();
            self.cuts.locations += count(&dead);
            self.cuts.cut(self.line, &elements, |item| dead[item]);
        }
    }

    fn included(&self, members: &[Member<'a>], own: bool) -> Included {
        let id = self.post_id(members);
        let references = get(members, b"referenced_tweets").or_else(|| get(members, b"referenced_posts"));
        let retweeted = references.and_then(|references| {
            self.elements(references.start).into_iter().find_map(|reference| {
                let reference = self.members(reference.start);
                let retweeted = get(&reference, b"type").is_some_and(|kind| &self.line[kind] == b"\"retweeted\"");
                if retweeted { self.id(&reference, b"id").and_then(PostId::parse) } else { None }
            })
        });
        let withheld = get(members, b"withheld");
        let codes = withheld.and_then(|withheld| get(&self.members(withheld.start), b"country_codes"));
        let dead = self.is_dead(id, self.author(members), own)
            || self.is_withheld(codes)
            || retweeted.is_some_and(|id| self.verdicts.is_post_dead(id));
        Included { id, retweeted, dead }
    }

    fn is_dead(&self, id: Option<PostId>, author: Option<UserId>, own: bool) -> bool {
        id.is_some_and(|id| self.verdicts.is_post_dead(id) || (own && self.verdicts.is_superseded(id)))
            || author.is_some_and(|author| self.verdicts.is_user_hidden(author))
    }

    fn is_scrubbed(&self, id: Option<PostId>, author: Option<UserId>) -> bool {
        let bound = author.and_then(|author| self.verdicts.scrub_bound(author));
        id.zip(bound).is_some_and(|(id, bound)| id <= bound)
    }

    fn is_withheld(&self, codes: Option<Range<usize>>) -> bool {
        let codes = codes.map_or_else(Vec::new, |codes| self.elements(codes.start));
        codes.into_iter().any(|code| {
            let code: Result<Country, _> = unescape(&self.line[code]).as_ref().try_into();
            code.is_ok_and(|code| self.verdicts.is_withheld_in(code.map(|letter| letter.to_ascii_uppercase())))
        })
    }

    fn post_id(&self, members: &[Member<'a>]) -> Option<PostId> {
        [b"id_str".as_slice(), b"id"].iter().find_map(|name| PostId::parse(self.id(members, name)?))
    }

    /// Who wrote the post: `author_id` of v2, `user` of v1.1, `actor` of Activity Streams.
    fn author(&self, members: &[Member<'a>]) -> Option<UserId> {
        if let Some(id) = self.id(members, b"author_id") {
            return UserId::parse(id);
        }
        let user = get(members, b"user").or_else(|| get(members, b"actor"))?;
        let user = self.members(user.start);
        [b"id_str".as_slice(), b"id"].iter().find_map(|name| UserId::parse(self.id(&user, name)?))
    }

    /// The text of a member that is a number or a string.
    fn id(&self, members: &[Member<'a>], name: &[u8]) -> Option<Cow<'a, [u8]>> {
        let value = &self.line[get(members, name)?];
        Some(if value.starts_with(b"\"") { unescape(value) } else { Cow::Borrowed(value) })
    }

    fn cut_members(&mut self, members: &[Member<'a>], is_cut: impl Fn(usize) -> bool) {
        let items: Vec<Range<usize>> = members.iter().map(|member| member.whole.clone()).collect();
        self.cuts.cut(self.line, &items, is_cut);
    }

    /// The members of the object at this offset; none if no object begins there.
    fn members(&self, at: usize) -> Vec<Member<'a>> {
        let mut cursor = JsonCursor::starting_at(self.line, at);
        let mut members = Vec::new();
        if cursor.peek() == b'{' {
            cursor.open();
            while cursor.more() {
                let start = cursor.position();
                let key = unescape(cursor.key());
                cursor.peek();
                let value = cursor.position();
                cursor.value();
                let end = cursor.position();
                members.push(Member { key, whole: start..end, value: value..end });
            }
        }
        members
    }

    /// The elements of the array at this offset; none if no array begins there.
    fn elements(&self, at: usize) -> Vec<Range<usize>> {
        let mut cursor = JsonCursor::starting_at(self.line, at);
        let mut elements = Vec::new();
        if cursor.peek() == b'[' {
            cursor.open();
            while cursor.more() {
                let start = cursor.position();
                cursor.value();
                elements.push(start..cursor.position());
            }
        }
        elements
    }
}

fn count(flags: &[bool]) -> u32 {
    u32::try_from(flags.iter().filter(|flag| **flag).count()).unwrap_or(u32::MAX)
}

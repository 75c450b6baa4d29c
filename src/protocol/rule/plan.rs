//! The requests that change the rules that X has into the rules it should have.
//!
//! A rule cannot be edited (X API docs: filtered stream): to change a tag, the rule is deleted and added again, and in
//! between X does not match it. The order keeps such gaps short:
//!
//! ```text
//! 1  a rule whose tag changes is deleted right before the request that adds it again
//! 2  missing rules are added; if X has no room, superfluous ones are deleted before, in
//!    full requests and no more of them than needed
//! 3  the remaining superfluous rules are deleted
//! ```
//!
//! So a rule that replaces another is in force before the other is deleted. X accepts 100 changes in 15 minutes; this
//! order needs at most one request more than the rules fill.
//!
//! Law: after any number of the requests, a new plan reaches the same end. Equal sets need no request.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Rule;
use crate::text::escape_controls;

/// Most rules in one request. X publishes no limit for the filtered stream; 100 is that of Powerstream, and every
/// generation of the endpoint accepts it.
pub const RULE_BATCH: usize = 100;

/// X's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Most rules at a time, of this app.
    pub rules: usize,
    /// Most rules in a request.
    pub batch: usize,
}

impl Caps {
    /// `rules` at a time, [`RULE_BATCH`] in a request.
    #[must_use]
    pub const fn new(rules: usize) -> Self {
        Self { rules, batch: RULE_BATCH }
    }
}

/// One `POST /2/tweets/search/stream/rules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleRequest {
    /// Add these rules.
    Add(Vec<Rule>),
    /// Delete these rules.
    Delete(Vec<Rule>),
}

impl RuleRequest {
    /// The rules in the request, at least one.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        match self {
            Self::Add(rules) | Self::Delete(rules) => rules,
        }
    }
}

/// The differences, and the requests that remove them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Rules to add, in their order. A rule with another tag is here and in `delete`.
    pub add: Vec<Rule>,
    /// Rules to delete, as X has them.
    pub delete: Vec<Rule>,
    /// Rules that do not change, as X has them.
    pub keep: Vec<Rule>,
    /// The requests in order; empty if nothing differs, and if there is an `excess`.
    pub requests: Vec<RuleRequest>,
    /// How many rules exceed what X allows.
    pub excess: usize,
}

/// Plans how `current` becomes `wanted`. Of rules with the same value the first counts; X cannot have a second, and one
/// in `current` is deleted.
#[must_use]
pub fn plan(current: &[Rule], wanted: &[Rule], caps: Caps) -> Plan {
    let mut goal: HashMap<&str, &Rule> = HashMap::with_capacity(wanted.len());
    for rule in wanted {
        goal.entry(&rule.value).or_insert(rule);
    }
    let mut plan = Plan { excess: goal.len().saturating_sub(caps.rules), ..Plan::default() };
    let mut there: HashSet<&str> = HashSet::with_capacity(current.len());
    let mut changed: HashMap<&str, &Rule> = HashMap::new();
    let mut gone: VecDeque<Rule> = VecDeque::new();
    for rule in current {
        match goal.get(rule.value.as_str()) {
            Some(other) if there.insert(&rule.value) => {
                if rule.tag() == other.tag() {
                    plan.keep.push(rule.clone());
                } else {
                    changed.insert(&rule.value, rule);
                    plan.delete.push(rule.clone());
                }
            }
            _ => {
                gone.push_back(rule.clone());
                plan.delete.push(rule.clone());
            }
        }
    }
    let mut swaps: Vec<Replacement> = Vec::new();
    let mut fresh: Vec<Replacement> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for rule in wanted.iter().filter(|rule| seen.insert(&rule.value)) {
        let new = Rule { id: None, ..rule.clone() };
        match changed.get(rule.value.as_str()) {
            Some(old) => swaps.push(Replacement { old: Some((*old).clone()), new: new.clone() }),
            None if there.contains(rule.value.as_str()) => continue,
            None => fresh.push(Replacement { old: None, new: new.clone() }),
        }
        plan.add.push(new);
    }
    if plan.excess > 0 {
        return plan;
    }
    let batch = caps.batch.max(1);
    // Changed rules first, so that their deletions fill as few requests as possible.
    swaps.append(&mut fresh);
    let mut batcher = Batcher { size: current.len(), cap: caps.rules, batch, gone, requests: Vec::new() };
    for steps in swaps.chunks(batch) {
        batcher.add(steps);
    }
    while !batcher.gone.is_empty() {
        batcher.delete(Vec::new());
    }
    plan.requests = batcher.requests;
    plan
}

/// A rule to add, and the one to delete before.
struct Replacement {
    old: Option<Rule>,
    new: Rule,
}

/// Fills requests, and counts the rules that X has after them.
struct Batcher {
    size: usize,
    cap: usize,
    batch: usize,
    /// Superfluous rules that are not deleted yet.
    gone: VecDeque<Rule>,
    requests: Vec<RuleRequest>,
}

impl Batcher {
    /// Adds a batch, after deleting the rules it replaces and, if X has no room, superfluous ones.
    fn add(&mut self, steps: &[Replacement]) {
        let old: Vec<Rule> = steps.iter().filter_map(|step| step.old.clone()).collect();
        let mut short = self.short(steps.len() - old.len());
        while short > self.batch - old.len() && !self.gone.is_empty() {
            self.delete(Vec::new());
            short = self.short(steps.len() - old.len());
        }
        if short > 0 {
            self.delete(old);
        } else if !old.is_empty() {
            self.size -= old.len();
            self.requests.push(RuleRequest::Delete(old));
        }
        self.size += steps.len();
        self.requests.push(RuleRequest::Add(steps.iter().map(|step| step.new.clone()).collect()));
    }

    /// How many rules must be deleted before `more` can be added.
    fn short(&self, more: usize) -> usize {
        (self.size + more).saturating_sub(self.cap)
    }

    /// Deletes `rules`, and superfluous ones as far as the request has room.
    fn delete(&mut self, mut rules: Vec<Rule>) {
        let room = (self.batch - rules.len()).min(self.gone.len());
        rules.extend(self.gone.drain(..room));
        if !rules.is_empty() {
            self.size -= rules.len();
            self.requests.push(RuleRequest::Delete(rules));
        }
    }
}

/// The difference as text, one rule per line: `- ` is deleted, `= ` stays, `+ ` is added, then the value, a tab and the
/// tag as in a rule file. Rules that are only deleted come first; a rule with another tag is a `-` line followed by a
/// `+` line. Control characters are escaped, so that the text cannot control a terminal.
#[must_use]
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |mark: char, rule: &Rule| {
        text.push(mark);
        text.push(' ');
        text.push_str(&escape_controls(&rule.value));
        if let Some(tag) = rule.tag() {
            text.push('\t');
            text.push_str(&escape_controls(tag));
        }
        text.push('\n');
    };
    let added: HashSet<&str> = plan.add.iter().map(|rule| rule.value.as_str()).collect();
    let mut changed: HashMap<&str, Vec<&Rule>> = HashMap::new();
    for rule in &plan.delete {
        if added.contains(rule.value.as_str()) {
            changed.entry(&rule.value).or_default().push(rule);
        } else {
            line('-', rule);
        }
    }
    for rule in &plan.keep {
        line('=', rule);
    }
    for rule in &plan.add {
        for old in changed.get(rule.value.as_str()).into_iter().flatten() {
            line('-', old);
        }
        line('+', rule);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// X's rules endpoint: refuses what X refuses.
    #[derive(Clone)]
    struct FakeEndpoint {
        rules: Vec<Rule>,
        next: u32,
        caps: Caps,
    }

    impl FakeEndpoint {
        fn with(rules: &[(u8, u8)], caps: Caps) -> Self {
            let mut endpoint = Self { rules: Vec::new(), next: 1, caps };
            for rule in set(rules) {
                endpoint.store(rule);
            }
            endpoint
        }

        fn store(&mut self, rule: Rule) {
            self.rules.push(Rule { id: Some(self.next.to_string()), ..rule });
            self.next += 1;
        }

        fn take(&mut self, request: &RuleRequest) -> Result<(), String> {
            let count = request.rules().len();
            if count == 0 || count > self.caps.batch {
                return Err(format!("{count} rules in a request"));
            }
            for rule in request.rules() {
                let at = self.rules.iter().position(|other| other.value == rule.value);
                match (request, at) {
                    (RuleRequest::Add(_), None) if self.rules.len() < self.caps.rules => self.store(rule.clone()),
                    (RuleRequest::Delete(_), Some(at)) if self.rules[at].id == rule.id => {
                        self.rules.remove(at);
                    }
                    _ => return Err(format!("{request:?} refused for {}", rule.value)),
                }
            }
            Ok(())
        }

        fn carry_out(&mut self, wanted: &[Rule]) -> Result<(), String> {
            plan(&self.rules, wanted, self.caps).requests.iter().try_for_each(|request| self.take(request))
        }

        fn holds(&self, wanted: &[Rule]) -> bool {
            self.rules.len() == wanted.len()
                && wanted
                    .iter()
                    .all(|rule| self.rules.iter().any(|other| other.value == rule.value && other.tag() == rule.tag()))
        }
    }

    /// Rules of distinct values; tag 0 is none.
    fn set(rules: &[(u8, u8)]) -> Vec<Rule> {
        let mut seen = HashSet::new();
        rules
            .iter()
            .filter(|(value, _)| seen.insert(*value))
            .map(|(value, tag)| Rule::new(format!("v{value}"), (*tag > 0).then(|| format!("t{tag}")).as_deref()))
            .collect()
    }

    fn story(current: &[(u8, u8)], wanted: &[(u8, u8)], caps: Caps) -> String {
        let plan = plan(&FakeEndpoint::with(current, caps).rules, &set(wanted), caps);
        let requests = plan.requests.iter().map(|request| {
            let mark = if matches!(request, RuleRequest::Add(_)) { '+' } else { '-' };
            let values: Vec<&str> = request.rules().iter().map(|rule| &rule.value[1..]).collect();
            format!("{mark}{}", values.join(","))
        });
        requests.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn additions_come_first_where_there_is_room() {
        for (current, wanted, cap, requests) in [
            (&[(1, 0), (2, 1)][..], &[(2, 1), (1, 0)][..], 9, ""),
            (&[(1, 0)], &[(2, 0)], 9, "+2 -1"),
            (&[(1, 0)], &[(2, 0)], 1, "-1 +2"),
            (&[(1, 0)], &[(1, 1)], 1, "-1 +1"),
            // Deleted right before it is added again; superfluous rules last.
            (&[(1, 0), (2, 0)], &[(2, 1), (3, 0)], 9, "-2 +2,3 -1"),
            (&[(1, 0), (2, 0)], &[(2, 1), (3, 0)], 2, "-2,1 +2,3"),
            (&[(1, 0), (2, 0)], &[(2, 1)], 9, "-2 +2 -1"),
            // Full requests, and no more of them than the room requires.
            (&[(1, 0), (2, 0), (3, 0), (4, 0)], &[(5, 0), (6, 0), (7, 0)], 5, "-1,2,3 +5,6,7 -4"),
            (&[(1, 0), (2, 0), (3, 0), (4, 0)], &[(5, 0), (6, 0), (7, 0)], 7, "+5,6,7 -1,2,3 -4"),
            (&[(1, 0), (2, 0), (3, 0), (4, 0)], &[(1, 1), (2, 1), (3, 1), (4, 1)], 9, "-1,2,3 +1,2,3 -4 +4"),
            (&[(1, 0)], &[], 9, "-1"),
            // X has more rules than it allows.
            (&[(1, 0), (2, 0), (3, 0), (4, 0)], &[(5, 0)], 2, "-1,2,3 +5 -4"),
        ] {
            assert_eq!(story(current, wanted, Caps { rules: cap, batch: 3 }), requests, "{current:?} {wanted:?} {cap}");
        }
    }

    #[test]
    fn more_rules_than_allowed_give_no_requests() {
        let plan = plan(&[Rule::new("a", None)], &set(&[(1, 0), (2, 0), (3, 0)]), Caps::new(2));
        assert_eq!((plan.excess, plan.requests.len(), plan.add.len()), (1, 0, 3));
    }

    #[test]
    fn the_difference_is_one_rule_per_line() {
        let current = [Rule::new("gone", None), Rule::new("cat", Some("old")), Rule::new("dog", Some(""))];
        let wanted = [Rule::new("dog", None), Rule::new("cat", Some("new")), Rule::new("\u{1b}[2J", None)];
        let plan = plan(&current, &wanted, Caps::new(9));
        assert_eq!(render(&plan), "- gone\n= dog\n- cat\told\n+ cat\tnew\n+ \\u{1b}[2J\n");
    }

    #[test]
    fn a_large_change_needs_few_requests() {
        let rules = |from: usize, tag: &str| -> Vec<Rule> {
            (from..from + 1000).map(|number| Rule::new(number.to_string(), Some(tag))).collect()
        };
        let requests = |wanted: &[Rule]| plan(&rules(0, "a"), wanted, Caps::new(1000)).requests.len();
        assert_eq!(requests(&rules(1000, "a")), 20);
        assert_eq!(requests(&rules(0, "b")), 20);
        assert_eq!(requests(&rules(500, "b")), 20);
    }

    proptest! {
        #[test]
        fn a_plan_completes_from_wherever_the_last_one_stopped(
            current in prop::collection::vec((0..24_u8, 0..3_u8), 0..24),
            wanted in prop::collection::vec((0..24_u8, 0..3_u8), 0..24),
            room in 0..12_usize,
            batch in 1..6_usize,
        ) {
            let wanted = set(&wanted);
            let caps = Caps { rules: set(&current).len().max(wanted.len()) + room, batch };
            let start = FakeEndpoint::with(&current, caps);
            let whole = plan(&start.rules, &wanted, caps);
            prop_assert_eq!(whole.keep.len() + whole.add.len(), wanted.len());
            prop_assert_eq!(whole.keep.len() + whole.delete.len(), start.rules.len());
            for length in 0..=whole.requests.len() {
                let mut endpoint = start.clone();
                for request in &whole.requests[..length] {
                    endpoint.take(request).map_err(TestCaseError::fail)?;
                }
                prop_assert!(length < whole.requests.len() || endpoint.holds(&wanted));
                endpoint.carry_out(&wanted).map_err(TestCaseError::fail)?;
                prop_assert!(endpoint.holds(&wanted));
                prop_assert!(plan(&endpoint.rules, &wanted, caps).requests.is_empty());
            }
            // The order costs at most one request more than the rules fill.
            let least = whole.add.len().div_ceil(batch) + whole.delete.len().div_ceil(batch);
            prop_assert!(whole.requests.len() <= least + 1, "{} {least}", whole.requests.len());
        }

        #[test]
        fn nothing_is_deleted_before_all_is_added_if_there_is_room(
            current in prop::collection::vec((0..24_u8, 0..3_u8), 0..24),
            wanted in prop::collection::vec((0..24_u8, 0..3_u8), 0..24),
            batch in 1..6_usize,
        ) {
            let (current, wanted) = (set(&current), set(&wanted));
            let plan = plan(&current, &wanted, Caps { rules: 99, batch });
            let values = |rules: &[Rule]| rules.iter().map(|rule| rule.value.clone()).collect::<HashSet<_>>();
            let (there, goal) = (values(&current), values(&wanted));
            let mut gone = false;
            for request in &plan.requests {
                match request {
                    RuleRequest::Add(rules) => prop_assert!(!gone || rules.iter().all(|rule| there.contains(&rule.value))),
                    RuleRequest::Delete(rules) => gone |= rules.iter().any(|rule| !goal.contains(&rule.value)),
                }
            }
        }
    }
}

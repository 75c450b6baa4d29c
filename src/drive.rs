//! The loop: wait for an input, ask the session, carry out the action.
//!
//! Nothing is decided here. What is pending is read before a timer is believed, so after a suspension or a
//! stop the stream speaks first.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::time::{Interval, MissedTickBehavior};

use crate::clock::{Clock, date, rfc3339, same_month};
use crate::inquiry::{self, Inquiry, Question};
use crate::net::dial::{Answer, Dialer};
use crate::net::stream::Stream;
use crate::pipeline::envelope::Stamp;
use crate::pipeline::meter::Period;
use crate::pipeline::{Pipeline, Remark, Seen};
use crate::protocol::disconnect::{Code, Own, TextLine};
use crate::protocol::message::{Ending, Notice};
use crate::protocol::problem::printable;
use crate::session::budget::RESET_MARGIN;
use crate::session::outcome::FAILED;
use crate::session::{Action, At, Event, Failure, Input, Outcome, Received, Session};
use crate::signal::{Arrived, Signals};
use crate::store::state::Store;
use crate::terminal::journal::{self, Journal};
use crate::terminal::status::Status;
use crate::terminal::summary::{self, Total};
use crate::terminal::{StatusMode, Terminal, notice};

/// How often the row is drawn and the reader is looked for. A reader that left a silent stream must be noticed
/// within a second; four looks in that time cost nothing.
const TICK: Duration = Duration::from_millis(250);

/// Output that is gathered before it is written, while more input is ready.
const GATHER: usize = 64 << 10;

/// Input that is read before output is written, however little of it is printed.
const READ_AT_ONCE: usize = 256 << 10;

/// How often a lock that another process holds is tried, and when that is told.
const LOCK_RETRY: Duration = Duration::from_millis(10);
const LOCK_TOLD: Duration = Duration::from_secs(1);

/// Compressed input that is worked through at once. It may inflate a thousandfold, and no more than four MiB of
/// output should wait for a look at the timers and at the room for it.
const GZIP_PORTION: usize = 4 << 10;

/// How often the status is written to the journal, and to stderr where `--status` asks for that.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// How often the meter's counts are shared with the state file.
const METER_EVERY: Duration = Duration::from_secs(10);

/// How long an end by signal may take to hand over what the reader has not taken yet.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the end of a run waits for what X was asked.
const LAST_ANSWER: Duration = Duration::from_secs(2);

/// Active rules that `-v` tells one by one.
const RULES_TOLD: usize = 20;

/// What a run is made of.
pub struct Run {
    /// The clock everything is told by.
    pub clock: Clock,
    /// The state machine.
    pub session: Session,
    /// Bytes to output.
    pub pipeline: Pipeline,
    /// Opens connections.
    pub dialer: Dialer,
    /// stdout and stderr.
    pub terminal: Terminal,
    /// What the row shows.
    pub status: Status,
    /// The host, as people know it.
    pub host: String,
    /// The budget shared with other runs, if it is.
    pub store: Option<Store>,
    /// Where every event is written down.
    pub journal: Option<Journal>,
    /// What X is asked beside the stream, if it has a name there.
    pub inquiry: Option<Inquiry>,
    /// Whether the run ends with a summary of several lines although nobody watches.
    pub summary: bool,
    /// Bytes that may wait for the reader.
    pub buffer: usize,
    /// When the time asked for is over.
    pub deadline: Option<Duration>,
    /// What people should know when the stream opens for the first time.
    pub opened: Option<&'static str>,
    /// What people should know when it is refused for want of access.
    pub denied: Option<&'static str>,
}

/// What comes beside the stream: signals, the tick, answers of X's API.
struct Interrupts {
    signals: Signals,
    tick: Interval,
    inquiry: Option<Inquiry>,
    answered: Option<inquiry::Answer>,
}

impl Interrupts {
    fn new(inquiry: Option<Inquiry>) -> io::Result<Interrupts> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Interrupts { signals: Signals::new()?, tick, inquiry, answered: None })
    }
}

/// The run as it goes.
struct Drive {
    run: Run,
    interrupts: Interrupts,
    stream: Option<Stream>,
    /// What was read and not worked through yet.
    rest: Bytes,
    /// Inputs that follow from the last one read.
    pending: VecDeque<Input>,
    /// Whether the socket is not read because the buffer is full.
    blocked: bool,
    out: Vec<u8>,
    total: Total,
    /// When the meter is due to share its counts, on the steady clock.
    meter_due: Duration,
    /// When the next status record is due, on the steady clock.
    status_due: Duration,
    /// Whether the journal or the meter's file failed, which costs the run its clean exit status.
    file_failed: bool,
}

/// Follows the stream to its end; returns the exit status.
///
/// # Errors
/// The signals cannot be handled.
pub async fn drive(mut run: Run) -> io::Result<u8> {
    let mut drive = Drive {
        interrupts: Interrupts::new(run.inquiry.take())?,
        run,
        stream: None,
        rest: Bytes::new(),
        pending: VecDeque::from([Input::Started]),
        blocked: false,
        out: Vec::new(),
        total: Total::default(),
        meter_due: Duration::ZERO,
        status_due: Duration::ZERO,
        file_failed: false,
    };
    let start = journal::start(drive.run.status.stream(), &drive.run.host);
    drive.write_down(start);
    let outcome = drive.follow().await;
    Ok(drive.finish(outcome).await)
}

impl Drive {
    async fn follow(&mut self) -> Outcome {
        let mut action = Action::Dial;
        loop {
            let input = if let Some(input) = self.pending.pop_front() {
                input
            } else {
                self.report();
                self.carry_out(&action).await
            };
            let input = self.within_quota(input);
            let mut events = Vec::new();
            action = self.decide(input, &mut events).await;
            let leaving = !matches!(action, Action::Listen { .. });
            if leaving && !matches!(action, Action::Stop(_)) {
                self.discard();
            }
            self.tell(&events);
            if matches!(action, Action::Stop(_)) {
                // Whatever takes time from here on, a terminal that keeps up is whole already.
                self.run.terminal.begin_release();
            }
            if leaving {
                self.hang_up().await;
            }
            if let Action::Stop(outcome) = action {
                return outcome;
            }
        }
    }

    /// Keeps the meter's day, shares its counts when that is due, and says when the quota is spent: before a dial, and
    /// after what was received, which is dealt with first.
    fn within_quota(&mut self, input: Input) -> Input {
        let now = self.run.clock.now();
        self.turn_meter(now);
        if now.steady >= self.meter_due && self.share_meter() {
            self.meter_due = now.steady + METER_EVERY;
        }
        let Some(meter) = self.run.pipeline.meter() else { return input };
        let reading = meter.reading();
        self.run.status.set_quota(reading);
        self.total.quota = reading;
        let Some(reading) = reading.filter(|_| meter.spent()) else { return input };
        let spent = Input::QuotaSpent { detail: summary::spent(&reading), turns: next_turn(now, reading.quota.period) };
        match input {
            Input::Started | Input::Elapsed => spent,
            Input::Received(_) => {
                self.pending.push_back(spent);
                input
            }
            input => input,
        }
    }

    /// Begins another day of the meter when the UTC day has turned.
    fn turn_meter(&mut self, now: At) {
        let day = now.wall.as_secs() / DAY;
        let Some(counted) = self.run.pipeline.meter().map(|meter| meter.day()).filter(|counted| *counted != day) else {
            return;
        };
        self.share_meter();
        if let Some(meter) = self.run.pipeline.meter() {
            meter.turn(day, same_month(&date(counted), &date(day)));
        }
        self.meter_due = Duration::ZERO;
    }

    /// Brings the meter and the state file to one count; false while another process holds the file.
    fn share_meter(&mut self) -> bool {
        let Run { store: Some(store), pipeline, terminal, .. } = &mut self.run else { return true };
        let Some(meter) = pipeline.meter().filter(|_| !self.file_failed) else { return true };
        let result = match store.hold() {
            Ok(Some(held)) => held.sync(meter),
            Ok(None) => return false,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            self.file_failed = true;
            terminal.insist(&format!("sharing the meter: {error:#}; the run goes on and counts by itself"));
        }
        true
    }

    /// Asks the session. Where the budget is shared, it is held while the session may spend of it.
    async fn decide(&mut self, mut input: Input, events: &mut Vec<Event>) -> Action {
        let Run { session, clock, store, terminal, status, deadline, .. } = &mut self.run;
        let began = clock.now();
        let mut told = false;
        let held = loop {
            let Some(store) = store else { break None };
            if !session.may_spend(&input) {
                break None;
            }
            match store.hold() {
                Ok(Some(held)) => break Some(held),
                Ok(None) => {}
                Err(error) => input = Input::Unwritable(format!("{error:#}")),
            }
            if !told && clock.now().since(began) >= LOCK_TOLD {
                told = true;
                terminal.say(&format!("waiting for another process that holds {}", store.lock().display()));
            }
            tokio::select! {
                biased;
                interrupted = interrupt_with(&mut self.interrupts, terminal, status, clock, *deadline) => {
                    input = interrupted.unwrap_or(input);
                }
                () = tokio::time::sleep(LOCK_RETRY) => {}
            }
        };
        let now = clock.now();
        let Some(held) = held else { return session.handle(now, input, events) };
        session.budget().load(now, held.budget());
        let action = session.handle(now, input, events);
        match held.save(&session.budget().share()) {
            Ok(()) => action,
            Err(error) => session.handle(now, Input::Unwritable(format!("{error:#}")), events),
        }
    }

    fn tell(&mut self, events: &[Event]) {
        let now = self.run.clock.now();
        for event in events {
            self.run.status.note(now, event);
            self.total.note(now, event);
            if let Event::Dialling { .. } = event {
                let (spent, allowed) = self.run.session.budget().count(now);
                log::info!("this is request {spent} of {allowed} in any 15 minutes");
            }
            if let Some(decision) = notice::decision(event) {
                log::info!("{decision}");
            }
            self.inquire(now, event, events);
            if let Some(record) = journal::record(event) {
                self.write_down(record);
            }
            let Some(mut line) = notice::line(event, &self.run.host) else {
                continue;
            };
            // What is known about this very stream is truer than what its code means in general.
            if let (Some(text), Some(what)) = (self.run.denied, denied(event)) {
                line = what.replace("{why}", text);
            }
            let hint = self.run.opened.take_if(|_| matches!(event, Event::Opened { .. }));
            match event {
                Event::Stopped(outcome) if outcome.code() != 0 && !matches!(outcome, Outcome::Signalled(_)) => {
                    self.run.terminal.insist(&line);
                }
                _ => self.run.terminal.say(&line),
            }
            if let Some(hint) = hint {
                self.run.terminal.say(hint);
            }
        }
    }

    /// Asks X about an ending that only X can explain: who holds the slot, or why it ended the connection. The reason is
    /// asked only by a run that goes on: a script that starts run after run must not ask with each.
    fn inquire(&mut self, now: At, event: &Event, events: &[Event]) {
        let Some(inquiry) = &mut self.interrupts.inquiry else { return };
        let Event::Ended { connection, ending, opened, lived, .. } = event else { return };
        let slot = matches!(&ending.code, Code::Issue(name) if name == "TooManyConnections")
            || ending.code == Code::Text(TextLine::ConnectionLimit);
        if slot {
            inquiry.ask(now, Question::Holders { free: false });
        } else if *opened
            && !events.iter().any(|event| matches!(event, Event::Stopped(_)))
            && ending.code != Code::Own(Own::Quota)
        {
            inquiry.ask(now, Question::Reason { connection: *connection, opened: *lived });
        }
    }

    fn tell_answer(&mut self) {
        match self.interrupts.answered.take() {
            Some(inquiry::Answer::Holders { holders, freed }) => {
                self.tell(&[Event::Held { by: holders, freed }]);
            }
            Some(inquiry::Answer::Reason { connection, reason }) => {
                self.tell(&[Event::Reason { connection, reason }]);
            }
            Some(inquiry::Answer::Rules(rules)) => {
                for rule in rules.iter().take(RULES_TOLD) {
                    let tag = rule.tag.as_ref().map_or(String::new(), |tag| format!(" (tag {})", printable(tag, 60)));
                    log::info!("active rule: {}{tag}", printable(&rule.value, 120));
                }
                if rules.len() > RULES_TOLD {
                    log::info!("and {} more active rules: xstream rules list", rules.len() - RULES_TOLD);
                }
            }
            Some(inquiry::Answer::Nothing) | None => {}
        }
    }

    /// Appends a record to the journal, if there is one. A journal that fails is told once and costs no post.
    fn write_down(&mut self, record: serde_json::Value) {
        let Some(journal) = &mut self.run.journal else { return };
        let (now, connection) = (self.run.clock.now(), self.run.session.connection());
        if let Err(error) = journal.write(now, connection, record) {
            self.run.journal = None;
            self.file_failed = true;
            self.run.terminal.insist(&format!("writing the journal: {error}; the run goes on without it"));
        }
    }

    /// Tells what X answered, and writes the status where it is wanted, every ten seconds.
    fn report(&mut self) {
        self.tell_answer();
        let now = self.run.clock.now();
        if now.steady < self.status_due {
            return;
        }
        let first = self.status_due.is_zero();
        self.status_due = now.steady + STATUS_EVERY;
        if first {
            return;
        }
        match self.run.terminal.status_mode() {
            StatusMode::Json => {
                let mut values = self.run.status.values(now);
                values["at"] = rfc3339(now.wall).into();
                values["connection"] = self.run.session.connection().into();
                self.run.terminal.record(&values.to_string());
            }
            StatusMode::Line => {
                let line = self.run.status.render(now, usize::MAX, false);
                self.run.terminal.say(&line);
            }
            StatusMode::Auto | StatusMode::Off => {}
        }
        let values = self.run.status.values(now);
        self.write_down(values);
    }

    /// Of a line that is not finished when we leave nothing more will come; that is told once.
    fn discard(&mut self) {
        if self.stream.is_some() {
            let mut seen = Seen::default();
            self.run.pipeline.finish(&mut self.out, &mut seen);
            self.total.received(self.run.clock.now(), 0, &seen);
            self.flush();
            self.tell_remarks(&mut seen);
        }
    }

    /// Closes the connection that the session has done with.
    async fn hang_up(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.blocked = false;
            self.rest.clear();
            self.pending.clear();
            tokio::select! {
                () = stream.close() => {}
                arrived = self.interrupts.signals.next() => match arrived {
                    Arrived::End(signal) => {
                        self.run.terminal.begin_release();
                        self.pending.push_back(Input::Signalled(signal));
                    }
                    Arrived::Stop => self.run.terminal.suspend(),
                    Arrived::Resize | Arrived::Report => {}
                },
            }
        }
    }

    async fn carry_out(&mut self, action: &Action) -> Input {
        match action {
            Action::Dial => Box::pin(self.dial()).await,
            Action::Listen { until } => self.listen(*until).await,
            Action::Sleep { until } => loop {
                let clock = self.run.clock;
                tokio::select! {
                    biased;
                    input = interrupt(&mut self.interrupts, &mut self.run) => {
                        if let Some(input) = input {
                            return input;
                        }
                        self.report();
                        if clock.now().steady >= until.steady {
                            return Input::Elapsed;
                        }
                    }
                    () = clock.sleep_until(*until) => return Input::Elapsed,
                }
            },
            Action::Stop(outcome) => unreachable!("{outcome:?} has been returned"),
        }
    }

    async fn dial(&mut self) -> Input {
        let (input, sent) = Box::pin(self.dial_once()).await;
        if !sent {
            self.give_back();
        }
        input
    }

    /// Dials; false with an interruption before the request was sent.
    async fn dial_once(&mut self) -> (Input, bool) {
        let Run { dialer, pipeline, terminal, status, clock, deadline, .. } = &mut self.run;
        let cancel = tokio::sync::Notify::new();
        let mut dialling = std::pin::pin!(dialer.dial(&cancel));
        loop {
            tokio::select! {
                biased;
                input = interrupt_with(&mut self.interrupts, terminal, status, clock, *deadline) => {
                    if let Some(input) = input {
                        // What is open by now is closed properly, in little time.
                        terminal.begin_release();
                        cancel.notify_one();
                        return match tokio::time::timeout(LAST_WORDS, dialling).await {
                            Ok(Answer::Opened(_, stream)) => {
                                stream.close().await;
                                (input, true)
                            }
                            Ok(Answer::Failed(failure)) => (input, failure.sent),
                            Ok(Answer::Refused(_)) | Err(_) => (input, true),
                        };
                    }
                }
                answer = &mut dialling => return match answer {
                    Answer::Opened(head, stream) => {
                        pipeline.begin(stream.gzip, false);
                        self.stream = Some(*stream);
                        (Input::Opened(head), true)
                    }
                    Answer::Refused(refusal) => (Input::Refused(refusal), true),
                    Answer::Failed(failure) => (Input::Failed(failure), true),
                },
            }
        }
    }

    /// Gives back a request that was interrupted before it was sent. A lock that is not free is not waited for: then
    /// one request too many is counted, which harms nobody.
    fn give_back(&mut self) {
        let Run { session, clock, store, .. } = &mut self.run;
        let held = store.as_ref().and_then(|store| store.hold().ok().flatten());
        if let Some(held) = &held {
            session.budget().load(clock.now(), held.budget());
        }
        session.budget().give_back();
        if let Some(held) = held {
            // The run is ending; a file that cannot be written was told before, or will be by the next run.
            let _ = held.save(&session.budget().share());
        }
    }

    async fn listen(&mut self, until: Option<At>) -> Input {
        let clock = self.run.clock;
        loop {
            let backlog = self.run.terminal.backlog();
            if !self.blocked && backlog >= self.run.buffer {
                self.blocked = true;
                return Input::Blocked;
            }
            // Half empty before reading goes on, or every byte the reader takes would be an event.
            if self.blocked && backlog <= self.run.buffer / 2 {
                self.blocked = false;
                return Input::Unblocked;
            }
            let Some(stream) = self.stream.as_mut() else {
                unreachable!("listening without a stream");
            };
            tokio::select! {
                biased;
                input = interrupt(&mut self.interrupts, &mut self.run) => match input {
                    Some(input) => return input,
                    None => self.report(),
                },
                chunk = next(&mut self.rest, stream), if !self.blocked => {
                    if let Some(input) = self.receive(chunk).await {
                        return input;
                    }
                }
                () = async { match until { Some(until) => clock.sleep_until(until).await, None => pending().await } } => {
                    if self.blocked {
                        return Input::Elapsed;
                    }
                    // After a stop or a suspension the timers may be seen before the socket is: it gets a turn.
                    tokio::task::yield_now().await;
                    match stream.ready().await {
                        Some(chunk) => {
                            if let Some(input) = self.receive(chunk).await {
                                return input;
                            }
                        }
                        None => return Input::Elapsed,
                    }
                }
            }
        }
    }

    /// Takes in a chunk and all that is ready behind it, so that a burst costs few writes and a lone post none
    /// of waiting.
    async fn receive(&mut self, first: Chunk) -> Option<Input> {
        let now = self.run.clock.now();
        if self.run.pipeline.annotates() {
            let at = rfc3339(now.wall);
            self.run.pipeline.stamp(Stamp { at, connection: self.run.session.connection() });
        }
        let mut seen = Seen::default();
        let mut next = Some(first);
        let mut read = 0;
        let mut closed = None;
        while let Some(chunk) = next.take() {
            match chunk {
                Some(Ok(mut bytes)) => {
                    if self.stream.as_ref()?.gzip && bytes.len() > GZIP_PORTION {
                        self.rest = bytes.split_off(GZIP_PORTION);
                    }
                    read += bytes.len();
                    if let Err(error) = self.run.pipeline.push(&bytes, &mut self.out, &mut seen) {
                        let detail = format!("what came is not the gzip it was announced as: {error}");
                        closed = Some(Failure { own: Own::Gzip, detail, sent: true });
                    } else if !seen.full
                        && seen.beyond == 0
                        && self.out.len() < GATHER
                        && read < READ_AT_ONCE
                        && self.rest.is_empty()
                    {
                        next = self.stream.as_mut()?.ready().await;
                    }
                }
                Some(Err(failure)) => closed = Some(failure),
                None => {
                    closed = Some(Failure { own: Own::Eof, detail: String::new(), sent: true });
                }
            }
        }
        if read >= READ_AT_ONCE || !self.rest.is_empty() {
            // Bytes that are always at hand would starve the timers and signals of the runtime.
            tokio::task::yield_now().await;
        }
        if closed.is_some() {
            self.run.pipeline.finish(&mut self.out, &mut seen);
        }
        self.total.received(now, read as u64, &seen);
        if let Some(input) = self.flush() {
            return Some(input);
        }
        self.tell_remarks(&mut seen);
        let full = seen.full;
        if read > 0 || seen.lines > 0 {
            self.run.status.received(now, seen.posts, &seen.last_id);
            self.pending.push_back(Input::Received(Received {
                bytes: read as u64,
                delivered: seen.delivered,
                undelivered: seen.undelivered,
                lines: seen.lines,
                posts: seen.posts,
                first_id: seen.first_id,
                last_id: seen.last_id,
                unfinished: self.run.pipeline.unfinished(),
                // Enough is enough: what ends the stream after the last message is not waited out.
                ending: seen.ending.filter(|_| !full),
            }));
        }
        if full {
            self.pending.push_back(Input::Filled);
        } else if let Some(failure) = closed {
            self.pending.push_back(Input::Closed(failure));
        }
        self.pending.pop_front()
    }

    fn tell_remarks(&mut self, seen: &mut Seen) {
        let mut events = Vec::new();
        for remark in seen.remarks.drain(..) {
            // One ending is told when it ends the stream; further ones would be told nowhere.
            if let Remark::Notice(Notice::Ending(ending)) = &remark
                && seen.ending.as_ref() != Some(ending)
            {
                self.run.terminal.say(&notice::notice(&Notice::Ending(ending.clone())));
            }
            events.push(Event::Remark(remark));
        }
        let count = seen.unremarked + seen.unremarked_notices;
        if count > 0 {
            events.push(Event::Unremarked { count });
        }
        self.tell(&events);
    }

    /// Hands the output to the terminal; an input if that shows that the run is over.
    fn flush(&mut self) -> Option<Input> {
        if self.out.is_empty() {
            return None;
        }
        let result = self.run.terminal.print(&self.out);
        self.out.clear();
        self.out.shrink_to(1 << 20);
        result.err().map(|error| of_output(&error))
    }

    /// Hands over what the reader has not taken, then says the last line and leaves the terminal whole.
    async fn finish(&mut self, mut outcome: Outcome) -> u8 {
        let patient = !matches!(outcome, Outcome::Signalled(_));
        if !patient {
            self.run.terminal.hurry();
        }
        let gone = matches!(outcome, Outcome::ReaderLeft | Outcome::Failed(_));
        if patient && !gone && self.interrupts.inquiry.as_ref().is_some_and(Inquiry::is_asking) {
            // Whoever reads that the slot is taken wants to know by whom, also when the run ends with it.
            tokio::select! {
                answer = answer(&mut self.interrupts.inquiry) => self.interrupts.answered = Some(answer),
                () = tokio::time::sleep(LAST_ANSWER) => {}
                arrived = self.interrupts.signals.next() => if let Arrived::End(signal) = arrived {
                    outcome = Outcome::Signalled(signal);
                },
            }
            self.tell_answer();
        }
        // A run that is over has no state to show, and nobody draws while the reader takes the rest.
        self.run.terminal.release();
        let limit = tokio::time::sleep(LAST_WORDS);
        tokio::pin!(limit);
        while !gone && self.run.terminal.backlog() > 0 && !self.run.terminal.reader_left() {
            tokio::select! {
                // A second signal, or the first during a long goodbye, is not asked twice.
                arrived = self.interrupts.signals.next() => match arrived {
                    Arrived::End(signal) => {
                        outcome = Outcome::Signalled(signal);
                        break;
                    }
                    Arrived::Stop => self.run.terminal.suspend(),
                    Arrived::Resize | Arrived::Report => {}
                },
                () = &mut limit, if !patient => break,
                result = self.run.terminal.drain() => if result.is_err() { break },
                _ = self.interrupts.tick.tick() => {}
            }
        }
        // The runs that follow count on from here; a file that stays locked is not waited for.
        let began = self.run.clock.now();
        while !self.share_meter() && self.run.clock.now().since(began) < LAST_WORDS {
            tokio::time::sleep(LOCK_RETRY).await;
        }
        let left = self.run.terminal.backlog();
        if left > 0 && !gone && !self.run.terminal.reader_left() {
            self.run.terminal.say(&format!(
                "{left} bytes of output were not taken by the reader and are lost; its last line may be cut"
            ));
        }
        if !gone {
            let lasted = self.run.clock.elapsed();
            if self.run.summary || self.run.terminal.is_watched() {
                for line in self.total.lines(lasted) {
                    self.run.terminal.say(&line);
                }
            } else {
                self.run.terminal.say(&self.total.line(lasted));
            }
        }
        let exit = match outcome.code() {
            0 if self.file_failed => FAILED,
            code => code,
        };
        let record = journal::end(&outcome, exit, &self.total);
        self.write_down(record);
        // The last words do not fall into a line that the reader is about to print.
        tokio::select! {
            () = self.run.terminal.settle() => {}
            () = &mut limit, if !patient => {}
            _ = self.interrupts.signals.next() => {}
        }
        self.run.terminal.close();
        exit
    }
}

/// Whether an event tells that access is denied, and how its line begins.
fn denied(event: &Event) -> Option<String> {
    let status = |ending: &Ending| match ending.code {
        Code::Status(status @ (401 | 403)) => Some(status),
        _ => None,
    };
    match event {
        Event::Ended { ending, .. } => {
            status(ending).map(|status| format!("no stream: {status}, this stream is not to be had"))
        }
        Event::Stopped(Outcome::Refused(ending)) => status(ending).map(|_| "stopped, X refuses: {why}".to_owned()),
        _ => None,
    }
}

/// Seconds of a UTC day.
const DAY: u64 = 86_400;

/// When a quota's period turns, and a little later: X's clock may be behind ours.
fn next_turn(now: At, period: Period) -> At {
    let today = now.wall.as_secs() / DAY;
    let mut day = today + 1;
    while period == Period::Month && same_month(&date(today), &date(day)) {
        day += 1;
    }
    let turn = Duration::from_secs(day * DAY) + RESET_MARGIN;
    At { wall: turn, steady: now.steady + turn.saturating_sub(now.wall) }
}

/// Bytes of the stream, a failure, or its end.
type Chunk = Option<Result<Bytes, Failure>>;

/// What is left of the last chunk, else the next one.
async fn next(rest: &mut Bytes, stream: &mut Stream) -> Chunk {
    if rest.is_empty() {
        return stream.next().await;
    }
    Some(Ok(std::mem::take(rest)))
}

fn of_output(error: &io::Error) -> Input {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Input::ReaderLeft
    } else {
        Input::Unwritable(format!("writing to stdout: {error}"))
    }
}

async fn answer(inquiry: &mut Option<Inquiry>) -> inquiry::Answer {
    match inquiry {
        Some(inquiry) => inquiry.answer().await,
        None => pending().await,
    }
}

async fn interrupt(interrupts: &mut Interrupts, run: &mut Run) -> Option<Input> {
    run.status.set_rate(run.session.rate(run.clock.now()));
    interrupt_with(interrupts, &mut run.terminal, &mut run.status, &run.clock, run.deadline).await
}

/// Waits for a signal, the tick, or room for output. Nothing: have another look.
async fn interrupt_with(
    interrupts: &mut Interrupts,
    terminal: &mut Terminal,
    status: &mut Status,
    clock: &Clock,
    deadline: Option<Duration>,
) -> Option<Input> {
    let Interrupts { signals, tick, inquiry, answered } = interrupts;
    let input = tokio::select! {
        biased;
        arrived = signals.next() => match arrived {
            Arrived::End(signal) => return Some(Input::Signalled(signal)),
            Arrived::Stop => {
                terminal.suspend();
                None
            }
            Arrived::Resize => None,
            Arrived::Report => {
                terminal.insist(&status.render(clock.now(), usize::MAX, false));
                None
            }
        },
        _ = tick.tick() => {
            if terminal.reader_left() {
                return Some(Input::ReaderLeft);
            }
            None
        }
        result = terminal.drain() => result.err().map(|error| of_output(&error)),
        answer = answer(inquiry) => {
            *answered = Some(answer);
            None
        }
        () = clock.over(deadline) => None,
    };
    let now = clock.now();
    if input.is_none() && deadline.is_some_and(|deadline| clock.elapsed() >= deadline) {
        return Some(Input::TimeUp);
    }
    status.set_backlog(terminal.backlog());
    terminal.refresh(|width, color| status.render(now, width, color));
    input
}

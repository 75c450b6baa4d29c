//! The event loop on a fake network: no socket, no signal, pipes for stdout and stderr.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Bytes;

use super::link::{Attempt, Background, Chunk, Link, Network};
use super::{Run, follow};
use crate::clock::Clock;
use crate::net::dial::DialOutcome;
use crate::pipeline::filter::Filter;
use crate::pipeline::select::{SelectOptions, Selector};
use crate::protocol::disconnect::LocalCause;
use crate::protocol::request::Request;
use crate::redact::Redactor;
use crate::session::{ArchiveMode, Failure, Head, RunOptions, Supervisor};
use crate::terminal::signal::Signals;
use crate::terminal::{Color, StatusMode, Terminal, TerminalOptions};

/// What a connection delivers, step by step; then it ends, or is silent.
#[derive(Clone)]
enum FakeStep {
    Bytes(&'static str),
    Fail(LocalCause),
    Silence,
}

/// A network that answers each dial with the next of these connections, and refuses further ones.
#[derive(Clone, Default)]
struct Fake {
    connections: Rc<RefCell<VecDeque<Vec<FakeStep>>>>,
    /// What happened, in order.
    log: Rc<RefCell<Vec<&'static str>>>,
}

struct FakeAttempt(Fake);

struct FakeLink {
    steps: VecDeque<FakeStep>,
    log: Rc<RefCell<Vec<&'static str>>>,
}

impl Network for Fake {
    type Link = FakeLink;
    type Attempt = FakeAttempt;

    fn dial(&self, _: &Request) -> FakeAttempt {
        self.log.borrow_mut().push("dial");
        FakeAttempt(self.clone())
    }
}

impl Future for FakeAttempt {
    type Output = DialOutcome<FakeLink>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<DialOutcome<FakeLink>> {
        let Fake { connections, log } = &self.0;
        Poll::Ready(match connections.borrow_mut().pop_front() {
            Some(steps) => DialOutcome::Opened(Head::default(), FakeLink { steps: steps.into(), log: Rc::clone(log) }),
            None => DialOutcome::Failed(Failure {
                cause: LocalCause::Certificate,
                detail: "no more".to_owned(),
                sent: false,
            }),
        })
    }
}

impl Attempt for FakeAttempt {
    type Link = FakeLink;

    fn cancel(self) -> (bool, Background<()>) {
        (false, Box::pin(std::future::ready(())))
    }
}

impl Link for FakeLink {
    fn is_gzip(&self) -> bool {
        false
    }

    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Chunk> {
        Poll::Ready(match self.steps.front() {
            Some(FakeStep::Silence) => return Poll::Pending,
            Some(FakeStep::Bytes(_)) => match self.steps.pop_front() {
                Some(FakeStep::Bytes(text)) => Some(Ok(Bytes::from_static(text.as_bytes()))),
                _ => None,
            },
            Some(FakeStep::Fail(cause)) => Some(Err(Failure { cause: *cause, detail: String::new(), sent: true })),
            None => None,
        })
    }

    fn close(self) -> Background<()> {
        self.log.borrow_mut().push("close");
        Box::pin(std::future::ready(()))
    }
}

const POST: &str = "{\"data\":{\"id\":\"1\",\"text\":\"one\"}}\n";

/// Follows the connections to the end: the exit status, stdout, stderr, and what the network saw.
fn play(
    connections: &[&[FakeStep]],
    max: Option<u64>,
    deadline: Option<Duration>,
) -> (u8, String, String, Vec<&'static str>) {
    let network = Fake {
        connections: Rc::new(RefCell::new(connections.iter().map(|steps| steps.to_vec()).collect())),
        log: Rc::default(),
    };
    let log = Rc::clone(&network.log);
    let (out, out_writer) = rustix::pipe::pipe().expect("a pipe");
    let (err, err_writer) = rustix::pipe::pipe().expect("a pipe");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let status = runtime.block_on(async {
        let clock = Clock::new(1000);
        let options = TerminalOptions { quiet: false, status: StatusMode::Off, color: Color::Never };
        let terminal =
            Terminal::on(out_writer.as_fd(), err_writer.as_fd(), options, 1 << 20, Redactor::default()).expect("pipes");
        let supervisor = Supervisor::new(RunOptions {
            request: Request::default(),
            keep_alive: Duration::from_secs(20),
            stall: Duration::from_secs(30),
            requests: 50,
            max_retries: Some(3),
            reconnect: true,
            finite: false,
            quota_wait: false,
            deadline: deadline.map(|deadline| clock.now().after(deadline)),
            has_state: false,
            archive: ArchiveMode::Off,
            is_listed: false,
            list_rules: false,
            take_over: false,
            explains_end: true,
            speed: 1000,
            seed: 1,
        });
        let selector = Selector::new(SelectOptions { max, ..SelectOptions::new(Filter::new(&[], &[])) });
        let run = Run {
            clock,
            network,
            terminal,
            stream: "filtered".into(),
            keep_alive: Duration::from_secs(20),
            host: "a fake".to_owned(),
            framed: false,
            store: None,
            journal: None,
            archive: None,
            lookup: None,
            summary: false,
            buffer: 1 << 20,
            opened: None,
            denied: None,
        };
        follow(run, supervisor, selector, Signals::none(), Vec::new()).await
    });
    drop((out_writer, err_writer));
    let read = |pipe: OwnedFd| {
        let mut text = String::new();
        std::fs::File::from(pipe).read_to_string(&mut text).expect("text");
        text
    };
    let log = log.borrow().clone();
    (status, read(out), read(err), log)
}

#[test]
fn connections_follow_each_other_and_each_is_closed_before_the_end() {
    use FakeStep::{Bytes, Fail, Silence};
    let (status, out, _, log) = play(
        &[&[Bytes(POST), Bytes("\n"), Fail(LocalCause::Reset)], &[Bytes(POST), Bytes(POST), Silence]],
        Some(3),
        None,
    );
    assert_eq!((status, out), (0, POST.repeat(3)));
    assert_eq!(log, ["dial", "close", "dial", "close"]);
}

#[test]
fn a_silent_connection_ends_by_its_stall_and_the_run_by_its_deadline() {
    let (status, out, _, log) =
        play(&[[FakeStep::Bytes(POST), FakeStep::Silence].as_slice(); 20], None, Some(Duration::from_secs(100)));
    assert_eq!(status, 0);
    assert!(log.len() >= 4, "it was dialled again after each stall: {log:?}");
    assert_eq!(log.iter().filter(|entry| **entry == "dial").count(), log.len() / 2, "{log:?}");
    assert_eq!(out, POST.repeat(log.len() / 2));
}

#[test]
fn what_no_retry_mends_ends_the_run_with_3_and_half_a_line_is_not_printed() {
    let (status, out, err, _) = play(&[&[FakeStep::Bytes(POST), FakeStep::Bytes("{\"data\":{\"id\"")]], None, None);
    assert_eq!((status, out), (3, POST.to_owned()));
    assert!(err.contains("first 13 bytes"), "{err}");
}

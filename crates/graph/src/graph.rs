//! The graph: protocols, the edges between them, and the wrappers through which everything between two of them goes.
//!
//! A message goes through it on the stack of whoever brought it: each step is carried out at once, deepest first, as if
//! protocols called each other; but between two steps no lock is held and nothing of either protocol is on the stack. There
//! [`Crossings`] are asked whether it goes on there, and may keep it for another thread ([`Graph::carry_out`]).
//!
//! Invariants: a protocol's lock is never held while another's lock *above* it is taken. The order of steps of one message
//! is that of the decisions. Nothing here reads a clock, but after a handler that may have waited, and that is one that it was given
//! ([`Graph::set_clock`]).

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use core::time::Duration;

use crate::anchor::{Anchor, Inbox};
use crate::crossings::{Annotations, Crossing, Crossings, Handoff, Passage};
use crate::drive::{Asleep, Attendance, Receivers, Sleepers, Wires};
use crate::event::{Cancel, EventId, Events, Time};
use crate::handler::Handler;
use crate::message::Message;
use crate::participants::Participants;
use crate::protocol::{
    Answer, CallError, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Ticket, Upper,
};

/// A protocol in its place, before the graph is made.
pub struct Part {
    /// Its name in the file.
    pub name: String,
    /// The kind of protocol.
    pub kind: &'static str,
    /// The protocol.
    pub core: Box<dyn Protocol>,
    /// What is below it, in the file's order, with what is said of the edges.
    pub below: Vec<(Node, Annotations)>,
}

impl core::fmt::Debug for Part {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Part").field("name", &self.name).field("below", &self.below).finish_non_exhaustive()
    }
}

/// Why a graph did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{node} could not start: {error}")]
pub struct StartError {
    /// Which protocol, by its name in the file.
    pub node: String,
    /// What it could not open.
    pub error: OpenError,
}

/// Work that nobody carries out at this moment: a message that has arrived, or one that is to go on above an edge.
#[derive(Debug)]
pub struct Work {
    steps: Vec<Step>,
    /// The hook has had its say about the first step.
    has_crossed: bool,
}

impl Work {
    /// Whether a message goes up in it.
    pub(crate) fn goes_up(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Deliver { .. }))
    }
}

/// A graph of protocols.
pub struct Graph {
    nodes: Vec<Place>,
    numbers: HashMap<(Node, Node), u32>,
    events: Mutex<Events<(Node, u64)>>,
    calls: Mutex<Calls>,
    crossings: Option<Box<dyn Crossings>>,
    clock: Option<fn() -> Time>,
    /// When the next event is due, in nanoseconds; the greatest number if there is none. Written under the lock of `events`, and only a
    /// hint without it.
    next: AtomicU64,
    pub(crate) wires: Wires,
    pub(crate) sleepers: Sleepers,
    pub(crate) receivers: Receivers,
    pub(crate) asleep: Asleep,
    pub(crate) attendance: Attendance,
}

struct Place {
    name: String,
    kind: &'static str,
    below: Vec<Edge>,
    inbox: Option<Arc<Inbox>>,
    handler: OnceLock<Handler>,
    state: Mutex<State>,
}

struct Edge {
    lower: Node,
    annotations: Annotations,
    handoff: Handoff,
}

struct State {
    core: Box<dyn Protocol>,
    counts: Counts,
}

/// Counts by name. A protocol has few names, each a constant: comparing addresses finds almost all.
#[derive(Debug, Default)]
struct Counts(Vec<(&'static str, u64)>);

impl Counts {
    fn add(&mut self, name: &'static str) {
        let same = |other: &str| core::ptr::eq(other, name) || other == name;
        match self.0.iter_mut().find(|(other, _)| same(other)) {
            Some((_, count)) => *count += 1,
            None => self.0.push((name, 1)),
        }
    }
}

thread_local! {
    /// Steps of a message, when there is none: so that one on its way allocates nothing.
    static SPARE: Cell<Vec<Step>> = const { Cell::new(Vec::new()) };
}

#[derive(Debug, Default)]
struct Calls {
    number: u64,
    // Few at a time, and asked for on each turn of whoever waits.
    answers: BTreeMap<Ticket, Option<Result<Message, CallError>>>,
}

/// A decision of a protocol.
#[derive(Debug)]
enum Step {
    Push { session: Session, message: Message },
    Deliver { to: Node, from: Session, message: Message },
    OpenDone { to: Node, session: Session, kind: Node },
    Notice { to: Node, from: Node, notice: Notice },
    Call { session: Session, message: Message, ticket: Ticket },
    Finish { ticket: Ticket, answer: Result<Message, CallError> },
}

/// A request that a handler runs: when this is dropped, by a panic of the handler as well, whoever sent it hears that there is no
/// answer.
struct Unanswered<'g> {
    graph: &'g Graph,
    from: Session,
    call: u32,
    now: Time,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let now = self.graph.time(self.now);
        let _ = self.graph.control(self.from, Control::Lose(self.call), now);
    }
}

impl core::fmt::Debug for Graph {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.nodes.iter().map(|place| &place.name)).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A protocol that panicked has its state as it was then; the others must go on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Graph {
    /// Puts protocols in their places and starts them from the bottom up. A part's place in `parts` is its node, so what is
    /// below comes earlier. `numbers` are those by which a lower protocol knows an upper one.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(
        parts: Vec<Part>,
        numbers: HashMap<(Node, Node), u32>,
        crossings: Option<Box<dyn Crossings>>,
        now: Time,
    ) -> Result<Self, StartError> {
        let wires = Wires::of(&parts)?;
        let edge = |(lower, annotations): (Node, Annotations)| {
            let handoff = Handoff::of(&annotations);
            Edge { lower, annotations, handoff }
        };
        let place = |part: Part| Place {
            name: part.name,
            kind: part.kind,
            below: part.below.into_iter().map(edge).collect(),
            inbox: part.core.inbox(),
            handler: OnceLock::new(),
            state: Mutex::new(State { core: part.core, counts: Counts::default() }),
        };
        let graph = Self {
            nodes: parts.into_iter().map(place).collect(),
            numbers,
            events: Mutex::default(),
            calls: Mutex::default(),
            crossings,
            clock: None,
            next: AtomicU64::new(u64::MAX),
            wires,
            sleepers: Sleepers::default(),
            receivers: Receivers::default(),
            asleep: Asleep::default(),
            attendance: Attendance::default(),
        };
        for (at, place) in graph.nodes.iter().enumerate() {
            let node = Node(u16::try_from(at).unwrap_or(u16::MAX));
            graph
                .with(node, now, |core, cx| core.start(cx))
                .unwrap_or(Err(OpenError::Nothing))
                .map_err(|error| StartError { node: place.name.clone(), error })?;
        }
        Ok(graph)
    }

    /// Has `clock` asked what time it is when a handler that may wait has returned. Without one its reply is sent when its message
    /// arrived, as far as the protocols know: what they keep of it for a while they keep for less, or not at all.
    pub fn set_clock(&mut self, clock: fn() -> Time) {
        self.clock = Some(clock);
    }

    /// What time it is; `then` it was before.
    fn time(&self, then: Time) -> Time {
        self.clock.map_or(then, |clock| clock().max(then))
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<Node> {
        let at = self.nodes.iter().position(|place| place.name == name)?;
        u16::try_from(at).ok().map(Node)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self, node: Node) -> &str {
        self.nodes.get(node.index()).map_or("", |place| &place.name)
    }

    /// The kind of protocol it is.
    #[must_use]
    pub fn kind(&self, node: Node) -> &'static str {
        self.nodes.get(node.index()).map_or("", |place| place.kind)
    }

    /// All nodes, from the bottom up.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..u16::try_from(self.nodes.len()).unwrap_or(u16::MAX)).map(Node)
    }

    /// What the protocol counted, by name.
    #[must_use]
    pub fn counts(&self, node: Node) -> BTreeMap<&'static str, u64> {
        self.nodes
            .get(node.index())
            .map(|place| lock(&place.state).counts.0.iter().copied().collect())
            .unwrap_or_default()
    }

    /// One of its counts; 0 if it never counted that.
    #[must_use]
    pub fn count(&self, node: Node, name: &str) -> u64 {
        self.counts(node).get(name).copied().unwrap_or(0)
    }

    /// The program's end of the graph that the file calls `name`. `None` if there is none, or it is no anchor.
    #[must_use]
    pub fn anchor(&self, name: &str) -> Option<Anchor<'_>> {
        let node = self.node(name)?;
        let inbox = self.nodes.get(node.index())?.inbox.as_ref()?;
        Some(Anchor::new(self, node, inbox))
    }

    /// Runs `task` in the protocol's lock, then what it decided.
    pub(crate) fn with<T>(
        &self,
        node: Node,
        now: Time,
        task: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let mut steps = SPARE.take();
        let result = self.enter(node, now, &mut steps, task);
        steps.reverse();
        self.run(&mut steps, now);
        SPARE.set(steps);
        result
    }

    /// Runs `task` in the protocol's lock.
    fn enter<T>(
        &self,
        node: Node,
        now: Time,
        steps: &mut Vec<Step>,
        task: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let place = self.nodes.get(node.index())?;
        let State { core, counts } = &mut *lock(&place.state);
        Some(task(&mut **core, &mut Cx { graph: self, node, now, steps, counts }))
    }

    /// Carries out `steps`, the last first, and whatever follows from each before the next.
    fn run(&self, steps: &mut Vec<Step>, mut now: Time) {
        while let Some(step) = steps.pop() {
            let step = match &self.crossings {
                None => step,
                Some(crossings) => match self.cross(&**crossings, step, now) {
                    Some(step) => step,
                    None => continue,
                },
            };
            let before = steps.len();
            self.take(step, steps, &mut now);
            if let Some(new) = steps.get_mut(before..) {
                new.reverse();
            }
        }
    }

    /// Asks the hook. `None`: it has kept the step.
    fn cross(&self, crossings: &dyn Crossings, step: Step, now: Time) -> Option<Step> {
        let Step::Deliver { to, from, message } = &step else { return Some(step) };
        let place = self.nodes.get(to.index())?;
        let Some(edge) = place.below.iter().find(|edge| edge.lower == from.node) else { return Some(step) };
        let crossing = Crossing {
            lower: from.node,
            upper: *to,
            annotations: &edge.annotations,
            handoff: edge.handoff,
            handler: place.handler.get(),
            message,
            now,
        };
        match crossings.up(&crossing) {
            Passage::GoOn => Some(step),
            Passage::Keep => {
                let kept = crossings.keep(Work { steps: vec![step], has_crossed: true });
                if let Err(Work { steps, .. }) = kept {
                    self.decline(steps, now);
                }
                None
            }
        }
    }

    fn reach(&self, node: Node) {
        self.crossings.as_ref().inspect(|crossings| crossings.reach(node));
    }

    /// Nobody carries these out. A call that was accepted further down is declined, so that its channel is free for the next one.
    #[cold]
    fn decline(&self, steps: Vec<Step>, now: Time) {
        for step in steps {
            if let Step::Deliver { from, .. } = step {
                let _ = self.control(from, Control::Decline { is_busy: true }, now);
            }
        }
    }

    /// `time`: what it is, and then what it is afterwards.
    fn take(&self, step: Step, steps: &mut Vec<Step>, time: &mut Time) {
        let now = *time;
        match step {
            Step::Push { session, message } => {
                self.enter(session.node, now, steps, |core, cx| {
                    if let Err(error) = core.push(cx, session, message) {
                        cx.count(push_name(error));
                    }
                });
            }
            Step::Deliver { to, from, message } => {
                if let Some(handler) = self.nodes.get(to.index()).and_then(|place| place.handler.get()) {
                    let call = message.attributes().call;
                    let unanswered = (call != 0).then(|| Unanswered { graph: self, from, call, now });
                    // The program's: no lock is held, and it may call the graph.
                    let reply = handler.run(self, from, message, now);
                    if !handler.is_nonblocking() {
                        *time = self.time(now);
                    }
                    if let Some(message) = reply {
                        core::mem::forget(unanswered);
                        self.reach(from.node);
                        steps.push(Step::Push { session: from, message });
                    }
                    return;
                }
                self.enter(to, now, steps, |core, cx| {
                    if let Some((session, message)) = core.demux(cx, from, message) {
                        core.pop(cx, session, message);
                    }
                });
                self.rouse(to);
            }
            Step::OpenDone { to, session, kind } => {
                self.enter(to, now, steps, |core, cx| core.open_done(cx, session, kind));
            }
            Step::Notice { to, from, notice } => {
                self.enter(to, now, steps, |core, cx| core.notice(cx, from, notice));
            }
            Step::Call { session, message, ticket } => {
                let called = self.enter(session.node, now, steps, |core, cx| core.call(cx, session, message, ticket));
                if let Err(error) = called.unwrap_or(Err(PushError::Closed)) {
                    steps.push(Step::Finish { ticket, answer: Err(CallError::Refused(error)) });
                }
            }
            Step::Finish { ticket, answer } => {
                // Whoever gave up has taken the ticket out.
                if let Some(waiting) = lock(&self.calls).answers.get_mut(&ticket) {
                    *waiting = Some(answer);
                }
                self.sleepers.rouse();
            }
        }
    }

    /// Tells whoever sleeps that an inbox has something.
    fn rouse(&self, to: Node) {
        if self.nodes.get(to.index()).is_some_and(|place| place.inbox.is_some()) {
            self.sleepers.rouse();
            self.attendance.arrived();
        }
    }

    /// Takes what there is next on the wire in place `at` among the wires, without carrying it out.
    pub(crate) fn take_off(&self, at: usize, now: Time) -> Option<Work> {
        let node = self.wires.node(at)?;
        let mut steps = SPARE.take();
        if self.enter(node, now, &mut steps, |core, cx| core.poll(cx)) == Some(true) {
            steps.reverse();
            return Some(Work { steps, has_crossed: false });
        }
        SPARE.set(steps);
        None
    }

    /// Goes on with work that [`Crossings::keep`] was given, or that has arrived.
    pub fn carry_out(&self, work: Work, mut now: Time) {
        let Work { mut steps, has_crossed } = work;
        if has_crossed {
            // The hook is not asked again.
            let first = steps.pop();
            let before = steps.len();
            if let Some(step) = first {
                self.take(step, &mut steps, &mut now);
            }
            if let Some(new) = steps.get_mut(before..) {
                new.reverse();
            }
        }
        self.run(&mut steps, now);
        SPARE.set(steps);
    }

    /// The wires.
    pub(crate) fn wire_count(&self) -> usize {
        self.wires.count()
    }

    /// The handler in the place `at`.
    pub(crate) fn handler(&self, at: u32) -> Option<&Handler> {
        self.nodes.get(usize::try_from(at).ok()?)?.handler.get()
    }

    /// Lets the program's `handler` have what arrives at `node`.
    pub(crate) fn set_handler(&self, node: Node, handler: Handler) -> Result<(), Handler> {
        match self.nodes.get(node.index()) {
            Some(place) => place.handler.set(handler),
            None => Err(handler),
        }
    }

    /// Runs the events that are due. `true` if there was one.
    pub fn run_events(&self, now: Time) -> bool {
        let mut any = false;
        while let Some(work) = self.take_event(now) {
            any = true;
            self.carry_out(work, now);
        }
        any
    }

    /// Runs the next event that is due, without carrying out what its protocol decides.
    pub(crate) fn take_event(&self, now: Time) -> Option<Work> {
        let (running, (node, token)) = {
            let mut events = lock(&self.events);
            let due = events.take(now);
            self.note_next(&events);
            due?
        };
        self.reach(node);
        let mut steps = SPARE.take();
        self.enter(node, now, &mut steps, |core, cx| core.event(cx, token));
        lock(&self.events).finished(&running);
        steps.reverse();
        Some(Work { steps, has_crossed: false })
    }

    /// When the next event is due. Ordered with whoever schedules one: asked after a sleep was announced it misses none of which the
    /// sleeper is not told.
    #[must_use]
    pub fn next_event(&self) -> Option<Time> {
        lock(&self.events).next()
    }

    /// Whether an event is due, for whoever looks again soon: it may miss one that is scheduled at this moment.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        // Relaxed: nothing is read by it, and those that poll look again.
        self.next.load(Ordering::Relaxed) <= now.0
    }

    fn note_next(&self, events: &Events<(Node, u64)>) {
        self.next.store(events.next().map_or(u64::MAX, |next| next.0), Ordering::Relaxed);
    }

    /// Opens a session below `node` for it.
    pub(crate) fn open_for(&self, node: Node, to: Participants, now: Time) -> Result<Session, OpenError> {
        self.with(node, now, |_, cx| cx.open(0, Upper::own(node), to)).unwrap_or(Err(OpenError::Nothing))
    }

    /// Sends on a session.
    ///
    /// # Errors
    /// [`PushError`], as far as the session's own protocol knows: what is refused further down is counted there.
    pub fn push(&self, session: Session, message: Message, now: Time) -> Result<(), PushError> {
        self.with(session.node, now, |core, cx| core.push(cx, session, message)).unwrap_or(Err(PushError::Closed))
    }

    /// Calls on a session of an RPC protocol. The answer is to be had from [`answer`](Self::answer).
    ///
    /// # Errors
    /// [`PushError`].
    pub fn call(&self, session: Session, message: Message, now: Time) -> Result<Ticket, PushError> {
        let ticket = {
            let mut calls = lock(&self.calls);
            calls.number += 1;
            let ticket = Ticket(calls.number);
            calls.answers.insert(ticket, None);
            ticket
        };
        let sent = self.with(session.node, now, |core, cx| core.call(cx, session, message, ticket));
        match sent.unwrap_or(Err(PushError::Closed)) {
            Ok(()) => Ok(ticket),
            Err(error) => {
                self.forget(ticket);
                Err(error)
            }
        }
    }

    /// The answer to a call, once; `None` if it is not there yet, or was had.
    #[must_use]
    pub fn answer(&self, ticket: Ticket) -> Option<Result<Message, CallError>> {
        let mut calls = lock(&self.calls);
        let answer = calls.answers.get_mut(&ticket)?.take()?;
        calls.answers.remove(&ticket);
        Some(answer)
    }

    /// Gives a call up: its answer, when it comes, goes nowhere.
    pub fn forget(&self, ticket: Ticket) {
        lock(&self.calls).answers.remove(&ticket);
    }

    /// Asks something of a session.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn control(&self, session: Session, control: Control, now: Time) -> Result<Answer, ControlError> {
        self.with(session.node, now, |core, cx| core.control(cx, Some(session), control))
            .unwrap_or(Err(ControlError::Closed))
    }

    /// One reference more to a session.
    pub fn duplicate(&self, session: Session, now: Time) {
        self.with(session.node, now, |core, cx| core.duplicate(cx, session));
    }

    /// One reference less to a session.
    pub fn close(&self, session: Session, now: Time) {
        self.with(session.node, now, |core, cx| core.close(cx, session));
    }

    /// Lets every protocol write out what it buffers.
    pub fn stop(&self, now: Time) {
        for node in self.nodes() {
            self.with(node, now, |core, _| core.stop(now));
        }
    }
}

fn push_name(error: PushError) -> &'static str {
    match error {
        PushError::Closed => "push_closed",
        PushError::TooLarge { .. } => "push_too_large",
        PushError::Full => "push_full",
        PushError::Down(_) => "push_down",
        PushError::Unsupported => "push_unsupported",
    }
}

/// What a protocol can do while it is asked something.
#[derive(Debug)]
pub struct Cx<'g> {
    graph: &'g Graph,
    node: Node,
    now: Time,
    steps: &'g mut Vec<Step>,
    counts: &'g mut Counts,
}

impl Cx<'_> {
    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// The protocol's own node.
    #[must_use]
    pub fn node(&self) -> Node {
        self.node
    }

    /// Protocols below.
    #[must_use]
    pub fn below_count(&self) -> usize {
        self.graph.nodes.get(self.node.index()).map_or(0, |place| place.below.len())
    }

    /// The node below in place `at`.
    #[must_use]
    pub fn below(&self, at: usize) -> Option<Node> {
        self.graph.nodes.get(self.node.index())?.below.get(at).map(|edge| edge.lower)
    }

    /// The number by which this protocol knows `kind` in its headers.
    ///
    /// # Errors
    /// [`OpenError::NoNumber`].
    pub fn number(&self, kind: Node) -> Result<u32, OpenError> {
        self.graph.numbers.get(&(self.node, kind)).copied().ok_or_else(|| OpenError::NoNumber {
            upper: self.graph.name(kind).to_owned(),
            lower: self.graph.name(self.node).to_owned(),
        })
    }

    fn ask<T>(&mut self, node: Node, task: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> T) -> Option<T> {
        let Cx { graph, now, steps, .. } = self;
        graph.enter(node, *now, steps, task)
    }

    /// Opens a session of the protocol below in place `at`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, at: usize, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let below = self.below(at).ok_or(OpenError::Nothing)?;
        self.ask(below, |core, cx| core.open(cx, upper, to)).unwrap_or(Err(OpenError::Nothing))
    }

    /// Enables what arrives for `upper` at the protocol below in place `at`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_enable(&mut self, at: usize, upper: Upper, parts: Participants) -> Result<(), OpenError> {
        let below = self.below(at).ok_or(OpenError::Nothing)?;
        self.ask(below, |core, cx| core.open_enable(cx, upper, parts)).unwrap_or(Err(OpenError::Nothing))
    }

    /// Takes that back.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_disable(&mut self, at: usize, upper: Upper, parts: Participants) -> Result<(), OpenError> {
        let below = self.below(at).ok_or(OpenError::Nothing)?;
        self.ask(below, |core, cx| core.open_disable(cx, upper, parts)).unwrap_or(Err(OpenError::Nothing))
    }

    /// One more reference to a session below.
    pub fn duplicate(&mut self, session: Session) {
        self.ask(session.node, |core, cx| core.duplicate(cx, session));
    }

    /// One reference less to a session below.
    pub fn close(&mut self, session: Session) {
        self.ask(session.node, |core, cx| core.close(cx, session));
    }

    /// Asks something of the protocol below in place `at`.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn control(&mut self, at: usize, control: Control) -> Result<Answer, ControlError> {
        let below = self.below(at).ok_or(ControlError::Unknown)?;
        self.ask(below, |core, cx| core.control(cx, None, control)).unwrap_or(Err(ControlError::Unknown))
    }

    /// Asks something of a session below.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn control_session(&mut self, session: Session, control: Control) -> Result<Answer, ControlError> {
        self.ask(session.node, |core, cx| core.control(cx, Some(session), control)).unwrap_or(Err(ControlError::Closed))
    }

    /// Decides to send `message` on a session below.
    pub fn push(&mut self, session: Session, message: Message) {
        self.steps.push(Step::Push { session, message });
    }

    /// Decides to give `message`, which arrived for `session` of this protocol, to the protocol above it.
    pub fn deliver(&mut self, to: Node, session: Session, message: Message) {
        self.steps.push(Step::Deliver { to, from: session, message });
    }

    /// Decides to tell `upper` that `session` was made because of what it enabled.
    pub fn open_done(&mut self, upper: Upper, session: Session) {
        self.steps.push(Step::OpenDone { to: upper.receiver, session, kind: upper.kind });
    }

    /// Decides to tell `upper` something.
    pub fn notify(&mut self, upper: Node, notice: Notice) {
        self.steps.push(Step::Notice { to: upper, from: self.node, notice });
    }

    /// Decides to call on a session below, which finishes `ticket`; if that refuses, with [`CallError::Refused`].
    pub fn call(&mut self, session: Session, message: Message, ticket: Ticket) {
        self.steps.push(Step::Call { session, message, ticket });
    }

    /// Decides what the answer to a call is.
    pub fn finish(&mut self, ticket: Ticket, answer: Result<Message, CallError>) {
        self.steps.push(Step::Finish { ticket, answer });
    }

    /// Schedules an event of this protocol.
    pub fn schedule(&mut self, after: Duration, token: u64) -> EventId {
        let at = self.now.after(after);
        let mut events = lock(&self.graph.events);
        let is_next = events.next().is_none_or(|next| at < next);
        let id = events.schedule(at, (self.node, token));
        self.graph.note_next(&events);
        drop(events);
        if is_next {
            self.graph.sleepers.rouse();
            self.graph.receivers.rouse_before(at);
            self.graph.attendance.left();
        }
        id
    }

    /// Takes one back.
    pub fn cancel(&mut self, id: EventId) -> Cancel {
        let mut events = lock(&self.graph.events);
        let outcome = events.cancel(id);
        self.graph.note_next(&events);
        outcome
    }

    /// Counts something by name, for people to look at.
    pub fn count(&mut self, name: &'static str) {
        self.counts.add(name);
    }
}

//! A host that receives in threads of its own, and another one that is driven by the test, which has the wire between them in
//! its hand: frames arrive when the test says so, one by one or all of a message at once.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearcall_graph::compose::{Below, Default, Kind, Kinds, Plan, Realm, Setting, Sort};
use nearcall_graph::protocol::Session;
use nearcall_graph::protocols::relay::{Passing, Relay, Treatment, Way};
use nearcall_graph::reception::{Options, Reception, Standing, standing};
use nearcall_graph::wires::{Wire, WireProtocol};
use nearcall_graph::{Address, Cx, Graph, Handler, Hardware, Message, Participants, Time};
use rustix::event::EventfdFlags;

use super::{Cable, build, host};

/// As long as nothing takes on any machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `condition`, for as long as a broken test may take.
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    until_or(what, condition, String::new);
}

/// The same; what does not come is explained by `why`.
pub fn until_or(what: &str, mut condition: impl FnMut() -> bool, why: impl FnOnce() -> String) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        // A test that was not run for that long looks once more.
        assert!(Instant::now() < end || condition(), "{what} does not come\n{}", why());
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// What the kernel says of each thread of this process: its name, its state, where it waits, and how often it has.
fn threads() -> String {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let of = |task: std::path::PathBuf| {
        let read = |name| std::fs::read_to_string(task.join(name)).unwrap_or_default();
        let status = read("status");
        let words = ["Name:", "State:", "Pid:", "Cpus_allowed_list:", "voluntary_ctxt_switches:"];
        let is_told = |line: &&str| words.iter().any(|word| line.starts_with(word));
        let told: Vec<_> = status.lines().filter(is_told).map(|line| line.replace('\t', " ")).collect();
        format!("{} in {} {}\n", told.join(", "), read("wchan"), read("syscall").trim_end())
    };
    tasks.map(of).collect()
}

/// A wire whose frames the test puts in and takes out.
#[derive(Debug, Clone)]
pub struct Tap {
    arriving: Arc<Mutex<VecDeque<Message>>>,
    sent: Arc<Mutex<Vec<Message>>>,
    bell: Arc<OwnedFd>,
    /// It tells nobody that frames arrive.
    is_mute: bool,
}

impl Tap {
    pub fn new() -> Self {
        let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).unwrap();
        Self { arriving: Arc::default(), sent: Arc::default(), bell: Arc::new(bell), is_mute: false }
    }

    /// Frames that arrive together.
    pub fn put(&self, frames: Vec<Message>) {
        self.arriving.lock().unwrap().extend(frames);
        rustix::io::write(&*self.bell, &1_u64.to_ne_bytes()).unwrap();
    }

    pub fn take_sent(&self) -> Vec<Message> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    /// Whoever sends waits until this is dropped.
    pub fn hold(&self) -> impl Drop + '_ {
        self.sent.lock().unwrap()
    }

    /// Frames that nobody has received.
    pub fn left(&self) -> usize {
        self.arriving.lock().unwrap().len()
    }
}

impl Wire for Tap {
    fn hardware(&self) -> Hardware {
        Hardware([2, 0, 0, 0, 0, 9])
    }

    fn largest_frame(&self) -> usize {
        1514
    }

    fn send(&mut self, frame: &Message) -> Result<(), rustix::io::Errno> {
        self.sent.lock().unwrap().push(frame.clone());
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<Message>, rustix::io::Errno> {
        Ok(self.arriving.lock().unwrap().pop_front())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (!self.is_mute).then(|| self.bell.as_fd())
    }

    fn before_sleep(&mut self) -> bool {
        let _ = rustix::io::read(&*self.bell, &mut [0; 8]);
        self.arriving.lock().unwrap().is_empty()
    }
}

/// What passes a probe on its way up: its name, as what, and on which kernel thread.
pub type Trail = Arc<Mutex<Vec<(String, Standing, u32)>>>;

struct Probe(String, Trail);

impl Treatment for Probe {
    fn pass(&mut self, _: &mut Cx<'_>, passing: Passing, out: &mut Vec<Passing>) {
        if passing.way == Way::Up {
            let thread = nearcall_core::sys::process::thread_id();
            self.1.lock().unwrap().push((self.0.clone(), standing(), thread));
        }
        out.push(passing);
    }
}

const ANYTHING: &[Below] = &[Below { name: "anything", realms: &[Realm::Frames, Realm::Messages, Realm::Calls] }];

/// The usual kinds; `tap`; and `probe/N as=NAME`, which notes who passes.
pub fn kinds(tap: &Tap, trail: &Trail) -> Kinds {
    let (tap, trail) = (tap.clone(), Arc::clone(trail));
    let wire = Kind::new("tap", Realm::Frames, &[], move |make| {
        Ok(Box::new(WireProtocol::new(make.node, Box::new(tap.clone()))))
    });
    let probe = Kind::new("probe", Realm::Same, ANYTHING, move |make| {
        let probe = Probe(make.text("as").unwrap_or_default().to_owned(), Arc::clone(&trail));
        Ok(Box::new(Relay::new(make.node, 64, probe)))
    });
    let name = Setting { name: "as", sort: Sort::Text, default: Default::Required };
    Kinds::standard().with(wire).with(probe.settings([name]))
}

/// A host 10.0.0.2 on a tap. `{link}`: what is above the wire; `more`: above `ip`.
pub fn text(link: &str, more: &str) -> String {
    let under =
        if link.is_empty() { "tap" } else { link.split_whitespace().next().unwrap().trim_start_matches("name=") };
    format!(
        "name=tap;\n@;\n{link}name=eth protocols={under};\nname=arp protocols=eth lifetime=100000s;\n\
         name=ip protocols=eth,arp address=10.0.0.2/24;\n{more}"
    )
}

pub const UDP: &str = "name=udp protocols=ip;\nname=anchor protocols=udp;\n";

/// Both hosts; the one that is driven is 10.0.0.1.
pub struct Rig {
    pub reception: Reception,
    pub tap: Tap,
    pub trail: Trail,
    sender: Graph,
    cable: Cable,
    session: Option<Session>,
    now: u64,
    put: u64,
}

impl Rig {
    /// With `handler` at port 7 of the anchor.
    pub fn new(text: &str, options: Options, handler: Handler) -> Self {
        let mut rig = Self::with(text, UDP, options, |graph, now| {
            let anchor = graph.anchor("anchor").unwrap();
            anchor.serve(handler).unwrap();
            anchor.enable(Participants::new().at(Address::Port(7)), now).unwrap();
        });
        let to = Participants::new().to(Address::Host([10, 0, 0, 2].into())).to(Address::Port(7));
        let now = rig.time();
        rig.session = Some(rig.sender.anchor("anchor").unwrap().open(to, now).unwrap());
        rig.introduce();
        rig
    }

    /// With whatever is to be attached; `sending` is what the other host has above `ip`.
    pub fn with(text: &str, sending: &str, options: Options, attach: impl FnOnce(&Graph, Time)) -> Self {
        let (tap, trail) = (Tap { is_mute: text.starts_with("name=tap/mute"), ..Tap::new() }, Trail::default());
        let plan = Plan::read("tap.graph", text, &kinds(&tap, &trail)).unwrap_or_else(|problems| panic!("{problems}"));
        let reception = Reception::start(&plan, options, attach).unwrap_or_else(|error| panic!("{error}"));
        let cable = Cable::default();
        let sender = build(&host(0, "", sending), &super::kinds(std::slice::from_ref(&cable)));
        Self { reception, tap, trail, sender, cable, session: None, now: 1, put: 0 }
    }

    fn time(&mut self) -> Time {
        self.now += 1000;
        Time(self.now)
    }

    /// Lets the hosts learn each other's interface.
    fn introduce(&mut self) {
        let mut frames = self.frames(1);
        let end = Instant::now() + PATIENCE;
        // The last of them is the message itself, which is not sent on.
        while frames.iter().all(|frame| frame.size() < 43 || frame.slices().next().unwrap()[13] != 0) {
            assert!(Instant::now() < end, "nobody says who 10.0.0.2 is");
            self.put(frames);
            std::thread::sleep(Duration::from_millis(1));
            frames = self.exchange();
        }
        self.settle();
        self.trail.lock().unwrap().clear();
    }

    /// Gives the sender what was sent to it. Returns what it says to that.
    pub fn exchange(&mut self) -> Vec<Message> {
        for frame in self.tap.take_sent() {
            self.cable.put(0, frame);
        }
        let now = self.time();
        while self.sender.poll(now) {}
        self.cable.take(1)
    }

    pub fn sender(&self) -> &Graph {
        &self.sender
    }

    /// The frames of a message of `size` bytes.
    pub fn frames(&mut self, size: usize) -> Vec<Message> {
        let (session, now) = (self.session.unwrap(), self.time());
        self.sender.push(session, Message::from(vec![0x5a; size]), now).unwrap();
        self.cable.take(1)
    }

    /// Frames that arrive together.
    pub fn put(&mut self, frames: Vec<Message>) {
        self.put += u64::try_from(frames.len()).unwrap();
        self.tap.put(frames);
    }

    /// What the sender's anchor has been answered.
    pub fn answers(&mut self) -> usize {
        // It may ask for our interface first.
        while let questions = self.exchange()
            && !questions.is_empty()
        {
            self.put(questions);
            self.settle();
        }
        let anchor = self.sender.anchor("anchor").unwrap();
        std::iter::from_fn(|| anchor.receive()).count()
    }

    /// Until all that was put in has been carried out.
    pub fn settle(&self) {
        let is_over = || self.reception.counts().messages == self.put && self.reception.is_idle();
        until_or("the end of what was received", is_over, || self.state());
    }

    /// All that there is to be known of the host, for a test that waits in vain.
    fn state(&self) -> String {
        let (counts, put, left) = (self.reception.counts(), self.put, self.tap.left());
        format!("{put} put, {left} left on the wire\n{counts:#?}\n{:#?}\n{}", self.reception, threads())
    }
}

//! What Regular mode cannot be faster than without any protocol: a thread that takes frames off the wire and puts them into a queue with
//! a lock, and one thread that sleeps until there is one, and sends the frames of a message back when all of them are there.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use nearcall_core::sys::process;
use nearcall_graph::wires::Wire as _;
use nearcall_graph::wires::memory::MemoryWire;
use nearcall_graph::{Hardware, Message};

use super::PATIENCE;

/// A host.
pub(super) struct Bare {
    wire: Mutex<MemoryWire>,
    queue: Mutex<VecDeque<Message>>,
    /// Of a message, as BLAST cuts it, with its headers and those of IP and Ethernet.
    frames: Vec<Message>,
    cpus: Vec<usize>,
}

impl Bare {
    pub(super) fn open(place: &str, listens: bool, size: usize, cpus: Vec<usize>) -> Result<Self> {
        let wire = MemoryWire::open(Path::new(place), listens, Hardware([2; 6]), 1500, PATIENCE)?;
        let headers = vec![0x55; 54];
        let bytes = vec![0x55; size];
        let frames =
            bytes.chunks(1514 - headers.len()).map(|piece| Message::from([&headers, piece].concat())).collect();
        Ok(Self { wire: Mutex::new(wire), queue: Mutex::default(), frames, cpus })
    }

    fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of all frames of a message.
    pub(super) fn size(&self) -> usize {
        self.frames.iter().map(Message::size).sum()
    }

    pub(super) fn send(&self) -> Result<()> {
        for frame in &self.frames {
            Self::lock(&self.wire).send(frame)?;
        }
        Ok(())
    }

    /// Starts the two threads; the frames of a message go back if `answers` says so.
    pub(super) fn start(self: Arc<Self>, answers: impl Fn(usize) -> bool + Send + 'static) -> Result<()> {
        let input = Arc::clone(&self);
        let confine =
            |host: &Self, at: usize| host.cpus.get(at).or(host.cpus.last()).is_some_and(|&cpu| process::confine(cpu));
        let input = std::thread::Builder::new().spawn(move || {
            confine(&input, 1);
            let (mut size, mut count) = (0, 0);
            loop {
                // A statement of its own: the queue is not locked while the frames go back.
                let next = Self::lock(&input.queue).pop_front();
                let Some(frame) = next else {
                    std::thread::park();
                    continue;
                };
                (size, count) = (size + frame.size(), count + 1);
                if count == input.frames.len() {
                    if answers(size) {
                        let _ = input.send();
                    }
                    (size, count) = (0, 0);
                }
            }
        })?;
        std::thread::Builder::new().spawn(move || {
            confine(&self, 0);
            loop {
                let mut any = false;
                while let Ok(Some(frame)) = { Self::lock(&self.wire).receive() } {
                    Self::lock(&self.queue).push_back(frame);
                    any = true;
                }
                // Once for those that came together, as Regular mode does.
                if any {
                    input.thread().unpark();
                } else {
                    process::yield_cpu();
                }
            }
        })?;
        Ok(())
    }
}

//! What Regular mode cannot be faster than with the same protocols: a thread that takes frames off the wire and puts them into a
//! queue with a lock, and one thread that sleeps until there is one, and carries it out.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;

use anyhow::Result;
use nearcall_core::sys::process;
use nearcall_graph::compose::Plan;
use nearcall_graph::{Clock, Crossing, Crossings, Graph, Passage, Time, Work};

thread_local! {
    /// The calling thread looks at the wire.
    static RECEIVES: Cell<bool> = const { Cell::new(false) };
}

#[derive(Debug, Default)]
struct Queue {
    works: Mutex<VecDeque<Work>>,
    input: OnceLock<Thread>,
}

impl Queue {
    fn works(&self) -> std::sync::MutexGuard<'_, VecDeque<Work>> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whatever comes off the wire is kept at the first edge.
#[derive(Debug)]
struct Queueing(Arc<Queue>);

impl Crossings for Queueing {
    fn up(&self, _: &Crossing<'_>) -> Passage {
        if RECEIVES.get() { Passage::Keep } else { Passage::GoOn }
    }

    fn keep(&self, work: Work) -> Result<(), Work> {
        self.0.works().push_back(work);
        self.0.input.get().inspect(|thread| thread.unpark());
        Ok(())
    }
}

/// Builds the graph of `plan`, and starts the two threads, on the first and the last of `cpus`; they are there as long as the process is.
///
/// # Errors
/// When there is no wire, or no thread to be had.
pub(super) fn start(plan: &Plan, cpus: &[usize], attach: impl FnOnce(&Graph, Time)) -> Result<Arc<Graph>> {
    let queue = Arc::new(Queue::default());
    let now = Clock::new().now();
    let graph = Arc::new(plan.build(Some(Box::new(Queueing(Arc::clone(&queue)))), now)?);
    attach(&graph, now);
    let thread = |cpu: Option<usize>, mut turn: Box<dyn FnMut() + Send>| {
        std::thread::Builder::new().spawn(move || {
            // On a CPU that is not to be had it runs where it may.
            let _ = cpu.is_some_and(process::confine);
            loop {
                turn();
            }
        })
    };
    let input = {
        let (queue, graph) = (Arc::clone(&queue), Arc::clone(&graph));
        let turn = move || {
            // A statement of its own: the queue is not locked while the work is carried out.
            let next = queue.works().pop_front();
            match next {
                Some(work) => graph.carry_out(work, Clock::new().now()),
                None => std::thread::park(),
            }
        };
        thread(cpus.last().copied(), Box::new(turn))?
    };
    let _ = queue.input.set(input.thread().clone());
    let receiving = Arc::clone(&graph);
    let turn = move || {
        RECEIVES.set(true);
        if !receiving.poll(Clock::new().now()) {
            process::yield_cpu();
        }
    };
    thread(cpus.first().copied(), Box::new(turn))?;
    Ok(graph)
}

//! The part of an answer that lies in a segment which this process has not mapped yet: to ask the server for it is to wait,
//! which neither a poll nor a look may do. A kernel thread does; once mapped, a segment is kept, so that is rare.

use std::sync::{Arc, OnceLock};

use nearcall_core::sys::process;
use nearcall_core::transfer::pending::Outstanding;
use nearcall_layout::pair::reply;

use crate::client_pair::ClientPair;
use crate::error::{CallError, Failure};

/// What is fetched.
#[derive(Debug)]
pub(super) struct Fetch {
    /// Where the results are, as the server says; read once.
    pub(super) places: u64,
    /// What came of it; `None` if everything was there.
    pub(super) end: Option<Arc<OnceLock<Result<(), Failure>>>>,
}

impl Fetch {
    /// Begins to fetch what `places` of the answer to `call` names and is not there.
    pub(super) fn begin(pair: &Arc<ClientPair>, call: &Outstanding<'_>, places: u64) -> Self {
        let (_, frame, behind) = reply::placed(places);
        let is_missing = |serial: &u16| *serial != 0 && pair.half.shown.get(*serial).is_none();
        let missing: Vec<u16> = [frame, behind].into_iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Self { places, end: None };
        }
        let end = Arc::new(OnceLock::new());
        let (here, theirs, until) = (Arc::clone(pair), Arc::clone(&end), call.until());
        let (astack, sequence) = (call.astack(), call.sequence());
        let ask = move || {
            process::block_all_signals();
            let found = missing.iter().try_for_each(|&serial| here.new_result_segment(serial, until).map(drop));
            let _ = theirs.set(found);
            here.wakers.wake(astack, sequence);
        };
        if std::thread::Builder::new().name("nearcall-show".into()).spawn(ask).is_err() {
            // No kernel thread to be had is no memory to be had.
            let _ = end.set(Err(Failure(CallError::ResultTooLarge)));
        }
        Self { places, end: Some(end) }
    }

    /// Whether everything is there, or will not come.
    pub(super) fn is_over(&self) -> bool {
        self.end.as_ref().is_none_or(|end| end.get().is_some())
    }
}

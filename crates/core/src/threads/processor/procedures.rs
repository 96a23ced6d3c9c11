//! Procedures: threads whose record is their fiber's, so that nothing is allocated for a call, and which are begun at once.

use core::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::io::Errno;

use super::{Back, Class, Kind, Name, Processor, Record, here};
use crate::threads::task;

impl Processor {
    /// Runs `procedure` on a stack of `class`, there and then, until it is over (`true`) or suspends; then it goes on when it
    /// is ready again, as a thread does ([`Self::run_ready`]). Nothing is allocated after the first time. A panic ends the
    /// procedure, and nothing else.
    ///
    /// # Errors
    /// There is no stack; the procedure is given back, with what the kernel said.
    ///
    /// # Panics
    /// When it is called from within a thread: only the processor's own context can run another.
    pub fn run_procedure<F: FnOnce() + 'static>(&self, class: Class, procedure: F) -> Result<bool, (F, Errno)> {
        // SAFETY: it borrows nothing.
        unsafe { self.run_borrowed(class, procedure) }
    }

    /// As [`Self::run_procedure`], for what borrows.
    ///
    /// # Safety
    /// What `F` borrows outlives it; it runs until it is over or, when it is still suspended as the processor ends, for ever.
    ///
    /// # Errors
    /// As [`Self::run_procedure`].
    ///
    /// # Panics
    /// As [`Self::run_procedure`].
    #[inline]
    pub unsafe fn run_borrowed<F: FnOnce()>(&self, class: Class, procedure: F) -> Result<bool, (F, Errno)> {
        assert!(!self.runs_thread(), "a procedure is run from the processor's own context, not from a thread");
        let fiber = match self.take_fiber(class) {
            Ok(fiber) => fiber,
            Err(errno) => return Err((procedure, errno)),
        };
        // SAFETY: just taken, so it is ours, and alive.
        let own = unsafe { &*fiber }.own();
        let mut record = own.get();
        // SAFETY: the fiber has a reference to its own record.
        if unsafe { record.as_ref() }.is_none_or(|record| !record.is_sole()) {
            // Somebody keeps the last procedure's, which must not become another's.
            let last = own.replace(Record::boxed(Kind::Thread, class, Name::none()));
            if !last.is_null() {
                // SAFETY: the fiber's reference, which it no longer has.
                unsafe { Record::release(last) };
            }
            record = own.get();
        }
        // SAFETY: as above.
        let this = unsafe { &*record };
        let mut procedure = ManuallyDrop::new(procedure);
        this.renew();
        this.set_body(procedure_body::<F>);
        this.argument.set((&raw mut procedure).cast());
        this.set_fiber(fiber);
        this.settle(self.post());
        self.count_live(1);
        let back = self.resume(record, fiber);
        self.rest();
        if back == Back::Suspended {
            return Ok(false);
        }
        self.keep_fiber(fiber);
        Ok(true)
    }
}

/// # Safety
/// `record` is that of the fiber that runs this, and its argument a procedure of type `F`, which nobody else uses.
unsafe fn procedure_body<F: FnOnce()>(record: *const Record) -> bool {
    // SAFETY: the record is that of the fiber that runs this, and lives as long as that.
    let record = unsafe { &*record };
    // SAFETY: whoever resumed us is waiting in `run_borrowed` with the procedure, which is not used there any more.
    let procedure = unsafe { record.argument.get().cast::<F>().read() };
    // What is lost with the payload has been printed by the hook.
    task::drop_quietly(catch_unwind(AssertUnwindSafe(procedure)));
    record.drop_locals();
    if let Some(processor) = here() {
        processor.count_live(-1);
    }
    // The record stays the fiber's.
    false
}

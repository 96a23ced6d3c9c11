//! What is below threads: the switch of a stack, and a word that is exchanged.

use std::hint::black_box;

use anyhow::{Context, Result};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

use super::run;
use crate::measure::Job;
use crate::sample::Sample;

const STACK_SIZE: usize = 256 << 10;

pub(crate) fn coroutine(job: &Job) -> Result<Sample> {
    let mut kept = Some(DefaultStack::new(STACK_SIZE).context("making a stack")?);
    run(job, || {
        let Some(stack) = kept.take() else { return };
        let mut coroutine: Coroutine<u64, (), u64, _> = Coroutine::with_stack(stack, |_, input| input + 1);
        let CoroutineResult::Return(output) = coroutine.resume(black_box(1)) else { return };
        black_box(output);
        kept = Some(coroutine.into_stack());
    })
}

pub(crate) fn switches(job: &Job) -> Result<Sample> {
    let endless = || -> Result<Coroutine<bool, (), (), _>> {
        let stack = DefaultStack::new(STACK_SIZE).context("making a stack")?;
        Ok(Coroutine::with_stack(stack, |yielder, mut more| {
            while more {
                more = yielder.suspend(());
            }
        }))
    };
    let (mut first, mut second) = (endless()?, endless()?);
    let sample = run(job, || {
        first.resume(true);
        second.resume(true);
    });
    first.resume(false);
    second.resume(false);
    sample
}

pub(crate) fn std_mutex(job: &Job) -> Result<Sample> {
    let mutex = std::sync::Mutex::new(0_u64);
    run(job, || {
        if let Ok(mut value) = black_box(&mutex).lock() {
            *value += 1;
        }
    })
}

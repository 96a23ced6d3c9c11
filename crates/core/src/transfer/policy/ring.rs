//! Whom a caller rings (DESIGN.md, "Ring order").

use nearcall_layout::pair::{BELL_COUNT, armed, poll};

/// What a caller does after it has published a request, and who is going to take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    /// The lead polls on another CPU: nothing to do.
    Polled,
    /// A processor on the caller's own CPU is awake and will look: it only needs the CPU.
    Own,
    /// One on another CPU is awake and will look.
    Elsewhere,
    /// A standby is asleep: bump this bell and wake it.
    Bell {
        /// The bell, which is also the standby's CPU.
        n: usize,
        /// Whether that is the caller's own CPU.
        own: bool,
    },
    /// Nobody looks and nobody is asleep on a bell: a message on the control socket.
    Message,
}

/// What the caller knows besides the words.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The CPU it is on.
    pub cpu: u16,
    /// Armed words that can be in use: CPUs of the machine, at most [`BELL_COUNT`].
    pub cpus: usize,
    /// A time-out step has passed without an answer: who said that he looks may be starved or stuck.
    pub doubts: bool,
    /// Bells it has rung in vain for this call, one bit each.
    pub rung: u64,
}

/// Chooses; `status` and what `armed_word` returns are the server's words, each read once, after a full fence.
#[inline]
pub fn choose(caller: &Caller, status: u64, armed_word: impl Fn(usize) -> u64) -> Ring {
    let own = usize::from(caller.cpu) % BELL_COUNT;
    let looking = !caller.doubts;
    if looking && poll::state(status) == poll::POLLED {
        return if poll::cpu(status) == caller.cpu { Ring::Own } else { Ring::Polled };
    }
    let asleep = |n: usize, word: u64| word == armed::ASLEEP && caller.rung & (1 << n) == 0;
    let word = armed_word(own);
    if looking && word == armed::LOOKING {
        return Ring::Own;
    }
    if asleep(own, word) {
        return Ring::Bell { n: own, own: true };
    }
    let mut bell = None;
    for n in (0..caller.cpus.min(BELL_COUNT)).filter(|&n| n != own) {
        let word = armed_word(n);
        if looking && word == armed::LOOKING {
            return Ring::Elsewhere;
        }
        if bell.is_none() && asleep(n, word) {
            bell = Some(n);
        }
    }
    bell.map_or(Ring::Message, |n| Ring::Bell { n, own: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWAY: u64 = armed::AWAY;
    const LOOKING: u64 = armed::LOOKING;
    const ASLEEP: u64 = armed::ASLEEP;

    fn on(cpu: u16) -> Caller {
        Caller { cpu, cpus: 4, doubts: false, rung: 0 }
    }

    fn ring(caller: &Caller, status: u64, words: [u64; 4]) -> Ring {
        choose(caller, status, |n| words[n])
    }

    #[test]
    fn a_lead_elsewhere_needs_nothing_and_one_here_needs_the_cpu() {
        let polled = poll::word(poll::POLLED, 1);
        assert_eq!(ring(&on(0), polled, [ASLEEP; 4]), Ring::Polled);
        assert_eq!(ring(&on(1), polled, [ASLEEP; 4]), Ring::Own);
    }

    #[test]
    fn the_own_cpu_comes_first_then_who_is_awake_then_who_sleeps() {
        let cold = poll::word(poll::UNPOLLED, 1);
        assert_eq!(ring(&on(1), cold, [LOOKING, LOOKING, ASLEEP, AWAY]), Ring::Own);
        assert_eq!(ring(&on(1), cold, [LOOKING, ASLEEP, ASLEEP, AWAY]), Ring::Bell { n: 1, own: true });
        assert_eq!(ring(&on(1), cold, [ASLEEP, AWAY, AWAY, LOOKING]), Ring::Elsewhere);
        assert_eq!(ring(&on(1), cold, [AWAY, AWAY, ASLEEP, ASLEEP]), Ring::Bell { n: 2, own: false });
        assert_eq!(ring(&on(1), cold, [AWAY; 4]), Ring::Message);
    }

    #[test]
    fn after_a_time_out_nobody_is_believed_and_the_next_one_is_rung() {
        let polled = poll::word(poll::POLLED, 3);
        let mut caller = Caller { doubts: true, ..on(0) };
        let words = [ASLEEP, LOOKING, ASLEEP, AWAY];
        assert_eq!(ring(&caller, polled, words), Ring::Bell { n: 0, own: true });
        caller.rung |= 1;
        assert_eq!(ring(&caller, polled, words), Ring::Bell { n: 2, own: false });
        caller.rung |= 1 << 2;
        assert_eq!(ring(&caller, polled, words), Ring::Message);
    }

    #[test]
    fn words_that_mean_nothing_are_away() {
        assert_eq!(ring(&on(0), u64::MAX, [77, u64::MAX, 3, 4]), Ring::Message);
    }

    #[test]
    fn cpus_beyond_the_bells_share_them() {
        let word = |n: usize| if n == 1 { ASLEEP } else { AWAY };
        let caller = Caller { cpus: 1000, ..on(65) };
        assert_eq!(choose(&caller, 0, word), Ring::Bell { n: 1, own: true });
    }
}

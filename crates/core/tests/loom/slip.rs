//! What may go wrong in one step.

/// A step done wrong; each model knows some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slip {
    /// Everything is done right.
    None,

    // A host that receives, and its alarm.
    /// Does not fence between the message and its look at the alarm.
    NoFenceAfterMessage,
    /// Does not look at the message again when it has read what that has reached.
    NoSecondLook,
    /// Stores what a message has reached without ordering it after the message.
    NodeNotReleased,
    /// Rouses whoever receives before the lead is another's.
    RousesFirst,
    /// Asks whether it leads before it is among those that are woken.
    AsksBeforeItIsListed,
    /// Rings before it has given what it rings for.
    RingsFirst,
    /// Reads the bell that it sleeps on after it is known to wait.
    BellAfterWaiting,
    /// Stops waiting, and does not ask what it was given meanwhile.
    LeavesUnasked,

    // Threads that sleep on the same wires.
    /// Announces its sleep and takes that back, whoever else sleeps.
    AnnouncesForItself,
    /// A lead of the runtime takes back what somebody else has announced.
    TakesBackAnothers,
    /// Is among those that are woken only after it has come.
    ListedLate,
    /// Looks at the events before it says until when it sleeps.
    LooksBeforeUntil,
    /// Goes to sleep as the one that receives beside another one.
    SharesTheBed,
    /// Waits until another one has got up, instead of asking again whether it receives.
    WaitsForTheBed,

    // A standby that goes to sleep.
    /// Does not fence between ASLEEP and its last look; an acquire fence keeps the scan after the bells.
    NoFenceBeforeSleep,
    /// Fences, then reads the bells, and acquires before the scan. What was published before the bump that was read is
    /// seen then; what was published before an earlier bump, which that one hides, need not be.
    FenceBeforeBells,
    /// Fences, then reads the bells, and nothing keeps the scan after that, as two relaxed loads do not.
    BellNotFenced,
    /// Reads the bells after it has scanned the lines.
    BellAfterScan,
    /// Does not scan after ASLEEP: it has looked just before.
    NoLastScan,
    /// Takes the value of the kick word that it sleeps on after it has emptied its inbox.
    KickAfterInbox,
    /// Shows LOOKING, and sleeps.
    SleepsWhileLooking,

    // A standby that runs procedures.
    /// Is in a procedure that says that it sleeps. Not wrong.
    SleepsInProcedure,
    /// Is in a procedure that does not end.
    Endless,
    /// Claims by a load and a store.
    ClaimNotAtomic,

    // A caller that rings.
    /// Does not fence between its request and its look at who is there.
    NoFenceInRing,
    /// Wakes before it bumps the bell.
    WakeBeforeBump,
    /// Bumps the bell of its own CPU, whoever sleeps.
    WrongBell,
    /// Leaves the ring out because of one for a call that somebody has taken.
    TrustsATakenCall,
    /// Leaves a call to another processor, and says so to nobody.
    PassesOnUnstamped,
    /// Threads of a client may bump the bell to a value that it had before.
    BumpNotAtomic,

    // A pair that leaves a seat.
    /// No fence after AWAY.
    NoFenceAfterAway,
    /// No scan after AWAY.
    NoScanAfterAway,

    // A lead.
    /// Goes on to sleep as a standby does, and leaves POLLED.
    StaysPolled,
    /// Leaves out the fence and the scan that come before ASLEEP. Not wrong.
    NoFirstFence,
    /// Looks at the wait words without a fence only.
    NoFenceAfterReplies,
    /// Looks only at the last call it has answered.
    LooksAtTheLast,
    /// Fences, and looks before.
    LooksBeforeFence,
    /// Leaves without a look at the calls it has answered, or without the wake that it has put off for them.
    ForgetsAnswered,
    /// A standby that has the CPU of a client that waits for several replies wakes it after each. Not wrong.
    NeverPutsOff,
    /// Gives up the lead before it takes its word out of the status.
    GivesUpFirst,

    // Whoever sends a command to a seat, or a spare to it.
    /// Bumps the kick word before the command is in the inbox.
    KickBeforeCommand,
    /// Wakes and bumps nothing.
    NoKick,
    /// Wakes a spare before its word says which seat it has.
    WakeBeforeSeat,

    // A seat that changes hands.
    /// The old occupant writes LOOKING before it knows that the seat is still its own.
    LookingBeforeExit,
    /// The old occupant comes back and does not look whose the seat is.
    BackUnasked,
    /// The old occupant finds that it is doubted, and takes the seat for another's.
    DoubtTakenForRelief,
    /// The old occupant finds that it is doubted, and does not wait for what becomes of that.
    DoubtOverlooked,
    /// The old occupant says that it is inside before it writes AWAY.
    InsideBeforeAway,
    /// The word that says whether the occupant is inside carries nothing but itself.
    WordRelaxed,
    /// The new occupant writes LOOKING before the seat is its own.
    LookingBeforeRelief,
    /// The new occupant does not look at what the old one attended.
    NotInherited,
    /// The new occupant leaves the old lead's POLLED.
    LeavesPolled,
    /// The old lead writes its status before it knows that the seat is still its own.
    PolledBeforeExit,

    // A seat whose occupant's procedure sleeps.
    /// The occupant opens it without the lock.
    OpenUnlocked,
    /// The occupant takes it back by a store.
    BackByStore,
    /// Does not fence between OPEN and its look.
    NoFenceAfterOpen,
    /// Does not look after OPEN.
    NoScanAfterOpen,

    // A caller that sleeps, and who wakes it.
    /// Does not fence between announcing its wait and its look at the reply.
    NoFenceBeforeWait,
    /// The server does not fence between the reply and its look at the wait word.
    NoFenceAfterReply,
    /// Sleeps on the reply word alone, whatever ends the pair.
    SleepsOnReplyAlone,

    // A call that was started, and who wakes its future.
    /// Announces that it waits for the signal before there is a waker.
    AnnouncedBeforeWaker,
    /// The watcher does not fence between what it says it heard and its look at the replies.
    NoFenceAfterHeard,
    /// The watcher says what it heard after it has looked at the replies.
    HeardAfterLook,
    /// Reads the reply bell that it sleeps on after its look at the reply.
    ReplyBellAfterLook,
    /// Uses the A-stack of a call that was given up before its answer.
    FreedUnanswered,

    // Lines.
    /// The first word of a line is stored Relaxed.
    PublishedRelaxed,
    /// It is loaded, and nothing acquired.
    NotAcquired,
    /// A client writes a line again before it knows that it was read.
    LineReused,
    /// An A-stack is marked free after the reply is published.
    FreeAfterReply,

    // Private memory.
    /// The lock is released by a Relaxed store.
    UnlockedRelaxed,
    /// Whoever gives an A-stack back does not fence before it looks for waiters; the like for other light barriers.
    NoLightBarrier,
    /// Whoever waits for an A-stack does not fence before it looks; the like for other heavy barriers.
    NoHeavyBarrier,
    /// The right is read before the A-stack is marked as busy.
    RightBeforeBusy,
    // Threads.
    /// Whoever leaves something for a processor does not fence before it looks whether that one sleeps.
    NoFenceInKick,
    /// A worker that does not lead goes to sleep without a look.
    FollowsBlindly,
    /// Whoever gave up waiting goes although somebody has its waiter.
    LeavesEarly,
    /// The A-stack of a call is freed without Release.
    FreedRelaxed,
    /// What is called in a room is read before the right to it.
    RoomBeforeRight,
    /// A right is stored without Release.
    GrantedRelaxed,

    // Bytes that are copied where they are.
    /// Whoever changes them does not fence behind the stamp.
    NoFenceAfterStamp,
    /// Whoever changes them stamps afterwards.
    StampAfterBytes,
    /// Whoever copies them does not fence before the stamp.
    NoFenceBeforeStamp,
}

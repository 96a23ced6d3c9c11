//! The handshake's bytes, written and read without the library.
//!
//! One message is one packet: a kind, then fields in order, integers little-endian, text with a 16-bit size before it,
//! lists with a 16-bit count. Kinds of clients are 1 to 12 and 20 to 24, of servers 65 to 77 and 84 to 86.

use nearcall_layout::pair::AstackClass;

/// What a client says to begin with.
#[must_use]
pub fn hello(version: u32, instance: [u8; 16]) -> Vec<u8> {
    [&[1][..], &version.to_le_bytes(), &instance].concat()
}

/// Asks for regions.
pub const PAIR: &[u8] = &[2];

/// Says that the client's region is mapped.
pub const MAPPED: &[u8] = &[3];

/// Asks for a binding.
#[must_use]
pub fn bind(id: u32, token: u64, procedures: &[(String, u64)]) -> Vec<u8> {
    let mut bytes = [&[4][..], &id.to_le_bytes(), &token.to_le_bytes()].concat();
    bytes.extend(count(procedures.len()));
    for (name, fingerprint) in procedures {
        bytes.extend(text(name));
        bytes.extend(fingerprint.to_le_bytes());
    }
    bytes
}

/// Gives a binding back.
#[must_use]
pub fn unbind(binding: u16, generation: u32) -> Vec<u8> {
    [&[5][..], &binding.to_le_bytes(), &generation.to_le_bytes()].concat()
}

/// Rings.
pub const RING: &[u8] = &[6];

/// Asks for a segment of `size` bytes to write the arguments of calls on an A-stack into.
#[must_use]
pub fn segment(id: u32, astack: u16, size: u32) -> Vec<u8> {
    [&[7][..], &id.to_le_bytes(), &astack.to_le_bytes(), &size.to_le_bytes()].concat()
}

/// Says that the segment which was asked for under `id` is mapped and paid for.
#[must_use]
pub fn segment_mapped(id: u32) -> Vec<u8> {
    [&[8][..], &id.to_le_bytes()].concat()
}

/// Says that the segment of an A-stack, which was asked for under `id`, is not used any more.
#[must_use]
pub fn segment_dropped(id: u32, astack: u16) -> Vec<u8> {
    [&[9][..], &id.to_le_bytes(), &astack.to_le_bytes()].concat()
}

/// Asks for the server's segment of this number.
#[must_use]
pub fn show(id: u32, serial: u16) -> Vec<u8> {
    [&[10][..], &id.to_le_bytes(), &serial.to_le_bytes()].concat()
}

/// Says that the server's segment of this number is mapped no more.
#[must_use]
pub fn unmapped(serial: u16) -> Vec<u8> {
    [&[11][..], &serial.to_le_bytes()].concat()
}

/// Asks for one more A-stack of the class that begins with A-stack `first`.
#[must_use]
pub fn grow(id: u32, first: u16) -> Vec<u8> {
    [&[12][..], &id.to_le_bytes(), &first.to_le_bytes()].concat()
}

/// Asks for a description, from byte `at` of it on.
#[must_use]
pub fn describe(at: u32) -> Vec<u8> {
    [&[20][..], &at.to_le_bytes()].concat()
}

/// Sends descriptors ahead of a call.
#[must_use]
pub fn parcel(token: u32) -> Vec<u8> {
    [&[21][..], &token.to_le_bytes()].concat()
}

/// Calls them back.
#[must_use]
pub fn call_back(token: u32) -> Vec<u8> {
    [&[22][..], &token.to_le_bytes()].concat()
}

/// Asks for a card for a binding.
#[must_use]
pub fn introduce(id: u32, binding: u16, generation: u32) -> Vec<u8> {
    [&[23][..], &id.to_le_bytes(), &binding.to_le_bytes(), &generation.to_le_bytes()].concat()
}

/// Knocks, with a socket.
pub const KNOCK: &[u8] = &[24];

/// Sends descriptors ahead of a reply.
#[must_use]
pub fn result_parcel(token: u32) -> Vec<u8> {
    [&[85][..], &token.to_le_bytes()].concat()
}

/// Gives a card, with one descriptor.
#[must_use]
pub fn card(id: u32) -> Vec<u8> {
    [&[86][..], &id.to_le_bytes()].concat()
}

/// What a server says to begin with.
#[must_use]
pub fn welcome(version: u32, instance: [u8; 16], token: u64) -> Vec<u8> {
    [&[65][..], &version.to_le_bytes(), &instance, &token.to_le_bytes()].concat()
}

/// Offers regions, with two descriptors.
#[must_use]
pub fn regions(client_size: u32, server_size: u32, first: u32) -> Vec<u8> {
    [&[66][..], &client_size.to_le_bytes(), &server_size.to_le_bytes(), &first.to_le_bytes()].concat()
}

/// Says that the pair is one.
pub const READY: &[u8] = &[67];

/// Grants a binding.
#[must_use]
pub fn bound(grant: &Grant) -> Vec<u8> {
    let mut bytes = [&[68][..], &grant.id.to_le_bytes(), &grant.binding.to_le_bytes()].concat();
    bytes.extend(grant.generation.to_le_bytes());
    bytes.extend(grant.nonce.to_le_bytes());
    bytes.extend(count(grant.classes.len()));
    for class in &grant.classes {
        bytes.extend(class.frame_size.to_le_bytes());
        bytes.extend(class.count.to_le_bytes());
        bytes.extend(class.first.to_le_bytes());
        bytes.extend(class.offset.to_le_bytes());
    }
    bytes.extend(count(grant.procedures.len()));
    for (index, class) in &grant.procedures {
        bytes.extend(index.to_le_bytes());
        bytes.push(*class);
    }
    bytes
}

/// Refuses a binding, without a reason that could be argued with.
#[must_use]
pub fn denied(id: u32) -> Vec<u8> {
    [&[69][..], &id.to_le_bytes(), &[0]].concat()
}

/// Refuses a binding, with differences: the client's index, and a signature.
#[must_use]
pub fn incompatible(id: u32, which: &[(u16, String)]) -> Vec<u8> {
    let mut bytes = [&[69][..], &id.to_le_bytes(), &[1]].concat();
    bytes.extend(count(which.len()));
    for (index, signature) in which {
        bytes.extend(index.to_le_bytes());
        bytes.extend(text(signature));
    }
    bytes
}

/// Refuses a binding for want of room.
#[must_use]
pub fn no_room(id: u32, astacks: u16, frame_size: u32) -> Vec<u8> {
    [&[69][..], &id.to_le_bytes(), &[2], &astacks.to_le_bytes(), &frame_size.to_le_bytes()].concat()
}

/// Takes a binding back.
#[must_use]
pub fn revoked(binding: u16, generation: u32) -> Vec<u8> {
    [&[70][..], &binding.to_le_bytes(), &generation.to_le_bytes()].concat()
}

/// Offers a segment, with one descriptor.
#[must_use]
pub fn segment_offered(id: u32) -> Vec<u8> {
    [&[71][..], &id.to_le_bytes()].concat()
}

/// Says that a segment is mapped here, too.
#[must_use]
pub fn segment_ready(id: u32) -> Vec<u8> {
    [&[72][..], &id.to_le_bytes()].concat()
}

/// Shows a segment of `size` bytes, with one descriptor.
#[must_use]
pub fn shown(id: u32, size: u32) -> Vec<u8> {
    [&[73][..], &id.to_le_bytes(), &size.to_le_bytes()].concat()
}

/// Says that replies are there.
pub const SIGNAL: &[u8] = &[77];

/// Asks to unmap a segment.
#[must_use]
pub fn unmap(serial: u16, astack: u16) -> Vec<u8> {
    [&[74][..], &serial.to_le_bytes(), &astack.to_le_bytes()].concat()
}

/// Adds an A-stack to the class that begins with A-stack `first`.
#[must_use]
pub fn grown(id: u32, first: u16, astack: u16) -> Vec<u8> {
    [&[75][..], &id.to_le_bytes(), &first.to_le_bytes(), &astack.to_le_bytes()].concat()
}

/// Has no memory for what was asked.
#[must_use]
pub fn no_memory(id: u32) -> Vec<u8> {
    [&[76][..], &id.to_le_bytes()].concat()
}

fn count(of: usize) -> [u8; 2] {
    u16::try_from(of).expect("a list that fits a message").to_le_bytes()
}

fn text(text: &str) -> Vec<u8> {
    [&count(text.len())[..], text.as_bytes()].concat()
}

/// A binding, as the server grants it and a request line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which question this answers.
    pub id: u32,
    /// Index in the server's table.
    pub binding: u16,
    /// Generation.
    pub generation: u32,
    /// What makes a guess wrong.
    pub nonce: u32,
    /// Where A-stacks are.
    pub classes: Vec<AstackClass>,
    /// For each procedure: the server's index and the class.
    pub procedures: Vec<(u16, u8)>,
}

/// Anything either side says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// Version and instance.
    Hello(u32, [u8; 16]),
    /// See [`PAIR`].
    Pair,
    /// See [`MAPPED`].
    Mapped,
    /// Id, token, names and fingerprints.
    Bind(u32, u64, Vec<(String, u64)>),
    /// Binding and generation.
    Unbind(u16, u32),
    /// See [`RING`].
    Ring,
    /// Id, A-stack and size.
    Segment(u32, u16, u32),
    /// Id.
    SegmentMapped(u32),
    /// Id and A-stack.
    SegmentDropped(u32, u16),
    /// Id and number.
    Show(u32, u16),
    /// Number.
    Unmapped(u16),
    /// Id, and the first A-stack of the class.
    Grow(u32, u16),
    /// The first byte that is wanted.
    Describe(u32),
    /// Token.
    Parcel(u32),
    /// Token.
    CallBack(u32),
    /// Id, binding, generation.
    Introduce(u32, u16, u32),
    /// See [`KNOCK`].
    Knock,
    /// Token.
    ResultParcel(u32),
    /// Id.
    Card(u32),
    /// Version, instance, token.
    Welcome(u32, [u8; 16], u64),
    /// Both sizes and the first sequence number.
    Regions(u32, u32, u32),
    /// See [`READY`].
    Ready,
    /// A binding.
    Bound(Grant),
    /// Id, and whatever follows.
    Refused(u32, Refused),
    /// Replies are there.
    Signal,
    /// Binding and generation.
    Revoked(u16, u32),
    /// Id.
    SegmentOffered(u32),
    /// Id.
    SegmentReady(u32),
    /// Id and size.
    Shown(u32, u32),
    /// Number and A-stack.
    Unmap(u16, u16),
    /// Id, the first A-stack of the class, the new one.
    Grown(u32, u16, u16),
    /// Id.
    NoMemory(u32),
    /// Bytes of the whole report, and a part of it.
    Description(u32, Vec<u8>),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// No right.
    Denied,
    /// Index of each procedure that differs, and the server's signature.
    Incompatible(Vec<(u16, String)>),
    /// No room for A-stacks.
    NoRoom,
    /// Which limit, whether that of one uid, and how much it is.
    Quota(u8, bool, u64),
    /// The kind of the rule.
    Policy(u8),
    /// The export is being taken back.
    Withdrawn,
}

/// Takes a message apart; `None` if it is none.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let mut from = From(bytes);
    let message = match from.one()? {
        1 => Message::Hello(from.u32()?, from.take()?),
        2 => Message::Pair,
        3 => Message::Mapped,
        4 => Message::Bind(from.u32()?, from.u64()?, from.list(|from| Some((from.text()?, from.u64()?)))?),
        5 => Message::Unbind(from.u16()?, from.u32()?),
        6 => Message::Ring,
        7 => Message::Segment(from.u32()?, from.u16()?, from.u32()?),
        8 => Message::SegmentMapped(from.u32()?),
        9 => Message::SegmentDropped(from.u32()?, from.u16()?),
        10 => Message::Show(from.u32()?, from.u16()?),
        11 => Message::Unmapped(from.u16()?),
        12 => Message::Grow(from.u32()?, from.u16()?),
        20 => Message::Describe(from.u32()?),
        21 => Message::Parcel(from.u32()?),
        22 => Message::CallBack(from.u32()?),
        23 => Message::Introduce(from.u32()?, from.u16()?, from.u32()?),
        24 => Message::Knock,
        85 => Message::ResultParcel(from.u32()?),
        86 => Message::Card(from.u32()?),
        65 => Message::Welcome(from.u32()?, from.take()?, from.u64()?),
        66 => Message::Regions(from.u32()?, from.u32()?, from.u32()?),
        67 => Message::Ready,
        68 => Message::Bound(Grant {
            id: from.u32()?,
            binding: from.u16()?,
            generation: from.u32()?,
            nonce: from.u32()?,
            classes: from.list(|from| {
                let (frame_size, count) = (from.u32()?, from.u16()?);
                Some(AstackClass { frame_size, count, first: from.u16()?, offset: from.u32()? })
            })?,
            procedures: from.list(|from| Some((from.u16()?, from.one()?)))?,
        }),
        69 => Message::Refused(
            from.u32()?,
            match from.one()? {
                0 => Refused::Denied,
                1 => Refused::Incompatible(from.list(|from| Some((from.u16()?, from.text()?)))?),
                2 => {
                    from.take::<6>()?;
                    Refused::NoRoom
                }
                3 => Refused::Quota(from.one()?, from.one()? != 0, u64::from_le_bytes(from.take()?)),
                4 => Refused::Policy(from.one()?),
                20 => Refused::Withdrawn,
                _ => return None,
            },
        ),
        70 => Message::Revoked(from.u16()?, from.u32()?),
        71 => Message::SegmentOffered(from.u32()?),
        72 => Message::SegmentReady(from.u32()?),
        73 => Message::Shown(from.u32()?, from.u32()?),
        74 => Message::Unmap(from.u16()?, from.u16()?),
        75 => Message::Grown(from.u32()?, from.u16()?, from.u16()?),
        76 => Message::NoMemory(from.u32()?),
        77 => Message::Signal,
        84 => Message::Description(from.u32()?, from.list(From::one)?),
        _ => return None,
    };
    from.0.is_empty().then_some(message)
}

/// Names and fingerprints of the procedures in a report, as [`Message::Description`] brings it; `None` if it is none.
#[must_use]
pub fn described(report: &[u8]) -> Option<Vec<(String, u64)>> {
    let mut from = From(report);
    let _interface = from.text()?;
    from.list(|from| {
        let (name, _declaration, _layout) = (from.text()?, from.text()?, from.text()?);
        // Frame size, calls at once; what if there are more; the largest, time-out, idempotence, handoff.
        from.take::<6>()?;
        let _exhausted = from.text()?;
        from.take::<18>()?;
        Some((name, from.u64()?))
    })
}

struct From<'a>(&'a [u8]);

impl From<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (now, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*now)
    }

    fn one(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let size = usize::from(self.u16()?);
        let (now, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        String::from_utf8(now.to_vec()).ok()
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.u16()?).map(|_| one(self)).collect()
    }
}

//! Interfaces as both sides compare them: signatures, fingerprints, size classes.

use std::fmt::Write;
use std::hash::Hasher;

use nearcall_layout::pair::LINE_STRIDE;
use nearcall_layout::shape::Spelling;
use siphasher::sip::SipHasher13;

use crate::rt::{Direction, Interface, Procedure};

/// The signature of a procedure, with every type written out where it comes first, and by its name afterwards: what a
/// fingerprint is made from and a difference shows.
pub(crate) fn signature(procedure: &Procedure) -> String {
    let mut text = format!("{}(", procedure.name);
    let mut separator = "";
    let mut spelling = Spelling::default();
    for param in procedure.params {
        let way = match param.direction {
            Direction::In => "",
            Direction::InOut => "&mut ",
            Direction::Out => "#[out] &mut ",
            Direction::Return | Direction::Error => continue,
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{}: {way}", param.name);
        let _ = spelling.spell(param.shape, &mut text);
        separator = ", ";
    }
    text.push(')');
    for param in procedure.params {
        text.push_str(match param.direction {
            Direction::Return => " -> ",
            Direction::Error => " or ",
            Direction::In | Direction::InOut | Direction::Out => continue,
        });
        let _ = spelling.spell(param.shape, &mut text);
    }
    if !procedure.origin.is_empty() {
        let _ = write!(text, " of {}", procedure.origin);
    }
    text
}

/// Equal for equal signatures. It finds mistakes; it does not resist somebody who looks for a collision, who could as
/// well lie about the fingerprint.
pub(crate) fn fingerprint(procedure: &Procedure) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(signature(procedure).as_bytes());
    hasher.finish()
}

/// Bytes between two lines.
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "128")]
const LINE: u32 = LINE_STRIDE as u32;

/// A size class: bytes of a frame and how many A-stacks.
pub(crate) type Class = (u32, u16);

/// The size classes of an interface, and the class of each procedure. Procedures whose frames have as many lines share a
/// class, with the largest of their frames, and as many A-stacks as the procedure in it that wants most.
pub(crate) fn classes(interface: &Interface) -> (Vec<Class>, Vec<u8>) {
    let mut classes: Vec<Class> = Vec::new();
    let of = interface
        .procedures
        .iter()
        .map(|procedure| {
            let size = u32::try_from(procedure.frame_size).unwrap_or(u32::MAX);
            let lines = |size: u32| size.div_ceil(LINE);
            let at = classes.iter().position(|&(other, _)| lines(other) == lines(size)).unwrap_or_else(|| {
                classes.push((size, 0));
                classes.len() - 1
            });
            if let Some((frame_size, count)) = classes.get_mut(at) {
                *frame_size = size.max(*frame_size);
                *count = procedure.concurrency.max(*count);
            }
            u8::try_from(at).unwrap_or(u8::MAX)
        })
        .collect();
    (classes, of)
}

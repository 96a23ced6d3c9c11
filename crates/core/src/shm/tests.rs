use std::os::fd::AsFd;

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};

use super::*;

/// Small, but no smaller than the fixed part.
const SIZE: usize = FRAMES + 4096;

fn pair(size: usize) -> (OwnRegion, PeerRegion) {
    let fd = memory::create(size).unwrap();
    let own = OwnRegion::map(fd.as_fd(), size).unwrap();
    memory::seal(fd.as_fd()).unwrap();
    (own, PeerRegion::map(fd.as_fd(), size).unwrap())
}

#[test]
fn every_size_and_offset_is_copied_exactly() {
    let (own, peer) = pair(SIZE);
    // SAFETY: this test holds the only borrow.
    let bytes = unsafe { own.lend(0, SIZE) }.unwrap();
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (i * 31 % 251) as u8;
    }
    let expected = bytes.to_vec();
    let mut buffer = [0; 4400];
    for offset in (0..70).chain([4095, 4096, 4097]).chain(SIZE - 70..SIZE) {
        for size in (0..140).chain([1023, 1024, 2047, 2048, 2183, 4065]) {
            for start in [0, 1, 17] {
                let into = &mut buffer[start..start + size];
                into.fill(0xee);
                let end = offset + size;
                if end > SIZE {
                    assert!(peer.copy_in(offset, into).is_none());
                    continue;
                }
                peer.copy_in(offset, into).unwrap();
                assert_eq!(into, &expected[offset..end]);
                assert_eq!(peer.numbers::<u8>(offset, size).unwrap(), expected[offset..end]);
                copy::private_to_own(&expected[offset..end], &mut buffer[start..start + size]);
                assert_eq!(&buffer[start..start + size], &expected[offset..end]);
            }
        }
    }
}

#[test]
fn numbers_are_read_where_they_stay() {
    let (own, peer) = pair(SIZE);
    // SAFETY: this test holds the only borrow.
    let bytes = unsafe { own.lend(0, SIZE) }.unwrap();
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (i * 31 % 251) as u8;
    }
    for offset in [0, 1, 7, 31, SIZE - 16] {
        for count in [0, 1, 2, 100] {
            let expected = bytes.get(offset..offset + count * 8);
            let expected = expected
                .map(|bytes| bytes.as_chunks().0.iter().map(|item| u64::from_le_bytes(*item)).collect::<Vec<_>>());
            assert_eq!(peer.numbers::<u64>(offset, count), expected, "{count} at {offset}");
        }
    }
    let floats = peer.numbers::<f32>(3, 9).unwrap();
    assert_eq!(floats.iter().flat_map(|float| float.to_le_bytes()).collect::<Vec<_>>(), bytes[3..39]);
}

#[test]
fn nothing_outside_is_reachable() {
    let (own, peer) = pair(SIZE);
    assert!(peer.copy_in(SIZE, &mut [0]).is_none());
    assert!(peer.copy_in(usize::MAX, &mut [0; 2]).is_none());
    for (offset, count) in [(SIZE - 7, 1), (0, SIZE / 8 + 1), (usize::MAX, 1), (0, usize::MAX), (8, SIZE / 8)] {
        assert!(peer.numbers::<u64>(offset, count).is_none(), "{count} at {offset}");
    }
    assert!(own.line(SIZE).is_none() && own.line(SIZE - 64).is_some() && own.line(8).is_none());
    assert!(peer.word(SIZE).is_none() && peer.word(4).is_none() && peer.word(usize::MAX - 7).is_none());
    // SAFETY: this test holds the only borrow.
    assert!(unsafe { own.lend(SIZE - 1, 2) }.is_none());
}

#[test]
fn a_region_is_only_taken_when_it_can_do_no_harm() {
    let size = SIZE;
    let whole = |fd: &std::os::fd::OwnedFd| memory::allocate(fd.as_fd(), size).unwrap();
    let make = |seals: SealFlags, allocate: bool| {
        let fd = rustix::fs::memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&fd, size as u64).unwrap();
        if allocate {
            whole(&fd);
        }
        rustix::fs::fcntl_add_seals(&fd, seals).unwrap();
        fd
    };
    for bits in 0..16u32 {
        let mut seals = SealFlags::empty();
        for (i, seal) in
            [SealFlags::SHRINK, SealFlags::GROW, SealFlags::FUTURE_WRITE, SealFlags::SEAL].into_iter().enumerate()
        {
            if bits >> i & 1 == 1 {
                seals |= seal;
            }
        }
        let taken = PeerRegion::map(make(seals, true).as_fd(), size);
        assert_eq!(taken.is_ok(), bits == 15, "{taken:?}");
    }
    let sealed = make(memory::ALL_SEALS, true);
    assert!(matches!(PeerRegion::map(sealed.as_fd(), size * 2), Err(NotARegion::WrongSize(n)) if n == SIZE as u64));
    assert!(matches!(PeerRegion::map(make(memory::ALL_SEALS, false).as_fd(), size), Err(NotARegion::Sparse(0))));
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    assert!(matches!(PeerRegion::map(pipe.as_fd(), size), Err(NotARegion::NotMemory)));
    let zero = std::fs::File::open("/dev/zero").unwrap();
    assert!(matches!(PeerRegion::map(zero.as_fd(), size), Err(NotARegion::NotMemory)));
}

#[test]
fn a_region_without_its_fixed_part_is_none() {
    let fd = memory::create(FRAMES - 4096).unwrap();
    assert!(matches!(OwnRegion::map(fd.as_fd(), FRAMES - 4096), Err(Errno::INVAL)));
    memory::allocate(fd.as_fd(), FRAMES - 4096).unwrap();
    memory::seal(fd.as_fd()).unwrap();
    assert!(matches!(PeerRegion::map(fd.as_fd(), FRAMES - 4096), Err(NotARegion::WrongSize(_))));
}

#[test]
fn the_fixed_part_is_where_the_layout_has_it() {
    use nearcall_layout::pair::{client, server};
    let (own, peer) = pair(SIZE);
    let check = |offset: usize, named: PeerLine<'_>| {
        own.line(offset).unwrap().publish(offset as u64);
        assert_eq!(named.poll(), offset as u64);
    };
    for astack in [0, 1, 127] {
        check(client::wait(astack), peer.wait_line(astack as u16));
        check(server::reply(astack), peer.reply_line(astack as u16));
        check(server::stamp(astack), peer.stamp_line(astack as u16));
    }
    for sequence in [0, 1, 255, 256, u32::MAX] {
        check(client::line(sequence), peer.request_line(sequence));
    }
    for n in [0, 63, 64] {
        own.word(client::bell(n)).unwrap().store(7);
        assert_eq!(peer.bell(n).load(), 7);
        own.word(server::armed(n)).unwrap().store(8);
        assert_eq!(peer.armed(n).load(), 8);
    }
    own.word(server::STATUS).unwrap().store(9);
    assert_eq!(peer.status().load(), 9);
}

#[test]
fn a_sealed_region_cannot_be_changed_by_its_reader() {
    let size = SIZE;
    let fd = memory::create(size).unwrap();
    let own = OwnRegion::map(fd.as_fd(), size).unwrap();
    memory::seal(fd.as_fd()).unwrap();
    own.word(8).unwrap().store(7);
    assert!(Mapping::shared(fd.as_fd(), size, true).is_err());
    assert!(rustix::fs::ftruncate(&fd, 0).is_err());
    assert!(rustix::fs::ftruncate(&fd, size as u64 * 2).is_err());
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    assert!(rustix::fs::fallocate(&fd, punch, 0, 4096).is_err());
    assert!(rustix::io::write(&fd, b"x").is_err());
    assert!(rustix::fs::fcntl_add_seals(&fd, SealFlags::WRITE).is_err());
    let peer = PeerRegion::map(fd.as_fd(), size).unwrap();
    assert_eq!(peer.word(8).unwrap().load(), 7);
}

use std::os::fd::AsFd;

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};

use super::*;

fn pair(size: usize) -> (OwnRegion, PeerRegion) {
    let fd = memory::create(size).unwrap();
    let own = OwnRegion::map(fd.as_fd(), size).unwrap();
    memory::seal(fd.as_fd()).unwrap();
    (own, PeerRegion::map(fd.as_fd(), size).unwrap())
}

#[test]
fn every_size_and_offset_is_copied_exactly() {
    let (own, peer) = pair(8192);
    // SAFETY: this test holds the only borrow.
    let bytes = unsafe { own.lend(0, 8192) }.unwrap();
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (i * 31 % 251) as u8;
    }
    let expected = bytes.to_vec();
    let mut buffer = [0; 4400];
    for offset in (0..70).chain([4095, 4096, 4097]) {
        for size in (0..140).chain([1023, 1024, 4065]) {
            for start in [0, 1, 17] {
                let into = &mut buffer[start..start + size];
                into.fill(0xee);
                let end = offset + size;
                if end > 8192 {
                    assert!(peer.copy_in(offset, into).is_none());
                    continue;
                }
                peer.copy_in(offset, into).unwrap();
                assert_eq!(into, &expected[offset..end]);
                copy::private_to_own(&expected[offset..end], &mut buffer[..size]);
                assert_eq!(&buffer[..size], &expected[offset..end]);
            }
        }
    }
}

#[test]
fn nothing_outside_is_reachable() {
    let (own, peer) = pair(4096);
    assert!(peer.copy_in(4096, &mut [0]).is_none());
    assert!(peer.copy_in(usize::MAX, &mut [0; 2]).is_none());
    assert!(own.line(4096).is_none() && own.line(64 * 63).is_some() && own.line(8).is_none());
    assert!(peer.word(4096).is_none() && peer.word(4).is_none() && peer.word(usize::MAX - 7).is_none());
    // SAFETY: this test holds the only borrow.
    assert!(unsafe { own.lend(4095, 2) }.is_none());
}

#[test]
fn a_region_is_only_taken_when_it_can_do_no_harm() {
    let size = 8192;
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
    assert!(matches!(PeerRegion::map(sealed.as_fd(), size * 2), Err(NotARegion::WrongSize(8192))));
    assert!(matches!(PeerRegion::map(make(memory::ALL_SEALS, false).as_fd(), size), Err(NotARegion::Sparse(0))));
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    assert!(matches!(PeerRegion::map(pipe.as_fd(), size), Err(NotARegion::NotMemory)));
    let zero = std::fs::File::open("/dev/zero").unwrap();
    assert!(matches!(PeerRegion::map(zero.as_fd(), size), Err(NotARegion::NotMemory)));
}

#[test]
fn a_sealed_region_cannot_be_changed_by_its_reader() {
    let size = 8192;
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

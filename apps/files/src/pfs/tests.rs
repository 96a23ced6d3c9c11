//! A pfs called in its own process.

use std::fs;

use super::*;
use crate::cache::PAGE;
use crate::table::OPEN_COUNT_MAX;

fn served(pages: usize) -> (tempfile::TempDir, Pfs) {
    let dir = tempfile::tempdir().unwrap();
    let pfs = Pfs::new(dir.path(), pages).unwrap();
    (dir, pfs)
}

const BOTH: u32 = flags::READ | flags::WRITE;

fn read(pfs: &Pfs, handle: Handle, pos: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let n = pfs.read(handle, &mut { pos }, &mut bytes).unwrap();
    bytes.truncate(n as usize);
    bytes
}

/// A sequence that is the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn whatever_is_done_to_a_file_the_cache_agrees_with_it() {
    let (dir, pfs) = served(48);
    let handle = pfs.create("f", BOTH, 0o600).unwrap();
    let (mut numbers, mut model) = (Numbers(3), Vec::<u8>::new());
    for round in 0..6_000_u32 {
        let pos = numbers.below(80 * PAGE as u64);
        let size = [1, 100, PAGE, 3 * PAGE + 7][numbers.below(4) as usize];
        match numbers.below(12) {
            0..5 => {
                let start = model.len().min(pos as usize);
                let end = model.len().min(pos as usize + size);
                assert!(read(&pfs, handle, pos, size) == model[start..end], "round {round}: {size} bytes at {pos}");
            }
            5..10 => {
                // At pages, too.
                let pos = if round % 2 == 0 { pos / PAGE as u64 * PAGE as u64 } else { pos };
                let bytes = vec![round as u8; size];
                let mut end = pos;
                assert_eq!(pfs.write(handle, &mut end, &bytes), Ok(size as u32));
                assert_eq!(end, pos + size as u64);
                model.resize(model.len().max(end as usize), 0);
                model[pos as usize..end as usize].copy_from_slice(&bytes);
            }
            10 => {
                model.resize(pos as usize, 0);
                pfs.truncate(handle, pos).unwrap();
            }
            _ => assert_eq!(pfs.fstat(handle).unwrap().size, model.len() as u64),
        }
        assert!(pfs.cache().len() <= 48);
    }
    assert!(fs::read(dir.path().join("f")).unwrap() == model);
    let (hits, misses) = pfs.cache().counts();
    assert!(hits > 1_000 && misses > 1_000, "{hits} hits, {misses} misses");
}

#[test]
fn many_who_read_and_write_leave_no_page_out_of_date() {
    let (dir, pfs) = served(64);
    let size = 32 * PAGE;
    fs::write(dir.path().join("f"), vec![0; size]).unwrap();
    std::thread::scope(|scope| {
        for n in 0..4_u64 {
            let pfs = &pfs;
            scope.spawn(move || {
                let handle = pfs.open("f", BOTH).unwrap();
                let mut numbers = Numbers(n);
                for round in 0..2_000 {
                    let pos = numbers.below(size as u64 - 600);
                    if round % 2 == 0 {
                        pfs.write(handle, &mut { pos }, &[round as u8; 600]).unwrap();
                    } else {
                        read(pfs, handle, pos, 3 * PAGE);
                    }
                    if round % 100 == 0 {
                        // Others' pages are forgotten under them.
                        pfs.fstat(handle).unwrap();
                    }
                }
                pfs.close(handle).unwrap();
            });
        }
    });
    let handle = pfs.open("f", BOTH).unwrap();
    // What is cached now, as it is: nobody has looked since the last write but by this open, which forgot all of it once.
    let through = read(&pfs, handle, 0, size);
    assert!(through == fs::read(dir.path().join("f")).unwrap() && read(&pfs, handle, 0, size) == through);
    assert_eq!(pfs.open_count(), 1);
}

#[test]
fn pages_written_are_read_without_the_disk() {
    let (dir, pfs) = served(64);
    let handle = pfs.create("f", BOTH, 0o600).unwrap();
    let bytes: Vec<u8> = (0..10 * PAGE + 9).map(|i| (i % 251) as u8).collect();
    pfs.write(handle, &mut 0, &bytes).unwrap();
    assert!(read(&pfs, handle, 0, bytes.len()) == bytes);
    assert_eq!(pfs.cache().counts().1, 0);
    assert!(fs::read(dir.path().join("f")).unwrap() == bytes, "and are in the file");
    // A cache that reads through would notice.
    fs::write(dir.path().join("f"), vec![7; bytes.len()]).unwrap();
    assert!(read(&pfs, handle, 0, bytes.len()) == bytes);
}

#[test]
fn a_directory_that_is_open_often_is_listed_once_in_memory() {
    let (dir, pfs) = served(4);
    for name in 0..500 {
        fs::write(dir.path().join(format!("a name of some length, number {name}")), "").unwrap();
    }
    let list = |handle| {
        let (mut next, mut page, mut names) = (0, vec![0; 4096], 0);
        loop {
            let n = pfs.get_direntries(handle, &mut next, &mut page).unwrap() as usize;
            if n == 0 {
                return names;
            }
            names += crate::interface::entries(&page[..n]).unwrap().len();
        }
    };
    let how = flags::DIRECTORY | flags::READ;
    let listing = |handle| match &*pfs.get(handle).unwrap() {
        Open::Directory { entries, .. } => Arc::clone(entries),
        Open::File { .. } => unreachable!("it was opened as a directory"),
    };
    let handles: Vec<Handle> = (0..100).map(|_| pfs.open(".", how).unwrap()).collect();
    let first = listing(handles[0]);
    assert!(handles.iter().all(|&handle| Arc::ptr_eq(&listing(handle), &first) && list(handle) == 500));
    // Who has it open has the names of then; who opens it now, those of now.
    fs::write(dir.path().join("new"), "").unwrap();
    let now = pfs.open(".", how).unwrap();
    assert_eq!((list(now), list(handles[0])), (501, 500));
    drop(first);
    let last = Arc::downgrade(&listing(handles[0]));
    handles.into_iter().for_each(|handle| pfs.close(handle).unwrap());
    assert_eq!(last.strong_count(), 0);
    pfs.close(now).unwrap();
}

#[test]
fn what_others_write_is_seen_from_the_next_open_on() {
    let (dir, pfs) = served(64);
    let path = dir.path().join("f");
    for round in 0..40_u8 {
        // The same size each time, and often within one tick of the file system's clock.
        fs::write(&path, [round; 5_000]).unwrap();
        let handle = pfs.open("f", flags::READ).unwrap();
        assert_eq!(read(&pfs, handle, 4_999, 9), [round]);
        fs::write(&path, [round + 100; 5_000]).unwrap();
        assert_eq!(read(&pfs, handle, 4_999, 9), [round], "a page that is cached");
        assert_eq!(pfs.fstat(handle).unwrap().size, 5_000);
        assert_eq!(read(&pfs, handle, 4_999, 9), [round + 100], "after asking");
        pfs.close(handle).unwrap();
        if round % 8 == 0 {
            // Long after the clock's resolution, on a slow machine as well: a stamp may be read late, never early.
            std::thread::sleep(std::time::Duration::from_millis(60));
            let handle = pfs.open("f", flags::READ).unwrap();
            let misses = pfs.cache().counts().1;
            read(&pfs, handle, 0, 5_000);
            pfs.close(handle).unwrap();
            let handle = pfs.open("f", flags::READ).unwrap();
            read(&pfs, handle, 0, 5_000);
            pfs.close(handle).unwrap();
            assert!(pfs.cache().counts().1 <= misses + 2, "what has not changed for long is not read again");
        }
    }
    // And what is written here, between their writes.
    let handle = pfs.open("f", BOTH).unwrap();
    read(&pfs, handle, 0, 5_000);
    fs::write(&path, [1; 5_000]).unwrap();
    pfs.write(handle, &mut 0, &[2; 10]).unwrap();
    let again = pfs.open("f", BOTH).unwrap();
    assert_eq!(read(&pfs, again, 8, 4), [2, 2, 1, 1]);
}

#[test]
fn appends_go_to_the_end_wherever_it_is() {
    let (dir, pfs) = served(64);
    let handle = pfs.create("log", flags::WRITE | flags::APPEND, 0o600).unwrap();
    pfs.write(handle, &mut 0, b"one ").unwrap();
    fs::OpenOptions::new()
        .append(true)
        .open(dir.path().join("log"))
        .and_then(|mut f| std::io::Write::write_all(&mut f, b"two "))
        .unwrap();
    let mut pos = 0;
    pfs.write(handle, &mut pos, b"three").unwrap();
    assert_eq!((pos, fs::read(dir.path().join("log")).unwrap()), (13, b"one two three".to_vec()));
    // Beside whoever appends without the server, and beside another server: nobody's line is lost.
    const LINES: usize = 3_000;
    let other = Pfs::new(dir.path(), 64).unwrap();
    std::thread::scope(|scope| {
        for pfs in [&pfs, &other] {
            scope.spawn(move || {
                let handle = pfs.open("log", BOTH | flags::APPEND).unwrap();
                for _ in 0..LINES {
                    let mut pos = 0;
                    assert_eq!(pfs.write(handle, &mut pos, b"served.\n"), Ok(8));
                    assert_eq!(read(pfs, handle, pos - 8, 8), b"served.\n");
                }
            });
        }
        let mut local = fs::OpenOptions::new().append(true).open(dir.path().join("log")).unwrap();
        for _ in 0..LINES {
            std::io::Write::write_all(&mut local, b"local..\n").unwrap();
        }
    });
    let log = fs::read(dir.path().join("log")).unwrap();
    let count = |line: &[u8]| log[13..].chunks(8).filter(|found| *found == line).count();
    assert_eq!((count(b"served.\n"), count(b"local..\n"), log.len()), (2 * LINES, LINES, 13 + 24 * LINES));
    let handle = pfs.open("log", BOTH).unwrap();
    assert!(read(&pfs, handle, 0, log.len()) == log);
}

#[test]
fn handles_and_tickets_are_good_for_whom_they_are_given_to() {
    let (dir, pfs) = served(64);
    fs::write(dir.path().join("f"), "abc").unwrap();
    let table = &pfs.table;
    let handle = pfs.open("f", flags::READ).unwrap();
    let (us, other, third) = (OURSELVES.id, Client { id: 7, uid: 1 }, Client { id: 8, uid: 1 });
    assert_eq!(table.get(other.id, handle).unwrap_err(), FileError::BadHandle);
    assert_eq!(table.take(other.id, handle).unwrap_err(), FileError::BadHandle);
    let ticket = pfs.hand_on(handle, 0).unwrap();
    assert_eq!(pfs.read(handle, &mut 0, &mut [0; 4]), Err(FileError::BadHandle));
    for n in 0..10_000_u128 {
        assert_eq!(table.claim(third, Ticket { bytes: n.to_le_bytes() }).unwrap_err(), FileError::BadHandle);
    }
    let theirs = table.claim(other, ticket).unwrap();
    assert_eq!(table.claim(third, ticket).unwrap_err(), FileError::BadHandle, "once");
    assert!(table.get(other.id, theirs).is_ok() && table.get(us, theirs).is_err());
    assert_eq!(pfs.open_count(), 1);
    pfs.forget(other.id);
    assert_eq!((pfs.open_count(), table.get(other.id, theirs).is_err()), (0, true));
    // For one, and for all; they expire, so a slow machine hands on more.
    let hand_on_until_refused = |whom: &dyn Fn(u64) -> u64| {
        for n in 0.. {
            let handle = pfs.open("f", flags::READ).unwrap();
            if pfs.hand_on(handle, whom(n)) == Err(FileError::TooManyOpen) {
                pfs.close(handle).unwrap();
                return n;
            }
        }
        0
    };
    assert!(hand_on_until_refused(&|_| 1) >= 32);
    assert!(hand_on_until_refused(&|n| 2 + n) > 0);
}

#[test]
fn a_user_leaves_descriptors_for_others() {
    let (dir, pfs) = served(64);
    fs::write(dir.path().join("f"), "abc").unwrap();
    let table = Table::new(100);
    let open = || {
        let (file, stat) = pfs.root.file("f", flags::READ, None).unwrap();
        let inode = pfs.inodes.of(&file, &stat).unwrap();
        Arc::new(Open::File { file, inode, how: flags::READ, read_to: AtomicU64::new(0), shown: OnceLock::new() })
    };
    let takes = |id, uid| (0..200).filter(|_| table.keep(Client { id, uid }, open()).is_ok()).count();
    assert_eq!((takes(1, 1), takes(2, 1)), (50, 0), "however many clients it is");
    assert_eq!(takes(3, 2), 25, "and another one half of what is left");
    table.forget(1);
    assert_eq!(takes(2, 1), 37);
    // Names are memory, which is counted as well.
    let directory = || {
        let file = File::open(dir.path()).unwrap();
        let entry = crate::Entry { kind: crate::Kind::File, inode: 1, name: b"f".to_vec() };
        Arc::new(Open::Directory { file, entries: vec![entry; 10 * 4096].into() })
    };
    let table = Table::new(100);
    assert_eq!((0..9).filter(|_| table.keep(Client { id: 1, uid: 1 }, directory()).is_ok()).count(), 4);
}

#[test]
fn a_write_that_finds_no_more_room_says_how_much_it_has_written() {
    let (dir, pfs) = served(64);
    let handle = pfs.create("f", BOTH, 0o600).unwrap();
    // The largest file there can be, less ten bytes.
    let largest = fs::OpenOptions::new().write(true).open(dir.path().join("f")).unwrap();
    let (mut fits, mut not) = (0_u64, i64::MAX as u64);
    while not - fits > 1 {
        let middle = fits + (not - fits) / 2;
        *(if largest.set_len(middle).is_ok() { &mut fits } else { &mut not }) = middle;
    }
    largest.set_len(0).unwrap();
    let mut pos = fits - 10;
    assert_eq!((pfs.write(handle, &mut pos, &[7; 100]), pos), (Ok(10), fits));
    assert_eq!(pfs.write(handle, &mut pos, &[7; 90]), Err(FileError::NoSpace));
}

#[test]
fn each_error_has_its_cause() {
    let (dir, pfs) = served(64);
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/f"), "abc").unwrap();
    std::os::unix::fs::symlink("f", dir.path().join("d/link")).unwrap();
    let file = pfs.open("d/f", BOTH).unwrap();
    let directory = pfs.open("d", flags::DIRECTORY).unwrap();
    let reader = pfs.open("d/f", flags::READ).unwrap();
    let writer = pfs.open("d/f", flags::WRITE).unwrap();
    let closed = pfs.open("d/f", flags::READ).unwrap();
    pfs.close(closed).unwrap();
    let page = &mut [0; 9];
    // A program that runs until it is told to end.
    fs::copy("/bin/cat", dir.path().join("busy")).unwrap();
    let mut running = std::process::Command::new(dir.path().join("busy"));
    let mut running = running.stdin(std::process::Stdio::piped()).spawn().unwrap();
    for (result, error) in [
        (pfs.open("none", flags::READ).map(drop), FileError::NotFound),
        (pfs.open("../x", flags::READ).map(drop), FileError::Outside),
        (pfs.open("d/link", flags::READ | flags::NO_FOLLOW).map(drop), FileError::Symlink),
        (pfs.open("d", flags::READ).map(drop), FileError::IsDirectory),
        (pfs.unlink("d", 0), FileError::IsDirectory),
        (pfs.open(&"n".repeat(256), flags::READ).map(drop), FileError::NameTooLong),
        (pfs.open("busy", BOTH).map(drop), FileError::Busy),
        (pfs.open("d/f", flags::DIRECTORY).map(drop), FileError::WrongKind),
        (pfs.read(directory, &mut 0, page).map(drop), FileError::IsDirectory),
        (pfs.get_direntries(file, &mut 0, page).map(drop), FileError::WrongKind),
        (pfs.create("d/f", BOTH | flags::EXCLUSIVE, 0o600).map(drop), FileError::Exists),
        (pfs.mkdir("d", 0o700), FileError::Exists),
        (pfs.open("d/f\0", flags::READ).map(drop), FileError::BadPath),
        (pfs.mkdir("d/..", 0o700), FileError::BadPath),
        (pfs.open("d/f", 0).map(drop), FileError::BadArgument),
        (pfs.open("d/f", flags::READ | 4096).map(drop), FileError::BadArgument),
        (pfs.open("d/f", flags::READ | flags::APPEND).map(drop), FileError::BadArgument),
        (pfs.open("d/f", flags::READ | flags::EXCLUSIVE).map(drop), FileError::BadArgument),
        (pfs.open("d", flags::DIRECTORY | flags::WRITE).map(drop), FileError::BadArgument),
        (pfs.stat("d", flags::WRITE).map(drop), FileError::BadArgument),
        (pfs.unlink("d", flags::WRITE), FileError::BadArgument),
        (pfs.write(file, &mut { u64::MAX }, b"x").map(drop), FileError::BadArgument),
        (pfs.truncate(file, u64::MAX), FileError::BadArgument),
        (pfs.read(closed, &mut 0, page).map(drop), FileError::BadHandle),
        (pfs.close(closed), FileError::BadHandle),
        (pfs.read(writer, &mut 0, page).map(drop), FileError::BadHandle),
        (pfs.write(reader, &mut 0, b"x").map(drop), FileError::BadHandle),
        (pfs.truncate(reader, 0), FileError::BadHandle),
        (pfs.claim(Ticket { bytes: [0; 16] }).map(drop), FileError::BadHandle),
        (pfs.write(file, &mut { i64::MAX as u64 - 9 }, b"x").map(drop), FileError::NoSpace),
        (pfs.get_direntries(directory, &mut 0, page).map(drop), FileError::PageTooSmall),
        (pfs.unlink("d", flags::DIRECTORY), FileError::NotEmpty),
    ] {
        assert_eq!(result, Err(error));
    }
    drop(running.stdin.take());
    running.wait().unwrap();
    assert_eq!(pfs.read(file, &mut { u64::MAX }, page), Ok(0));
    assert_eq!(fs::read(dir.path().join("d/f")).unwrap(), b"abc");
    let process = Pfs::new(Path::new("/proc/self"), 64).unwrap();
    let memory = process.open("mem", BOTH).unwrap();
    assert_eq!(process.write(memory, &mut 0, b"x"), Err(FileError::Io));
    let mut open = 0;
    let refused = loop {
        match pfs.open("d/f", flags::READ) {
            Ok(_) => open += 1,
            Err(error) => break error,
        }
    };
    assert!(refused == FileError::TooManyOpen && open < OPEN_COUNT_MAX);
    let frozen = Pfs::new(dir.path(), 64).unwrap().read_only();
    for result in [
        frozen.open("d/f", BOTH).map(drop),
        frozen.create("new", BOTH, 0o600).map(drop),
        frozen.mkdir("new", 0o700),
        frozen.unlink("d/f", 0),
        frozen.rename("d/f", "new"),
    ] {
        assert_eq!(result, Err(FileError::Denied));
    }
}

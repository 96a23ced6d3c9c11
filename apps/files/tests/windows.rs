//! Files that are read again and again, by way of their windows. Server and clients are in this process, each client by a
//! binding of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nearcall::{Binder, CallError, Exporter, GrantError};
use nearcall_files::cache::PAGE;
use nearcall_files::client::File;
use nearcall_files::pfs::Pfs;
use nearcall_files::{FileError, FilesClient, flags};

const BOTH: u32 = flags::READ | flags::WRITE;

/// More reads than a client needs to ask for a window.
const READS: usize = 40;

struct Stage {
    dir: tempfile::TempDir,
    pfs: Arc<Pfs>,
    _export: nearcall::Export,
}

impl Stage {
    fn new(pages: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["names", "tree"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let pfs = Arc::new(Pfs::new(&dir.path().join("tree"), pages).unwrap());
        let export = Arc::clone(&pfs).export(Exporter::new("pfs").dir(dir.path().join("names"))).unwrap();
        Self { dir, pfs, _export: export }
    }

    fn bind(&self) -> Arc<FilesClient> {
        Arc::new(Binder::new("pfs").dir(self.dir.path().join("names")).bind().unwrap())
    }

    fn put(&self, name: &str, size: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        std::fs::write(self.dir.path().join("tree").join(name), &bytes).unwrap();
        bytes
    }
}

fn read(file: &File, pos: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let n = file.read_at(&mut bytes, pos).unwrap();
    bytes.truncate(n);
    bytes
}

#[test]
fn what_is_read_again_is_read_in_a_window_and_is_what_it_was() {
    let stage = Stage::new(1024);
    let bytes = stage.put("f", 16 * PAGE + 9);
    let file = File::open(&stage.bind(), "f", flags::READ).unwrap();
    assert!(read(&file, 0, 1 << 20) == bytes);
    let without = stage.pfs.cache().len();
    assert_eq!(without, 17);
    for n in 0..READS {
        let pos = n % 16 * PAGE;
        assert!(read(&file, pos as u64, PAGE) == bytes[pos..pos + PAGE]);
    }
    // Its pages, and two that it needs besides.
    assert_eq!(stage.pfs.cache().len(), without + 17 + 2, "it has a window");
    let (hits, misses) = stage.pfs.cache().counts();
    for pos in [0, 1, PAGE - 1, PAGE, 5 * PAGE + 77, 16 * PAGE, bytes.len() - 1, bytes.len(), bytes.len() + 9 * PAGE] {
        for size in [1, 63, PAGE, 3 * PAGE + 1, 40 * PAGE] {
            let start = pos.min(bytes.len());
            let end = (pos + size).min(bytes.len());
            assert!(read(&file, pos as u64, size) == bytes[start..end], "{size} bytes at {pos}");
        }
    }
    let (hits_then, misses_then) = stage.pfs.cache().counts();
    assert!(hits_then > hits + 60 && misses_then <= misses + 2, "the server saw every read");
    drop(file);
    assert_eq!(stage.pfs.cache().len(), without, "and then it has gone");
}

#[test]
fn readers_in_windows_see_every_change_at_once() {
    let stage = Stage::new(1024);
    let mut model = stage.put("f", 8 * PAGE);
    let (reader, writer) = (stage.bind(), stage.bind());
    let (reader, writer) = (File::open(&reader, "f", flags::READ).unwrap(), File::open(&writer, "f", BOTH).unwrap());
    for _ in 0..READS {
        read(&reader, 0, PAGE);
    }
    let all = |model: &[u8]| {
        for pos in (0..model.len() + PAGE).step_by(PAGE - 100) {
            let (start, end) = (pos.min(model.len()), (pos + 2 * PAGE).min(model.len()));
            assert!(read(&reader, pos as u64, 2 * PAGE) == model[start..end], "at {pos} of {}", model.len());
        }
    };
    all(&model);
    for (pos, size) in [(0, 1), (100, PAGE), (3 * PAGE, 2 * PAGE), (8 * PAGE - 1, 3), (8 * PAGE + 50, 4 * PAGE)] {
        writer.write_at(&vec![size as u8 ^ 0x5a; size], pos as u64).unwrap();
        model.resize(model.len().max(pos + size), 0);
        model[pos..pos + size].fill(size as u8 ^ 0x5a);
        all(&model);
    }
    for size in [5 * PAGE + 1, 7 * PAGE, 0, 2 * PAGE] {
        writer.set_len(size as u64).unwrap();
        model.resize(size, 0);
        all(&model);
    }
    // What others do is seen from the next look on.
    let model = stage.put("f", 6 * PAGE + 5);
    reader.stat().unwrap();
    all(&model);
}

#[test]
fn a_read_in_a_window_is_of_one_piece() {
    const SIZE: usize = 3 * PAGE + 100;
    let stage = Stage::new(1024);
    stage.put("f", 8 * PAGE);
    let (reader, writer) = (stage.bind(), stage.bind());
    let writer = File::open(&writer, "f", BOTH).unwrap();
    writer.write_at(&[1; SIZE], 50).unwrap();
    let handle = reader.open("f", flags::READ).unwrap();
    let window = reader.window(handle).unwrap();
    let copy = || {
        let found = reader.find(handle, 50, SIZE as u32).unwrap();
        let (mut bytes, shown) = (vec![0; SIZE], window.bytes().unwrap());
        assert_eq!(shown.copy_to(&mut bytes, PAGE + 50), SIZE);
        (found.stamp != 0 && shown.word_after(0) == Some(found.stamp)).then_some(bytes)
    };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..1_000_u32 {
                writer.write_at(&[round as u8; SIZE], 50).unwrap();
            }
            is_over.store(true, Ordering::Release);
        });
        while !is_over.load(Ordering::Acquire) {
            if let Some(bytes) = copy() {
                assert!(bytes.iter().all(|&byte| byte == bytes[0]), "a mixture of two writes");
            }
        }
    });
    assert!(copy().unwrap() == [999_u32 as u8; SIZE], "nobody writes any more");
}

#[test]
fn a_window_is_for_whoever_reads_a_file_that_fits() {
    let stage = Stage::new(128);
    let files = stage.bind();
    let app = |error: FileError| Err(CallError::App(error));
    let open = |name: &str, how| files.open(name, how).unwrap();
    stage.put("f", PAGE);
    stage.put("large", 62 * PAGE + 1);
    assert_eq!(files.window(open("f", flags::WRITE)).map(drop), app(FileError::BadHandle));
    assert_eq!(files.window(open(".", flags::READ | flags::DIRECTORY)).map(drop), app(FileError::IsDirectory));
    assert_eq!(files.window(open("large", flags::READ)).map(drop), app(FileError::NoSpace), "more than half the cache");
    let handle = open("f", flags::READ);
    assert_eq!(files.find(handle, 0, 1).map(drop), app(FileError::BadHandle), "it has not asked for the window");
    let window = files.window(handle).unwrap();
    assert_eq!((window.size(), files.find(handle, 0, 1).map(|found| found.size)), (2 * PAGE, Ok(1)));
    // More than one call finds, and what is not in the window, has to be read.
    for (pos, size) in [(0, 200_000), (PAGE as u64, 1), (u64::MAX, 1)] {
        let found = files.find(handle, pos, size).unwrap();
        assert!(found.stamp == 0 || found.size == 0, "{found:?}");
    }
    assert_eq!(stage.pfs.cache().len() - 1, 1 + 2);
    files.close(handle).unwrap();
    assert_eq!(window.bytes().unwrap_err(), GrantError::Revoked, "what is freed is not kept by whoever has it mapped");
}

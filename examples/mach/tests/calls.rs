//! Both interfaces are called, here and in another process.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::Duration;

use nearcall::{Binder, Bounded, CallError, Exporter};
use nearcall_example_mach::clock::{self, Clock, ClockClient, ClockRoutines, ClockServed, ClockServer};
use nearcall_example_mach::disk::{self, DiskClient, DiskRoutines, DiskServed, DiskServer};

const NOT_FOUND: i32 = 5;

/// What the driver knows of a drive. Outside it is a number.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Record {
    number: u32,
}

/// One drive of bytes.
#[derive(Debug, Default)]
struct Driver {
    bytes: Mutex<Vec<u8>>,
    label: Mutex<[u8; 16]>,
    translated: AtomicUsize,
    released: AtomicUsize,
}

impl Driver {
    fn known(&self, drive: &Record) -> Result<(), i32> {
        if drive.number == 7 { Ok(()) } else { Err(NOT_FOUND) }
    }

    fn range(&self, at: u64, count: usize) -> Result<Vec<u8>, i32> {
        let (bytes, at) = (self.bytes.lock().unwrap(), usize::try_from(at).unwrap());
        bytes.get(at..at + count).map(<[u8]>::to_vec).ok_or(NOT_FOUND)
    }
}

impl DiskRoutines for Driver {
    type RecordT = Record;

    fn drive_of(&self, number: u32) -> Record {
        self.translated.fetch_add(1, Ordering::Relaxed);
        Record { number }
    }

    fn number_of(&self, record: Record) -> u32 {
        record.number
    }

    fn release_drive(&self, _record: Record) {
        self.released.fetch_add(1, Ordering::Relaxed);
    }

    fn ds_disk_open(&self, name: &str, drive: &mut Record) -> Result<(), i32> {
        if name != "hd0" {
            return Err(NOT_FOUND);
        }
        drive.number = 7;
        Ok(())
    }

    fn ds_disk_close(&self, drive: &Record) -> Result<(), i32> {
        self.known(drive)
    }

    fn ds_disk_label(&self, drive: &Record, label: &mut [u8; 16], shape: &mut [i32; 3]) -> Result<(), i32> {
        self.known(drive)?;
        std::mem::swap(&mut *self.label.lock().unwrap(), label);
        *shape = [16, 63, -1];
        Ok(())
    }

    fn ds_disk_read(&self, drive: &Record, at: u64, data: &mut [u8], count: &mut u32) -> Result<(), i32> {
        self.known(drive)?;
        let found = self.range(at, data.len().min(4))?;
        data[..found.len()].copy_from_slice(&found);
        *count = found.len() as u32;
        Ok(())
    }

    fn ds_disk_read_blocks(&self, drive: &Record, at: u64, wanted: i32, data: &mut Vec<u8>) -> Result<(), i32> {
        self.known(drive)?;
        *data = self.range(at, usize::try_from(wanted).unwrap())?;
        Ok(())
    }

    fn ds_disk_write_blocks(&self, drive: &Record, at: u64, data: Vec<u8>, written: &mut i32) -> Result<(), i32> {
        self.known(drive)?;
        let (mut bytes, at) = (self.bytes.lock().unwrap(), usize::try_from(at).unwrap());
        let end = at + data.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[at..end].copy_from_slice(&data);
        *written = data.len() as i32;
        Ok(())
    }

    fn ds_disk_load(&self, drive: &Record, image: &[u8], sum: &mut u64) -> Result<(), i32> {
        self.known(drive)?;
        *sum = image.iter().map(|byte| u64::from(*byte)).sum();
        Ok(())
    }

    fn ds_disk_set_status(&self, drive: &mut Record, status: &mut Bounded<Vec<i32>, 8>) -> Result<(), i32> {
        self.known(drive)?;
        drive.number += 1;
        *status = Bounded::new(status.iter().map(|word| -word).collect()).map_err(|_| NOT_FOUND)?;
        Ok(())
    }
}

#[test]
fn message_ids_are_base_and_index_and_skips_are_counted() {
    assert_eq!(
        [disk::DISK_OPEN_ID, disk::DISK_CLOSE_ID, disk::DISK_LABEL_ID, disk::DISK_READ_ID, disk::DISK_READ_BLOCKS_ID],
        [2800, 2802, 2803, 2804, 2805]
    );
    assert_eq!([disk::DISK_WRITE_BLOCKS_ID, disk::DISK_SET_STATUS_ID], [2806, 2809]);
    assert_eq!(
        [clock::TIME_ID, clock::ZONE_ID, clock::TICK_ID, clock::SPREAD_ID],
        [3125890, 3125891, 3125892, 3125894]
    );
}

fn use_a_disk(disk: &DiskClient) {
    let (mut drive, mut other) = (0, 9);
    assert_eq!(disk.disk_open("hd1", &mut other), Err(CallError::App(NOT_FOUND)));
    assert_eq!(other, 9, "nothing comes back of what has failed");
    disk.disk_open("hd0", &mut drive).unwrap();
    assert_eq!(drive, 7);
    let (mut label, mut shape) = (*b"a label of bytes", [0; 3]);
    disk.disk_label(drive, &mut label, &mut shape).unwrap();
    assert_eq!((label, shape), ([0; 16], [16, 63, -1]));
    disk.disk_label(drive, &mut label, &mut shape).unwrap();
    assert_eq!(&label, b"a label of bytes");

    let blocks: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let mut written = 0;
    disk.disk_write_blocks(drive, 10, blocks.clone(), &mut written).unwrap();
    assert_eq!(written, 1_000_000);
    let mut read = Vec::new();
    disk.disk_read_blocks(drive, 10, 1_000_000, &mut read).unwrap();
    assert!(read == blocks);
    let (mut sector, mut count) = ([0; 512], 0);
    disk.disk_read(drive, 12, &mut sector, &mut count).unwrap();
    assert_eq!((count, &sector[..5]), (4, &[2, 3, 4, 5, 0][..]));
    assert_eq!(disk.disk_read(8, 0, &mut sector, &mut count), Err(CallError::App(NOT_FOUND)));

    let (mut image, mut sum) = (vec![1; 2 << 20], 0);
    assert_eq!((disk.disk_load(drive, &image, &mut sum), sum), (Ok(()), 2 << 20));
    image.push(1);
    assert!(matches!(disk.disk_load(drive, &image, &mut sum), Err(CallError::TooLarge { .. })), "2 MiB and a byte");

    let mut status = Bounded::new(vec![1, -2, 3]).unwrap();
    disk.disk_set_status(&mut drive, &mut status).unwrap();
    assert_eq!((drive, &status[..]), (8, &[-1, 2, -3][..]));
    assert_eq!(disk.disk_close(drive), Err(CallError::App(NOT_FOUND)));
    disk.disk_close(7).unwrap();
}

#[test]
fn what_is_translated_is_released_once() {
    use nearcall_example_mach::disk::Disk as _;
    let served = DiskServed(Driver::default());
    let (mut drive, mut written) = (0, 0);
    served.disk_open("hd0", &mut drive).unwrap();
    let counts = || [&served.0.translated, &served.0.released].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts(), [0, 0], "what only goes back is not ended");
    served.disk_write_blocks(drive, 0, vec![1; 10], &mut written).unwrap();
    served.disk_close(drive).unwrap();
    assert_eq!(counts(), [2, 2]);
    assert_eq!(served.disk_close(3), Err(NOT_FOUND));
    assert_eq!(counts(), [3, 3], "after a failure, too");
    served.disk_set_status(&mut drive, &mut Bounded::new(vec![]).unwrap()).unwrap();
    assert_eq!(counts(), [4, 3], "it went back");
    assert_eq!(served.disk_set_status(&mut drive, &mut Bounded::new(vec![]).unwrap()), Err(NOT_FOUND));
    assert_eq!((counts(), drive), ([5, 4], 8));
}

#[derive(Debug, Default)]
struct Seconds(AtomicI32);

impl ClockRoutines for Seconds {
    fn tell_time(&self, now: &mut [i32; 2]) -> Result<(), i32> {
        *now = [self.0.load(Ordering::Relaxed), 0];
        Ok(())
    }

    fn tell_zone(&self, place: &str, name: &mut Bounded<String, 31>, flags: &mut [bool; 4]) -> Result<(), i32> {
        *name = Bounded::new(format!("{}/{place}", &**name)).map_err(|_| NOT_FOUND)?;
        *flags = [true, false, true, true];
        Ok(())
    }

    fn tell_tick(&self, by: i32) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    fn tell_spread(&self, moments: &[i64], ratio: f64, spread: &mut [i64], count: &mut u32) -> Result<(), i32> {
        *count = moments.len() as u32;
        for (to, from) in spread.iter_mut().zip(moments) {
            *to = (*from as f64 * ratio) as i64;
        }
        Ok(())
    }
}

fn use_a_clock(clock: &ClockClient) {
    clock.ask_tick(3).unwrap();
    clock.ask_tick(4).unwrap();
    let (mut now, start) = ([0; 2], std::time::Instant::now());
    while now != [7, 0] {
        clock.ask_time(&mut now).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "{now:?}");
    }
    let (mut name, mut flags) = (Bounded::new("Europe".to_owned()).unwrap(), [false; 4]);
    clock.ask_zone("Karlsruhe", &mut name, &mut flags).unwrap();
    assert_eq!((&name[..], flags), ("Europe/Karlsruhe", [true, false, true, true]));
    let failed = clock.zone("a place with a long name", &mut name, &mut flags);
    assert_eq!(failed, Err(CallError::App(NOT_FOUND)));
    let (mut spread, mut count) = ([0; 16], 0);
    clock.spread(&[10, -20, 30], 0.5, &mut spread, &mut count).unwrap();
    assert_eq!((count, &spread[..4]), (3, &[5, -10, 15, 0][..]));
    assert!(matches!(clock.spread(&[0; 17], 0.5, &mut spread, &mut count), Err(CallError::TooLarge { .. })));
}

const DIR: &str = "NEARCALL_EXAMPLE_DIR";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn both_are_served_by_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["serve", "--exact", "--nocapture"]).env(DIR, dir.path()).stdout(Stdio::null());
    let _server = Server(command.spawn().unwrap());
    let binder = |name: &str| Binder::new(name).dir(dir.path()).wait(Duration::from_secs(10));
    use_a_disk(&binder("disk").bind().unwrap());
    use_a_clock(&binder("clock").bind().unwrap());
}

/// Not a test: the other process.
#[test]
fn serve() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let exporter = |name: &str| Exporter::new(name).dir(&dir);
    let _disk = exporter("disk").export(DiskServer::new(DiskServed(Driver::default()))).unwrap();
    let _clock = exporter("clock").export(ClockServer::new(ClockServed(Seconds::default()))).unwrap();
    loop {
        std::thread::park();
    }
}

/// What a server of the trait itself would implement is there, too.
#[test]
fn prefixes_are_the_servers_and_not_the_wires() {
    fn is_served<T: Clock>() {}
    is_served::<ClockServed<Seconds>>();
}

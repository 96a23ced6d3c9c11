//! Calls between two processes by interfaces from `.idl`, and by the trait that says the same.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nearcall::{BindError, Binder, Bounded, CallError, Client, Description, Layout};
use nearcall_example_pfs::pfs::{PfsCall, PfsClient};
use nearcall_example_pfs::{idl, library};

struct Server {
    child: Child,
    dir: tempfile::TempDir,
}

impl Server {
    fn start(role: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_pfs"))
            .args([role.as_ref(), dir.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, dir }
    }

    fn bind<C: Client>(&self, name: &str) -> C {
        Binder::new(name).dir(self.dir.path()).bind().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_three_procedures_of_the_paper() {
    let server = Server::start("serve");
    let pfs: PfsClient = server.bind("pfs");
    let mut handle = 77;
    assert_eq!(pfs.pfs_open(1, 3, 0, 0, &mut handle), Ok(0));
    assert_eq!(handle, 2);
    let mut pos = 0;
    let data: Vec<i32> = (0..5000).collect();
    assert_eq!(pfs.pfs_write(handle, &mut pos, 5000, &data), Ok(5000), "out of band");
    assert_eq!(pos, 5000);
    let (mut pos, mut read) = (10, vec![1, 2, 3]);
    assert_eq!(pfs.pfs_get_direntries(handle, &mut pos, 4, &mut read), Ok(0));
    assert_eq!((pos, read.as_slice()), (14, &data[10..14]));
    let mut pos = 0;
    assert_eq!(pfs.pfs_get_direntries(handle, &mut pos, 5000, &mut read), Ok(0));
    assert_eq!(read, data);
    assert_eq!(pfs.pfs_write(9, &mut pos, 0, &[]), Ok(-2));
}

#[test]
fn the_loop_denies_and_queues() {
    let server = Server::start("deny");
    let pfs: PfsClient = server.bind("pfs");
    let (mut handle, mut pos) = (77, 5);
    assert_eq!(pfs.pfs_open(1, 3, 0, 0, &mut handle), Err(CallError::Denied));
    assert_eq!(pfs.pfs_write(0, &mut pos, 0, &[]), Err(CallError::Denied));
    assert!(CallError::<()>::Denied.is_retry_safe());
    assert_eq!((handle, pos), (77, 5));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert_eq!(PfsCall::pfs_get_direntries(&pfs, 0, &mut 0, 1, &mut Vec::new()), Ok(-2));
                }
            });
        }
    });
}

/// Its stubs carry their messages themselves, and the other host would not know what is in them.
#[test]
fn the_conventional_back_end_does_not_go_far() {
    let bound =
        Binder::new("chan://127.0.0.1:9/library").bind::<nearcall_example_pfs::idl_conventional::LibraryClient>();
    let Err(BindError::Unsupported(why)) = bound else { panic!("{bound:?}") };
    assert!(why.contains("is of the conventional back end"), "{why}");
}

/// The note waits for a call that its client makes afterwards, so the client cannot have waited for it.
#[test]
fn nobody_waits_for_a_oneway_call() {
    let server = Server::start("serve");
    let library: idl::LibraryClient = server.bind("idl");
    assert_eq!(library.note("wait"), Ok(()));
    let mut until = String::new();
    assert_eq!(library.lend(8, "Ann", &mut until), Ok(()));
    assert_eq!(until, "a note came through");
    for _ in 0..1000 {
        assert_eq!(library.note("in passing"), Ok(()), "A-stacks come back");
        assert_eq!(library.count(), Ok(10));
    }
}

/// Calls everything through a client of one description.
macro_rules! everything {
    ($module:ident, $client:expr) => {{
        use $module::{Book, Chapter, LendError, OnLoan, Point, Subject, Turn, UnknownBook};
        let library = $client;
        let book = Book {
            title: Bounded::new("Title".to_owned()).unwrap(),
            authors: vec!["One".to_owned(), "Two".to_owned()],
            about: Subject::Year(-44),
            shelf: None,
            sum: [3; 32],
        };
        let marks = [Point { x: 9, y: 2 }, Point { x: 1, y: 1 }];
        assert_eq!(library.add(&book, &[4; 32], &marks), Ok(3 + 4 + 7 + 5));
        assert!(matches!(
            library.add(&book, &[4; 32], &[marks[0]; 9000]),
            Err(CallError::TooLarge { limit: 65536, .. })
        ));
        let mut until = "before".to_owned();
        assert_eq!(library.lend(1, "Ann", &mut until), Ok(()));
        assert_eq!(until, "Ann has it");
        let on_loan = LendError::OnLoan(OnLoan { until: "Monday".to_owned() });
        assert_eq!(library.lend(9, "Ann", &mut until), Err(CallError::App(on_loan)));
        let unknown = LendError::UnknownBook(UnknownBook { id: 10 });
        assert_eq!(library.lend(10, "Ann", &mut until), Err(CallError::App(unknown)));
        assert_eq!(until, "Ann has it", "targets are untouched on any error");
        let mut text = [b'.'; 20];
        assert_eq!(library.page(6, &mut text), Ok(6));
        assert_eq!(&text, b"xxxxxx..............");
        assert_eq!(library.page(u32::MAX, &mut text), Ok(-1), "an error of the procedure's own, and nothing filled");
        assert_eq!(&text, b"xxxxxx..............");
        let (mut count, mut lengths) = (0, [99; 5]);
        assert_eq!(library.words(3, &mut count, &mut lengths), Ok(()));
        assert_eq!((count, lengths), (3, [0, 1, 2, 99, 99]));
        assert_eq!(
            library.words(6, &mut count, &mut lengths),
            Err(CallError::PeerMisbehaved),
            "more than there is room"
        );
        assert_eq!((count, lengths), (3, [0, 1, 2, 99, 99]));
        let mut of = Chapter { title: "I".to_owned(), parts: vec![Chapter::default(); 3] };
        let (before, mut notes, mut done) = (of.clone(), vec!["a note".to_owned()], false);
        assert_eq!(library.chapters(&mut of, 2, &mut notes, &mut done), Ok(()));
        assert_eq!((of.title.as_str(), of.parts, done), ("I+2", vec![before], true));
        assert_eq!(notes, ["a note", "corrected"]);
        let mut points = [Point { x: 1, y: 2 }; 3];
        assert_eq!(library.rotate(&mut points, b"abc", &[1, 2], -1), Ok(Turn::Left));
        assert_eq!(points, [Point { x: -2, y: 1 }; 3]);
        assert_eq!(library.note("quietly"), Ok(()));
    }};
}

#[test]
fn a_trait_and_the_idl_that_says_the_same_can_call_each_other() {
    let server = Server::start("serve");
    everything!(idl, server.bind::<idl::LibraryClient>("idl"));
    everything!(library, server.bind::<library::LibraryClient>("idl"));
    everything!(library, server.bind::<library::LibraryClient>("trait"));
    let reading: idl::ReadingClient = server.bind("reading");
    assert_eq!(reading.count(), Ok(10));
    let book = reading.find(0).unwrap();
    assert_eq!((book.title.as_str(), book.about, book.shelf), ("Volume 0", idl::Subject::Nothing, Some(7)));
    assert_eq!(reading.find(10), Err(CallError::App(idl::UnknownBook { id: 10 })));
    // A client of the base calls a server of what inherits from it.
    let base: library::ReadingClient = server.bind("idl");
    assert_eq!(base.find(10), Err(CallError::App(library::UnknownBook { id: 10 })));
}

#[test]
fn fingerprints_are_equal() {
    let pairs = |a: Description, b: Description| {
        let mut count = 0;
        for procedure in b.procedures() {
            let other = a.procedures().find(|other| other.name() == procedure.name()).unwrap();
            assert_eq!(other.signature(), procedure.signature());
            assert_eq!(other.fingerprint(), procedure.fingerprint());
            count += 1;
        }
        count
    };
    assert_eq!(pairs(idl::LibraryClient::describe(), library::LibraryClient::describe()), 7);
    assert_eq!(pairs(idl::ReadingClient::describe(), library::ReadingClient::describe()), 2);
    assert_eq!(pairs(idl::LibraryClient::describe(), library::ReadingClient::describe()), 2);
    assert_eq!(idl::ReadingClient::describe().version(), (1, 2));
    assert_eq!(idl::ReadingClient::describe().uuid(), Some(0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8));
    let pfs = PfsClient::describe();
    let open = pfs.procedures().next().unwrap();
    assert_eq!((open.name(), open.layout()), ("pfs_open", Layout::Line));
}

#[test]
fn constants_are_there() {
    assert_eq!((idl::SHELF, idl::GREETING, idl::HALF), (16, "hello", 0.5));
}

/// What the compiler computes for its text is what rustc computes from `Wire`.
#[test]
fn layouts_are_those_that_rustc_computes() {
    for (file, describe) in [
        ("library.idl", vec![idl::ReadingClient::describe(), idl::LibraryClient::describe()]),
        ("pfs.idl", vec![PfsClient::describe()]),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let layout = nearcall_idl::lang::compile_file(&path).unwrap().layout();
        let lines: Vec<&str> = layout.lines().collect();
        for procedure in describe.iter().flat_map(Description::procedures) {
            let text = procedure.to_string();
            let expected: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|line| *line == expected[0]).unwrap_or_else(|| panic!("{}", expected[0]));
            let path = |line: &str| line.split(':').next().unwrap().to_owned();
            assert_eq!(path(lines[at + 1]), path(expected[1]), "{}", expected[0]);
            assert_eq!(lines[at + 2], expected[2], "{}", expected[0]);
        }
    }
}

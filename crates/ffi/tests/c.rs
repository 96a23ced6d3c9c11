//! Programs in C, compiled by gcc from what the interface compiler writes, against Rust's side and against each other; under
//! valgrind, if there is one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nearcall::{BindError, Binder, CallError, Client, Exporter};
use nearcall_example_pfs::pfs::{PfsClient, PfsServer};
use nearcall_example_pfs::pfs_server::Words;
use nearcall_idl::lang::{self, Side};

const PATIENCE: Duration = Duration::from_secs(100);

/// The library that this test was built with, beside it.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let deps = test.parent().unwrap();
    [deps.join("libnearcall_ffi.a"), deps.parent().unwrap().join("libnearcall_ffi.a")]
        .into_iter()
        .find(|path| path.exists())
        .expect("cargo builds the static library with the tests")
}

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compiles an `.idl` and a program, with all warnings as errors.
fn build(dir: &Path, idl: &str, program: &str) -> PathBuf {
    // A client under valgrind, on a CPU that it shares, may need longer than a second for its part of a handshake.
    nearcall::set_limits(nearcall::Limits::default().handshake_time(Duration::from_secs(30)));
    let compiled = lang::compile_file(&crate_dir().join(idl)).unwrap();
    let output = compiled.write_c(dir, Side::Both).unwrap();
    let sources = output.written.iter().chain(&output.kept).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".c") && !name.ends_with("_template.c")
    });
    let out = dir.join(program);
    let gcc = Command::new("gcc")
        .args(["-std=gnu99", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(crate_dir().join("include"))
        .arg("-I")
        .arg(dir)
        .args(sources)
        .arg(crate_dir().join(format!("tests/c/{program}.c")))
        .arg(library())
        .args(["-lpthread", "-ldl", "-lm", "-lgcc_s", "-o"])
        .arg(&out)
        .output()
        .expect("gcc compiles stubs in C");
    assert!(gcc.status.success(), "{}", String::from_utf8_lossy(&gcc.stderr));
    out
}

/// The program, under valgrind if there is one: no leak, no invalid access.
fn checked(program: &Path) -> Command {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("without valgrind: there is none");
        return Command::new(program);
    }
    let mut command = Command::new("valgrind");
    command.args([
        "-q",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect",
        "--errors-for-leak-kinds=definite,indirect",
    ]);
    let known = crate_dir().join("tests/c/valgrind.supp");
    command.arg(format!("--suppressions={}", known.display())).arg("--error-exitcode=99").arg(program);
    command
}

fn succeeds(mut command: Command, what: &str) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !text.contains("lost in loss record"), "{what}: {:?}\n{text}", output.status);
}

/// Binds. Under valgrind, on a machine with other things to do, a handshake can take longer than it may.
fn bind<C: Client>(name: &str, dir: &Path) -> C {
    let begun = Instant::now();
    loop {
        match Binder::new(name).dir(dir).bind() {
            Ok(client) => return client,
            Err(BindError::Timeout(_) | BindError::Closed) if begun.elapsed() < PATIENCE => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Compiles what an `.idl` with these `files`, the first of them, becomes in C, with templates; returns its directory.
fn compiles(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let load = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    };
    let compiled = lang::compile(files[0].0, files[0].1.as_bytes(), &load).unwrap_or_else(|wrong| panic!("{wrong}"));
    let output = compiled.write_c(dir.path(), Side::Both).unwrap();
    let gcc = Command::new("gcc")
        .args(["-std=c99", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Wframe-larger-than=65536", "-Werror", "-c", "-I"])
        .arg(crate_dir().join("include"))
        .args(output.written.iter().filter(|path| path.extension().is_some_and(|c| c == "c")))
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(gcc.status.success(), "{files:?}\n{}", String::from_utf8_lossy(&gcc.stderr));
    dir
}

/// The names that its object files define for others to link with.
fn defined(dir: &Path) -> Vec<String> {
    let objects = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let objects = objects.filter(|path| {
        let name = path.to_string_lossy();
        name.ends_with(".o") && !name.ends_with("_template.o")
    });
    let output = Command::new("nm").args(["-P", "-g", "--defined-only"]).args(objects).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn whatever_names_an_idl_has_it_is_c() {
    for text in [
        // Names of what stubs call, of types, of macros, of the variables of loops.
        "sequence<string> get([in] long free, [in] long memset, [in] long memcpy, [in] long malloc, [in] long calloc);",
        "void two([in] long int32_t, [in] long b, [in] long uint8_t, [in] string size_t);",
        "struct s { long a; }; void f([in] s p_s, [in] s b, [in] long p_f, [in] long nearcall_get32);",
        "void arr([in,out] string i[4], [in,out] sequence<string> nc_i);",
        "const long LIMIT = 3; struct t { long p_LIMIT; }; void f([in] t p_LIMIT, [out] t *v);",
        "enum colour { RED = 1 }; struct t { long p_colour_RED; colour c; }; void p_colour_RED([in] t v);",
        "void alloca([in] long a, [in] long b); void assert([in] long stdin);",
        "const long colour_RED = 3; enum colour { RED = 1 }; void f([in] colour c);",
        "struct a_b { long x; }; union a switch (long) { case 0: a_b B; case 1: a_b b2; }; void f([in] a x);",
        "uint128 f5([in] uint128 a); int128 f6(); [deferred] uint128 f7();",
        // What is large where it lies in memory, and is counted before it is sent.
        "struct wide { boolean b[3000000]; }; void f([in] sequence<wide> x, [in] sequence<optional<wide>> y);",
        "exception a { long x; }; exception b { long y; };
         interface one { void open() raises (a, b); }; interface two { void open() raises (b, a); };",
    ] {
        compiles(&[("p.idl", text)]);
    }
}

/// A constant stays what it is, whatever values of enums are called.
#[test]
fn two_macros_of_one_name_are_two() {
    let dir = compiles(&[("p.idl", "const long colour_RED = 3; enum colour { RED = 1 }; void f([in] colour c);")]);
    let header = std::fs::read_to_string(dir.path().join("p.h")).unwrap();
    assert!(header.contains("#define p_colour_RED 3\n"), "{header}");
    assert!(header.contains("#define p_colour_RED_2 ((p_colour)1)\n"), "{header}");
}

/// What the C library has is not defined a second time, and what is imported is not defined by each file that does.
#[test]
fn what_is_generated_can_be_linked_with_everything_else() {
    let text = "interface sem { void open(); void wait(); void post(); }; interface timer { void create(); };";
    let names = defined(compiles(&[("p.idl", text)]).path());
    assert!(names.iter().any(|name| name == "p_sem_open"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("sem_") || name.starts_with("timer_")), "{names:?}");
    let base = ("base.idl", "struct item { long x; }; interface reader { item count(); }; void base_bare();");
    let [one, two] = ["one", "two"].map(|stem| {
        let text = format!("import \"base.idl\"; interface {stem}_writer : reader {{ void add([in] item x); }};");
        compiles(&[(&format!("{stem}.idl"), &text), base])
    });
    let (ones, twos) = (defined(one.path()), defined(two.path()));
    assert!(ones.iter().any(|name| name == "one_reader_count") && ones.iter().any(|name| name == "one_writer_count"));
    assert!(ones.iter().any(|name| name == "one_base_bare"), "{ones:?}");
    assert!(ones.iter().all(|name| !twos.contains(name)), "{ones:?} {twos:?}");
    // Their headers stand beside each other, too.
    std::fs::write(one.path().join("both.c"), "#include \"one.h\"\n#include \"two.h\"\n").unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"]).arg(crate_dir().join("include"));
    let gcc = gcc.arg("-I").arg(two.path()).arg(one.path().join("both.c")).output().unwrap();
    assert!(gcc.status.success(), "{}", String::from_utf8_lossy(&gcc.stderr));
}

/// What a peer says is there costs memory only within the bounds of its parameter, on either side.
#[test]
fn few_bytes_are_not_much_memory_in_c() {
    let text =
        "union v switch (long) { case 0: ; case 1: octet big[4096]; case 2: string s; }; void f([in] sequence<v> x);";
    let dir = compiles(&[("p.idl", text)]);
    let program = dir.path().join("memory");
    let gcc = Command::new("gcc")
        .args(["-std=c99", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(crate_dir().join("include"))
        .arg("-I")
        .arg(dir.path())
        .arg(crate_dir().join("tests/c/memory.c"))
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    assert!(gcc.status.success(), "{}", String::from_utf8_lossy(&gcc.stderr));
    succeeds(checked(&program), "memory");
}

/// The program of docs/idl.md, from start to end: compiled by the commands that stand there.
#[test]
fn the_program_in_the_manual_says_hello() {
    let page = std::fs::read_to_string(crate_dir().join("../../docs/idl.md")).unwrap();
    let blocks = |fence: &str| -> Vec<String> {
        let begins = format!("```{fence}\n");
        page.split(&begins).skip(1).filter_map(|rest| rest.split("\n```").next()).map(str::to_owned).collect()
    };
    let (dir, names) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for block in blocks("idl").into_iter().chain(blocks("c")) {
        if let Some(name) = block.lines().next().and_then(|line| line.strip_prefix("// ")) {
            std::fs::write(dir.path().join(name), &block).unwrap();
        }
    }
    lang::compile_file(&dir.path().join("greeter.idl")).unwrap().write_c(dir.path(), Side::Both).unwrap();
    let commands = blocks("sh").into_iter().find(|block| block.contains("greeter.idl")).unwrap();
    for command in commands.lines().filter(|line| line.starts_with("gcc ")) {
        let command = command
            .replace("crates/ffi/include", &crate_dir().join("include").display().to_string())
            .replace("target/release/libnearcall_ffi.a", &library().display().to_string());
        let command = format!("{command} -Wall -Wextra -Werror");
        let output = Command::new("sh").args(["-c", &command]).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    nearcall::set_limits(nearcall::Limits::default().handshake_time(Duration::from_secs(30)));
    let run = |name: &str| {
        let mut command = Command::new(dir.path().join(name));
        command.env("NEARCALL_DIR", names.path());
        command
    };
    let server = Server::start(run("server"));
    let said = |argument: &str| run("client").arg(argument).output().unwrap();
    let output = said("world");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"Hello, world\n"[..]), "{output:?}");
    let output = said("");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(1), &b"the procedure returned its own error\n"[..])
    );
    server.end();
    let output = said("world");
    assert!(output.status.code() == Some(1) && !output.stderr.is_empty(), "{output:?}");
}

struct Server(Child);

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }

    /// Closes its input, on which it withdraws.
    fn end(self) {
        let output = self.0.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}\n{text}", output.status);
    }
}

fn program(program: &Path, role: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(role).arg(dir);
    command
}

#[path = "../../../examples/pfs/tests/round_trips.rs"]
mod round_trips;

#[test]
fn random_values_come_back_equal_through_c() {
    let dir = tempfile::tempdir().unwrap();
    let names = tempfile::tempdir().unwrap();
    let library = build(dir.path(), "../../examples/pfs/library.idl", "library");
    for is_checked in [false, true] {
        let _export = round_trips::idl::export("library", names.path());
        let mut command = if is_checked { checked(&library) } else { Command::new(&library) };
        command.arg(names.path());
        let server = Server::start(command);
        let client: nearcall_example_pfs::idl::LibraryClient = bind("relay", names.path());
        round_trips::idl::check(&client, if is_checked { 10 } else { round_trips::rounds() });
        drop(client);
        server.end();
    }
}

#[test]
fn a_client_in_c_calls_a_server_in_rust() {
    let dir = tempfile::tempdir().unwrap();
    let names = tempfile::tempdir().unwrap();
    let pfs = build(dir.path(), "../../examples/pfs/pfs.idl", "pfs");
    let export = Exporter::new("pfs").dir(names.path()).export(PfsServer::new(Words::default())).unwrap();
    succeeds(program(&pfs, "call", names.path()), "as it is");
    let mut command = checked(&pfs);
    command.arg("call").arg(names.path());
    succeeds(command, "checked");
    drop(export);
}

#[test]
fn a_client_in_rust_calls_a_server_in_c() {
    let dir = tempfile::tempdir().unwrap();
    let names = tempfile::tempdir().unwrap();
    let pfs = build(dir.path(), "../../examples/pfs/pfs.idl", "pfs");
    for is_checked in [false, true] {
        let mut command = if is_checked { checked(&pfs) } else { Command::new(&pfs) };
        command.arg("serve").arg(names.path());
        let server = Server::start(command);
        let client: PfsClient = bind("pfs", names.path());
        let (mut handle, mut pos) = (77, 0);
        assert_eq!(client.pfs_open(1, 3, 0, 0, &mut handle), Ok(0));
        assert_eq!(handle, 2);
        let data: Vec<i32> = (0..5000).collect();
        assert_eq!(client.pfs_write(handle, &mut pos, 5000, &data), Ok(5000));
        assert_eq!(pos, 5000);
        let (mut pos, mut read) = (10, vec![1, 2, 3]);
        assert_eq!(client.pfs_get_direntries(handle, &mut pos, 4, &mut read), Ok(0));
        assert_eq!((pos, read.as_slice()), (14, &data[10..14]));
        let mut pos = 0;
        assert_eq!(client.pfs_get_direntries(handle, &mut pos, 5000, &mut read), Ok(0));
        assert_eq!(read, data);
        assert_eq!(client.pfs_write(9, &mut pos, 0, &[]), Ok(-2));
        let too_large = client.pfs_write(0, &mut pos, 0, &vec![0; 300_000]);
        assert_eq!(too_large, Err(CallError::TooLarge { size: 1_200_000, limit: 1_048_576 }));
        drop(client);
        server.end();
    }
}

#[test]
fn c_calls_c() {
    let dir = tempfile::tempdir().unwrap();
    let names = tempfile::tempdir().unwrap();
    let pfs = build(dir.path(), "../../examples/pfs/pfs.idl", "pfs");
    let server = Server::start(program(&pfs, "serve", names.path()));
    succeeds(program(&pfs, "call", names.path()), "as it is");
    server.end();
}

/// A loop that its author has changed stays what it is, and decides.
#[test]
fn a_changed_loop_in_c_is_kept_and_denies_and_queues() {
    let (dir, names) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = crate_dir().join("../../examples/pfs/c/pfs_loop.c");
    let kept = dir.path().join("pfs_loop.c");
    std::fs::copy(&own, &kept).unwrap();
    let pfs = build(dir.path(), "../../examples/pfs/pfs.idl", "pfs");
    assert_eq!(std::fs::read(&kept).unwrap(), std::fs::read(&own).unwrap());
    let own_uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(names.path()).unwrap());
    for (writer, may) in [(own_uid, true), (own_uid + 1, false)] {
        let mut command = program(&pfs, "serve", names.path());
        command.env("PFS_WRITER", writer.to_string());
        let server = Server::start(command);
        let client: PfsClient = bind("pfs", names.path());
        let (mut handle, mut pos) = (77, 0);
        let opened = client.pfs_open(1, 3, 0, 0, &mut handle);
        assert_eq!(opened, if may { Ok(0) } else { Err(CallError::Denied) });
        assert_eq!(handle, if may { 2 } else { 77 });
        let wrote = client.pfs_write(handle, &mut pos, 2, &[5, 6]);
        assert_eq!(wrote, if may { Ok(2) } else { Err(CallError::Denied) });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let mut read = Vec::new();
                        let got = client.pfs_get_direntries(handle, &mut 0, 2, &mut read);
                        assert_eq!((got, read), if may { (Ok(0), vec![5, 6]) } else { (Ok(-2), Vec::new()) });
                    }
                });
            }
        });
        drop(client);
        server.end();
    }
}

/// A library that sends nothing but nonsense stands in for ours: what stubs in C do with it is seen by gcc's sanitizers.
#[test]
fn stubs_in_c_bear_nonsense_from_either_side() {
    let dir = tempfile::tempdir().unwrap();
    let idl = crate_dir().join("../../examples/pfs/library.idl");
    let output = lang::compile_file(&idl).unwrap().write_c(dir.path(), Side::Both).unwrap();
    let sources = output.written.iter().filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".c") && !name.ends_with("_template.c")
    });
    let own = ["library", "hostile"].map(|name| crate_dir().join(format!("tests/c/{name}.c")));
    let out = dir.path().join("hostile");
    let compile = |sanitizers: &[&str]| {
        let mut gcc = Command::new("gcc");
        gcc.args(["-std=gnu99", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I"]).args([&crate_dir().join("include")]);
        gcc.arg("-I").arg(dir.path()).args(sanitizers).args(sources.clone()).args(&own).arg("-o").arg(&out);
        gcc.output().unwrap()
    };
    let gcc = compile(&["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    let is_sanitized = gcc.status.success();
    if !is_sanitized {
        eprintln!("without gcc's sanitizers: {}", String::from_utf8_lossy(&gcc.stderr));
        let gcc = compile(&[]);
        assert!(gcc.status.success(), "{}", String::from_utf8_lossy(&gcc.stderr));
    }
    let log = dir.path().join("found");
    let mut command = if is_sanitized { Command::new(&out) } else { checked(&out) };
    command.env("ASAN_OPTIONS", format!("log_path={}", log.display())).env("UBSAN_OPTIONS", "print_stacktrace=1");
    let ended = command.arg(dir.path()).stdin(Stdio::null()).output().unwrap();
    let found = std::fs::read_dir(dir.path())
        .unwrap()
        .filter_map(Result::ok)
        .filter(|file| file.file_name().to_string_lossy().starts_with("found"));
    let found: String = found.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
    assert!(ended.status.success() && found.is_empty(), "{:?} {found}", ended.status);
    println!("{}", String::from_utf8_lossy(&ended.stdout));
}

/// What `later.idl` says, as a trait: it has the same fingerprints, since it is bound to.
mod later {
    use nearcall::{ReplyToken, Wire};

    /// Why there is none.
    #[derive(Debug, Clone, PartialEq, Eq, Wire)]
    pub(crate) struct Missing {
        pub key: String,
    }

    /// What was waited for.
    #[derive(Debug, Clone, PartialEq, Eq, Wire)]
    pub(crate) struct Found {
        pub text: String,
        pub count: i32,
    }

    #[nearcall::interface]
    pub(crate) trait Store {
        #[call(timeout = "60s", concurrency = 8)]
        fn until(&self, key: &str, reply: ReplyToken<Result<Found, Missing>>);
        fn twice(&self, number: i32, reply: ReplyToken<i32>);
        fn many(&self, count: i32, reply: ReplyToken<Vec<i32>>);
        fn nothing(&self, reply: ReplyToken<()>);
        fn put(&self, key: &str, value: &str) -> i32;
        fn forget(&self, key: &str) -> i32;
        fn waiting(&self, #[out] all: &mut i32, #[out] over: &mut i32);
    }

    type Waiting = (String, ReplyToken<Result<Found, Missing>>);

    #[derive(Debug, Default)]
    pub(crate) struct Shelf(std::sync::Mutex<Vec<Waiting>>);

    impl Shelf {
        fn take(&self, key: &str) -> Vec<Waiting> {
            self.0.lock().unwrap().extract_if(.., |(of, _)| of == key).collect()
        }
    }

    impl Store for Shelf {
        fn until(&self, key: &str, reply: ReplyToken<Result<Found, Missing>>) {
            if key.is_empty() {
                return reply.send(Err(Missing { key: "none".to_owned() }));
            }
            self.0.lock().unwrap().push((key.to_owned(), reply));
        }
        fn twice(&self, number: i32, reply: ReplyToken<i32>) {
            std::thread::spawn(move || reply.send(number * 2));
        }
        fn many(&self, count: i32, reply: ReplyToken<Vec<i32>>) {
            reply.send((0..count).map(|i| i * 7).collect());
        }
        fn nothing(&self, reply: ReplyToken<()>) {
            reply.send(());
        }
        fn put(&self, key: &str, value: &str) -> i32 {
            let mut count = 0;
            for (_, reply) in self.take(key) {
                count += 1;
                let missing = Missing { key: key.to_owned() };
                reply.send(if value.is_empty() { Err(missing) } else { Ok(Found { text: value.to_owned(), count }) });
            }
            count
        }
        fn forget(&self, key: &str) -> i32 {
            i32::try_from(self.take(key).len()).unwrap()
        }
        fn waiting(&self, all: &mut i32, over: &mut i32) {
            let waiting = self.0.lock().unwrap();
            *all = i32::try_from(waiting.len()).unwrap();
            *over = i32::try_from(waiting.iter().filter(|(_, reply)| reply.is_cancelled()).count()).unwrap();
        }
    }
}

#[test]
fn replies_come_later_from_c_and_to_c() {
    use later::{Found, Missing, StoreClient, StoreServer};
    let (dir, names) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program_of = build(dir.path(), "tests/c/later.idl", "later");
    for is_checked in [false, true] {
        let command = || if is_checked { checked(&program_of) } else { Command::new(&program_of) };
        let mut serves = command();
        serves.arg("serve").arg(names.path());
        let server = Server::start(serves);
        // C to C.
        let mut calls = command();
        calls.arg("call").arg(names.path());
        succeeds(calls, "C to C");
        // Rust to C.
        let bind = || bind::<StoreClient>("store", names.path());
        let store = bind();
        assert_eq!((store.twice(21), store.nothing()), (Ok(42), Ok(())));
        assert_eq!(store.many(5000), Ok((0..5000).map(|i| i * 7).collect()));
        assert_eq!(store.until(""), Err(CallError::App(Missing { key: "none".to_owned() })));
        for (value, expected) in [
            (Some("value"), Ok(Found { text: "value".to_owned(), count: 1 })),
            (Some(""), Err(CallError::App(Missing { key: "key".to_owned() }))),
            (None, Err(CallError::Aborted)),
        ] {
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| bind().until("key"));
                let (mut all, mut over) = (0, 0);
                while all == 0 {
                    store.waiting(&mut all, &mut over).unwrap();
                }
                let count = value.map_or_else(|| store.forget("key"), |value| store.put("key", value));
                assert_eq!(count, Ok(1));
                assert_eq!(waiting.join().unwrap(), expected);
            });
        }
        drop(store);
        server.end();
        // C to Rust.
        let export =
            Exporter::new("store").dir(names.path()).export(StoreServer::new(later::Shelf::default())).unwrap();
        let mut calls = command();
        calls.arg("call").arg(names.path());
        succeeds(calls, "C to Rust");
        drop(export);
    }
    let mut misuses = Command::new(&program_of);
    misuses.arg("misuse").arg(names.path());
    succeeds(misuses, "misuse");
}

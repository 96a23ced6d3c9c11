//! Random values come back equal, by the stubs of both back ends; and, from the tests of the stubs in C, by those.

use std::sync::Mutex;

use nearcall::{Binder, CallError, Exporter, SharedBytes};

/// Numbers that look random (splitmix64).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> usize {
        usize::try_from(self.bits() % end).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.bits().to_le_bytes()[0]
    }

    fn number(&mut self) -> i32 {
        let [a, b, c, d, ..] = self.bits().to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    /// Mostly short, sometimes longer than any frame.
    fn size(&mut self) -> usize {
        if self.below(8) == 0 { self.below(6_000) } else { self.below(40) }
    }

    fn text(&mut self, most: usize) -> String {
        let size = self.size().min(most);
        let letters = ['a', 'Z', ' ', '\u{e9}', '\u{1f4d6}'];
        let mut text = String::new();
        while text.len() + 4 <= size {
            text.push(letters[self.below(5)]);
        }
        text
    }

    fn several<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(5)).map(|_| one(self)).collect()
    }
}

/// The tests, for the module of one back end: their types differ.
macro_rules! round_trips {
    ($module:ident) => {
        pub(crate) mod $module {
            use super::*;
            use nearcall_example_pfs::$module::*;

            /// A library that hands back what it was given.
            #[derive(Debug, Default)]
            struct Echo(Mutex<Vec<Book>>);

            impl Library for Echo {
                fn count(&self) -> u32 {
                    u32::try_from(self.0.lock().unwrap().len()).unwrap()
                }

                fn find(&self, id: u32) -> Result<Book, UnknownBook> {
                    let books = self.0.lock().unwrap();
                    books.get(usize::try_from(id).unwrap()).cloned().ok_or(UnknownBook { id })
                }

                fn add(&self, what: &Book, seal: &[u8; 32], marks: &[Point]) -> u32 {
                    let mut books = self.0.lock().unwrap();
                    books.push(what.clone());
                    let sum: i32 = marks.iter().fold(0, |sum, mark| sum.wrapping_add(mark.x ^ mark.y));
                    sum.cast_unsigned() ^ u32::from(seal[0]) << 8 ^ u32::from(seal[31])
                }

                fn lend(&self, id: u32, to: &str, until: &mut String) -> Result<(), LendError> {
                    match id % 3 {
                        0 => Err(LendError::UnknownBook(UnknownBook { id })),
                        1 => Err(LendError::OnLoan(OnLoan { until: to.to_owned() })),
                        _ => {
                            *until = to.to_owned();
                            Ok(())
                        }
                    }
                }

                fn page(&self, id: u32, text: &mut [u8]) -> i32 {
                    let len = usize::try_from(id).unwrap().min(text.len());
                    (0_u8..=255).cycle().zip(text).for_each(|(byte, to)| *to = byte);
                    i32::try_from(len).unwrap()
                }

                fn words(&self, id: u32, count: &mut u32, lengths: &mut [u16]) {
                    *count = id.min(u32::try_from(lengths.len()).unwrap());
                    (0..=u16::MAX).cycle().zip(lengths).for_each(|(length, to)| *to = length);
                }

                fn chapters(&self, of: &mut Chapter, depth: i32, notes: &mut Vec<String>, done: &mut bool) {
                    let given = of.clone();
                    of.parts.push(given);
                    notes.reverse();
                    *done = depth > 0;
                }

                fn rotate(&self, points: &mut [Point], raw: SharedBytes<'_>, weights: &[i64], k: i32) -> Turn {
                    points.reverse();
                    let sum = raw.to_vec().iter().fold(0_i64, |sum, byte| sum + i64::from(*byte));
                    match (weights.iter().fold(sum, |sum, weight| sum ^ weight) ^ i64::from(k)) & 3 {
                        0 => Turn::Left,
                        1 => Turn::Straight,
                        _ => Turn::Right,
                    }
                }

                fn note(&self, _: &str) {}
            }

            fn book(random: &mut Random) -> Book {
                Book {
                    title: random.text(200).try_into().unwrap(),
                    authors: random.several(|random| random.text(usize::MAX)),
                    about: match random.below(3) {
                        0 => Subject::Nothing,
                        1 => Subject::Place(random.text(usize::MAX)),
                        _ => Subject::Year(random.number()),
                    },
                    shelf: (random.below(2) == 0).then(|| u16::try_from(random.below(65_536)).unwrap()),
                    sum: std::array::from_fn(|_| random.byte()),
                }
            }

            fn chapter(random: &mut Random, depth: u32) -> Chapter {
                let parts = if depth == 0 { Vec::new() } else { random.several(|random| chapter(random, depth - 1)) };
                Chapter { title: random.text(usize::MAX), parts }
            }

            fn points(random: &mut Random) -> Vec<Point> {
                (0..random.size()).map(|_| Point { x: random.number(), y: random.number() }).collect()
            }

            pub(crate) fn check(call: &impl LibraryCall, rounds: u64) {
                let echo = Echo::default();
                let mut random = Random(7);
                for round in 0..rounds {
                    let (book, seal) = (book(&mut random), std::array::from_fn(|_| random.byte()));
                    let marks = points(&mut random);
                    let id = u32::try_from(round).unwrap();
                    assert_eq!(call.add(&book, &seal, &marks), Ok(echo.add(&book, &seal, &marks)), "round {round}");
                    assert_eq!(call.find(id), Ok(book), "round {round}");
                    assert_eq!(call.find(id + 1), Err(CallError::App(UnknownBook { id: id + 1 })));
                    let (name, mut until) = (random.text(usize::MAX), "before".to_owned());
                    let lent = call.lend(id, &name, &mut until);
                    let (expected, after) = match id % 3 {
                        0 => (Err(CallError::App(LendError::UnknownBook(UnknownBook { id }))), "before".to_owned()),
                        1 => (Err(CallError::App(LendError::OnLoan(OnLoan { until: name }))), "before".to_owned()),
                        _ => (Ok(()), name),
                    };
                    assert_eq!((lent, until), (expected, after), "round {round}");
                    let (mut page, mut own) = (vec![9; random.size()], vec![0; 6_000]);
                    let len = random.size().min(page.len());
                    let id = u32::try_from(len).unwrap();
                    assert_eq!(call.page(id, &mut page), Ok(i32::try_from(len).unwrap()));
                    let _ = echo.page(id, &mut own);
                    assert_eq!(page[..len], own[..len]);
                    assert!(page[len..].iter().all(|byte| *byte == 9), "only as many as meant came back");
                    let (mut count, mut words) = (77, vec![9; random.size()]);
                    assert_eq!(call.words(id, &mut count, &mut words), Ok(()));
                    let len = usize::try_from(count).unwrap();
                    assert!(words[..len].iter().zip(0..).all(|(word, i)| *word == i), "round {round}");
                    let (mut of, mut notes) =
                        (chapter(&mut random, 4), random.several(|random| random.text(usize::MAX)));
                    let (mut same, mut same_notes, mut done, mut own_done) = (of.clone(), notes.clone(), false, false);
                    let depth = random.number();
                    assert_eq!(call.chapters(&mut of, depth, &mut notes, &mut done), Ok(()));
                    echo.chapters(&mut same, depth, &mut same_notes, &mut own_done);
                    assert_eq!((of, notes, done), (same, same_notes, own_done), "round {round}");
                    let (mut turned, raw) = (points(&mut random), random.text(usize::MAX));
                    let weights: Vec<i64> = (0..random.size()).map(|_| random.bits().cast_signed()).collect();
                    let mut own = turned.clone();
                    let turn = echo.rotate(&mut own, raw.as_bytes().into(), &weights, depth);
                    assert_eq!(call.rotate(&mut turned, raw.as_bytes(), &weights, depth), Ok(turn), "round {round}");
                    assert_eq!(turned, own, "round {round}");
                    assert_eq!(call.note("nobody waits"), Ok(()));
                }
                assert_eq!(call.count(), Ok(u32::try_from(rounds).unwrap()));
            }

            pub(crate) fn export(name: &str, dir: &std::path::Path) -> nearcall::Export {
                Exporter::new(name).dir(dir).export(LibraryServer::new(Echo::default())).unwrap()
            }
        }
    };
}

pub(crate) fn rounds() -> u64 {
    std::env::var("NEARCALL_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1) * 100
}

round_trips!(idl);
round_trips!(idl_conventional);

mod tests {
    use nearcall::Client as _;
    use nearcall::rt::{Incoming, Interface, Refusal, Service};
    use nearcall_example_pfs::idl::LibraryClient;
    use nearcall_example_pfs::idl_conventional::LibraryClient as ConventionalClient;

    use super::*;

    #[test]
    fn optimised() {
        let dir = tempfile::tempdir().unwrap();
        let _export = idl::export("library", dir.path());
        let client: LibraryClient = Binder::new("library").dir(dir.path()).bind().unwrap();
        idl::check(&client, rounds());
    }

    #[test]
    fn conventional() {
        let dir = tempfile::tempdir().unwrap();
        let _export = idl_conventional::export("library", dir.path());
        let client: ConventionalClient = Binder::new("library").dir(dir.path()).bind().unwrap();
        idl_conventional::check(&client, rounds());
    }

    /// Bytes that are often nearly a message: small numbers, and sometimes large ones.
    fn nonsense(random: &mut Random) -> Vec<u8> {
        let size = random.size();
        (0..size)
            .map(|_| if random.below(8) == 0 { random.byte() } else { u8::try_from(random.below(3)).unwrap() })
            .collect()
    }

    /// What the conventional stubs of a server do with messages that no stub has made: they refuse them, or run the procedure.
    #[test]
    fn conventional_servers_bear_nonsense() {
        let dir = tempfile::tempdir().unwrap();
        let _export = idl_conventional::export("library", dir.path());
        let client: ConventionalClient = Binder::new("library").dir(dir.path()).bind().unwrap();
        let mut random = Random(11);
        let (mut run, mut refused) = (0, 0);
        for round in 0..rounds() * 20 {
            let procedure = u16::try_from(random.below(9)).unwrap();
            let message = nonsense(&mut random);
            let mut call = client.binding().begin_raw(procedure, 8, 8).unwrap();
            call.space(message.len(), usize::MAX).unwrap().copy_from_slice(&message);
            // Rarely, the head says something else.
            let said = if random.below(16) == 0 { random.bits() } else { u64::try_from(message.len()).unwrap() };
            match call.transfer(&said.to_le_bytes(), true) {
                Ok(reply) => {
                    run += 1;
                    reply.end();
                }
                Err(failure) => {
                    let error: CallError<std::convert::Infallible> = failure.into();
                    assert!(matches!(error, CallError::BadArgument | CallError::TooLarge { .. }), "{round}: {error:?}");
                    refused += 1;
                }
            }
        }
        assert!(run > 0 && refused > 0, "{run} {refused}");
        idl_conventional::check(&client, 0);
    }

    /// A server whose answers no stub has made.
    struct Nonsense(Mutex<Random>);

    impl Service for Nonsense {
        fn interface(&self) -> &'static Interface {
            ConventionalClient::INTERFACE
        }

        fn call(&self, _: u16, call: &mut Incoming<'_>) -> Result<(), Refusal> {
            let mut random = self.0.lock().unwrap();
            call.open_raw(&mut [0; 8], 8)?;
            let answer = nonsense(&mut random);
            call.result_raw(answer.len())?.copy_from_slice(&answer);
            let said = if random.below(16) == 0 { random.bits() } else { u64::try_from(answer.len()).unwrap() };
            call.reply_raw(random.below(4) == 0, &said.to_le_bytes(), true);
            Ok(())
        }
    }

    /// And those of a client with answers: they are values, or the server misbehaved, and what was to be overwritten was not.
    #[test]
    fn conventional_clients_bear_nonsense() {
        let dir = tempfile::tempdir().unwrap();
        let nonsense = Nonsense(Mutex::new(Random(13)));
        let _export = Exporter::new("library").dir(dir.path()).export(nonsense).unwrap();
        let client: ConventionalClient = Binder::new("library").dir(dir.path()).bind().unwrap();
        let (mut answered, mut misbehaved) = (0, 0);
        let mut ended = |is_answered: bool, is_misbehaved: bool, is_changed: bool| {
            assert!(is_answered || is_misbehaved);
            assert!(is_answered || !is_changed, "nothing is overwritten by an error");
            answered += u64::from(is_answered);
            misbehaved += u64::from(is_misbehaved);
        };
        macro_rules! ended {
            ($result:expr, $changed:expr) => {{
                let result = $result;
                let misbehaved = matches!(result, Err(CallError::PeerMisbehaved));
                let app = matches!(result, Err(CallError::App(_)));
                ended(result.is_ok() || app, misbehaved, !app && $changed);
            }};
        }
        for _ in 0..rounds() * 3 {
            ended!(client.count(), false);
            ended!(client.find(1), false);
            let mut until = "before".to_owned();
            ended!(client.lend(1, "somebody", &mut until), until != "before");
            let mut text = [9; 20];
            ended!(client.page(1, &mut text), text != [9; 20]);
            let (mut count, mut words) = (77, [9; 20]);
            ended!(client.words(1, &mut count, &mut words), (count, words) != (77, [9; 20]));
            let (mut of, mut notes, mut done) = (chapter(), vec!["note".to_owned()], true);
            ended!(client.chapters(&mut of, 1, &mut notes, &mut done), of != chapter() || notes != ["note"] || !done);
        }
        assert!(answered > 0 && misbehaved > 0, "{answered} {misbehaved}");
    }

    fn chapter() -> nearcall_example_pfs::idl_conventional::Chapter {
        nearcall_example_pfs::idl_conventional::Chapter { title: "title".to_owned(), parts: Vec::new() }
    }

    #[test]
    fn the_two_do_not_call_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let _export = idl_conventional::export("library", dir.path());
        let client = Binder::new("library").dir(dir.path()).bind::<LibraryClient>();
        assert!(matches!(client, Err(nearcall::BindError::Incompatible { .. })), "{client:?}");
    }
}

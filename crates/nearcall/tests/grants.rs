//! Memory that is passed and not copied.
#![allow(missing_docs, unreachable_pub, reason = "interfaces for these tests")]

mod support;

use std::sync::Mutex;

use nearcall::{CallError, Exporter, Grant, GrantError, Ran, SharedGrant};
use support::Server;

#[nearcall::interface]
pub trait Lender {
    fn sum(&self, grant: &Grant) -> Result<u64, u32>;
    fn keep(&self, grant: Grant, shared: SharedGrant);
    fn kept_sum(&self) -> Result<u64, u32>;
    fn shared_sum(&self) -> Result<u64, u32>;
    fn pass_on(&self) -> Result<Grant, u32>;
    fn make(&self, size: u32, byte: u8) -> Result<Grant, u32>;
    fn make_shared(&self, size: u32) -> Result<SharedGrant, u32>;
    fn lend(&self, size: u32) -> Result<SharedGrant, u32>;
    fn change(&self, stamp: u64, byte: u8) -> Result<(), u32>;
    fn forget(&self);
    fn bytes(&self) -> u64;
    fn refused(&self) -> u32;
}

#[derive(Default)]
struct Tester(Mutex<Option<(Grant, SharedGrant)>>, Mutex<Option<SharedGrant>>);

fn sum(grant: &Grant) -> Result<u64, u32> {
    Ok(grant.bytes().map_err(|_| 1u32)?.iter().map(|&byte| u64::from(byte)).sum())
}

fn shared_sum(grant: &SharedGrant) -> Result<u64, u32> {
    Ok(grant.bytes().map_err(|_| 1u32)?.to_vec().iter().map(|&byte| u64::from(byte)).sum())
}

impl Lender for Tester {
    fn sum(&self, grant: &Grant) -> Result<u64, u32> {
        sum(grant)
    }
    fn keep(&self, grant: Grant, shared: SharedGrant) {
        *self.0.lock().unwrap() = Some((grant, shared));
    }
    fn kept_sum(&self) -> Result<u64, u32> {
        sum(&self.0.lock().unwrap().as_ref().ok_or(7u32)?.0)
    }
    fn shared_sum(&self) -> Result<u64, u32> {
        shared_sum(&self.0.lock().unwrap().as_ref().ok_or(7u32)?.1)
    }
    fn pass_on(&self) -> Result<Grant, u32> {
        Ok(self.0.lock().unwrap().take().ok_or(7u32)?.0)
    }
    fn make(&self, size: u32, byte: u8) -> Result<Grant, u32> {
        Grant::new(size as usize, |bytes| bytes.fill(byte)).map_err(|_| 2)
    }
    fn make_shared(&self, size: u32) -> Result<SharedGrant, u32> {
        let mut grant = SharedGrant::new(size as usize).map_err(|_| 2u32)?;
        grant.write(1, b"abc").map_err(|_| 3u32)?;
        Ok(grant)
    }
    fn lend(&self, size: u32) -> Result<SharedGrant, u32> {
        let own = SharedGrant::for_clients(size as usize).map_err(|_| 2u32)?;
        let reader = own.reader().map_err(|_| 4u32)?;
        *self.1.lock().unwrap() = Some(own);
        Ok(reader)
    }
    fn change(&self, stamp: u64, byte: u8) -> Result<(), u32> {
        let mut lent = self.1.lock().unwrap();
        let own = lent.as_mut().ok_or(7u32)?;
        own.write_word(0, stamp).map_err(|_| 3u32)?;
        own.write(8, &vec![byte; own.size() - 8]).map_err(|_| 3u32)
    }
    fn forget(&self) {
        self.0.lock().unwrap().take();
        self.1.lock().unwrap().take();
    }
    fn bytes(&self) -> u64 {
        nearcall::usage().bytes
    }
    fn refused(&self) -> u32 {
        0
    }
}

#[test]
fn serve() {
    support::serve_if_asked_by(|dir| {
        nearcall::set_limits(nearcall::Limits::default().bytes(64 << 20, 128 << 20));
        Exporter::new("lender").dir(dir).export(LenderServer::new(Tester::default())).unwrap()
    });
}

fn start(name: &str) -> (Server, LenderClient) {
    let server = Server::start(name);
    let lender = server.bind_to("lender");
    (server, lender)
}

#[test]
fn a_sealed_grant_is_read_where_it_is_until_it_is_taken_back() {
    let (_server, lender) = start("sealed");
    let grant = Grant::new(10_000, |bytes| bytes.fill(3)).unwrap();
    assert_eq!(lender.sum(&grant), Ok(30_000));
    lender.keep(Grant::new(5, |bytes| bytes.fill(1)).unwrap(), SharedGrant::new(1).unwrap()).unwrap();
    assert_eq!(lender.kept_sum(), Ok(5), "it outlives what it was made from");
    grant.revoke().unwrap();
    assert_eq!((grant.bytes(), lender.sum(&grant)), (Err(GrantError::Revoked), Err(CallError::App(1))));
}

#[test]
fn a_grant_outlives_its_creator() {
    let (_server, lender) = start("outlives");
    // By value, so that the creator keeps nothing but what came back from a second process.
    let (other_server, other) = start("other");
    let grant = other.make(100, 2).unwrap();
    let mut shared = SharedGrant::new(100).unwrap();
    shared.write(0, &[1; 50]).unwrap();
    assert_eq!(grant.revoke(), Err(GrantError::NotOurs));
    lender.keep(grant, SharedGrant::new(1).unwrap()).unwrap();
    assert_eq!(lender.kept_sum(), Ok(200));
    drop(other_server);
    assert_eq!(lender.kept_sum(), Ok(200), "its creator has died");
    let back = lender.pass_on().unwrap();
    assert_eq!(sum(&back), Ok(200));
}

#[test]
fn only_its_creator_writes_a_shared_grant_and_everybody_sees_it() {
    let (_server, lender) = start("shared");
    let shared = lender.make_shared(5000).unwrap();
    assert_eq!((shared.size(), shared_sum(&shared)), (5000, Ok(u64::from(b'a') + u64::from(b'b') + u64::from(b'c'))));
    let mut shared = shared;
    assert_eq!(shared.write(0, b"x"), Err(GrantError::NotOurs));
    let mut own = SharedGrant::new(10).unwrap();
    assert_eq!(own.write(8, b"abc"), Err(GrantError::Outside { size: 10 }));
    own.write(7, b"abc").unwrap();
    assert_eq!(own.bytes().unwrap().to_vec(), b"\0\0\0\0\0\0\0abc");
    own.revoke().unwrap();
    assert_eq!(own.bytes().unwrap_err(), GrantError::Revoked);
}

#[test]
fn a_grant_for_clients_is_its_servers_to_change_and_to_free() {
    let (_server, lender) = start("for-clients");
    let lent = lender.lend(10_000).unwrap();
    lender.change(5, 9).unwrap();
    let bytes = lent.bytes().unwrap();
    assert_eq!(bytes.to_vec()[8..], [9; 9_992]);
    assert_eq!((bytes.word_after(0), bytes.word_after(4), bytes.word_after(9_996)), (Some(5), None, None));
    assert_eq!(lent.reader().unwrap().bytes().unwrap().word_after(0), Some(5));
    let mut lent = lent;
    assert_eq!((lent.write_word(0, 1), lent.write(0, b"x")), (Err(GrantError::NotOurs), Err(GrantError::NotOurs)));
    let mut own = SharedGrant::for_clients(16).unwrap();
    for beyond in [4, 16, usize::MAX - 7] {
        assert_eq!(own.write_word(beyond, 1), Err(GrantError::Outside { size: 16 }));
    }
    // No server has to pay for memory that can be taken from under it.
    for refused in [&lent, &own] {
        let passed = lender.keep(Grant::new(1, |_| {}).unwrap(), refused.reader().unwrap());
        assert_eq!(passed, Err(CallError::NotPassed { ran: Ran::No }));
    }
    lender.forget().unwrap();
    assert_eq!(lent.bytes().unwrap_err(), GrantError::Revoked);
    assert_eq!(lender.change(6, 1), Err(CallError::App(7)));
}

#[test]
fn a_grant_is_on_the_account_of_who_passed_it() {
    let (_server, lender) = start("account");
    lender.forget().unwrap();
    let before = lender.bytes().unwrap();
    let large = || Grant::new(20 << 20, |_| {}).unwrap();
    lender.keep(large(), SharedGrant::new(1 << 20).unwrap()).unwrap();
    assert_eq!(lender.bytes().unwrap(), before + (21 << 20) + 2 * 4096);
    let too_large = Grant::new(60 << 20, |_| {}).unwrap();
    assert_eq!(lender.sum(&too_large), Err(CallError::Overloaded));
    lender.forget().unwrap();
    assert_eq!(lender.bytes(), Ok(before));
    assert_eq!(lender.sum(&large()), Ok(0));
}

#[test]
fn a_grant_of_the_wrong_kind_is_refused() {
    // The same names for the other kind, which the fingerprint tells apart.
    mod other {
        #[nearcall::interface]
        pub trait Lender {
            fn sum(&self, grant: &nearcall::SharedGrant) -> Result<u64, u32>;
        }
    }
    let (server, lender) = start("kinds");
    let error = nearcall::Binder::new("lender").dir(server.dir()).bind::<other::LenderClient>().unwrap_err();
    assert!(matches!(error, nearcall::BindError::Incompatible { .. }));
    assert_eq!(lender.kept_sum(), Err(CallError::App(7)));
    assert_eq!(lender.pass_on().unwrap_err(), CallError::App(7));
    let _ = Ran::No;
}

//! `pfs.idl` and the trait `Files` are one interface: whoever is compiled from the one can call whoever serves the other.

use std::sync::Arc;

use nearcall::{Binder, CallError, Exporter};
use nearcall_files::pfs::Pfs;

#[expect(unreachable_pub, reason = "what is compiled is made for libraries")]
mod pfs {
    nearcall::include_idl!("pfs");
}

#[test]
fn a_client_of_the_idl_calls_a_server_of_the_trait() {
    let dir = tempfile::tempdir().unwrap();
    let (names, tree) = (dir.path().join("names"), dir.path().join("tree"));
    std::fs::create_dir(&names).unwrap();
    std::fs::create_dir(&tree).unwrap();
    let server = Arc::new(Pfs::new(&tree, 64).unwrap());
    let _export = server.export(Exporter::new("pfs").dir(&names)).unwrap();
    // Every procedure has the same fingerprint, or it would be refused.
    let files: pfs::FilesClient = Binder::new("pfs").dir(&names).bind().unwrap();
    let handle = files.create("a", pfs::READ | pfs::WRITE | pfs::EXCLUSIVE, 0o600).unwrap();
    let (mut pos, data) = (0, vec![7; 10_000]);
    assert_eq!((files.write(&handle, &mut pos, &data), pos), (Ok(10_000), 10_000));
    let (mut pos, mut read) = (1, [0; 4096]);
    assert_eq!((files.read(&handle, &mut pos, &mut read), pos, read), (Ok(4096), 4097, [7; 4096]));
    let stat = files.fstat(&handle).unwrap();
    assert_eq!((stat.kind, stat.size), (pfs::Kind::File, 10_000));
    let again = files.claim(&files.hand_on(&handle, 0).unwrap()).unwrap();
    assert_eq!(files.fstat(&handle), Err(CallError::App(pfs::FileError::BadHandle)));
    assert_eq!(files.close(&again), Ok(()));
    assert_eq!(files.open("../a", pfs::READ), Err(CallError::App(pfs::FileError::Outside)));
    assert_eq!(std::fs::read(tree.join("a")).unwrap(), data);
}

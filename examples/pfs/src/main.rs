//! `pfs serve DIR`: exports the file system and the library in DIR until its input ends. `pfs deny DIR` lets nobody write.
#![forbid(unsafe_code)]

use std::io::Write;

use nearcall::Exporter;
use nearcall_example_pfs::pfs_loop::PfsLoop;
use nearcall_example_pfs::pfs_server::Words;
use nearcall_example_pfs::{idl, library, shelves};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (Some(role), Some(dir)) = (std::env::args().nth(1), std::env::args().nth(2)) else {
        return Err("usage: pfs serve DIR, or pfs deny DIR".into());
    };
    let writers = if role == "serve" { vec![uid()?] } else { Vec::new() };
    let _pfs = Exporter::new("pfs").dir(&dir).export(PfsLoop::new(Words::default(), writers))?;
    let _by_idl = Exporter::new("idl").dir(&dir).export(idl::LibraryServer::new(shelves::Shelves))?;
    let _by_trait = Exporter::new("trait").dir(&dir).export(library::LibraryServer::new(shelves::Shelves))?;
    let _reading = Exporter::new("reading").dir(&dir).export(library::ReadingServer::new(shelves::Shelves))?;
    println!("ready");
    std::io::stdout().flush()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// The user that this process is of, as the kernel shows it.
fn uid() -> std::io::Result<u32> {
    Ok(std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self")?))
}

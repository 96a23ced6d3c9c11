//! The stub of the demo's `write`, kept as a function of its own, so that `scripts/stub-report` can count it.
#![allow(missing_docs, reason = "a program, not an interface for others")]

#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
#[repr(u32)]
pub enum FileError {
    NotFound = 1,
    Denied = 2,
}

#[nearcall::interface]
pub trait Files {
    #[call(astack = 4096)]
    fn write(&self, handle: u32, pos: &mut u64, data: &[u8]) -> Result<u32, FileError>;
}

struct Length;

impl Files for Length {
    fn write(&self, _: u32, pos: &mut u64, data: &[u8]) -> Result<u32, FileError> {
        let size = u32::try_from(data.len()).map_err(|_| FileError::Denied)?;
        *pos += u64::from(size);
        Ok(size)
    }
}

#[inline(never)]
pub fn counted_write(
    files: &FilesClient,
    handle: u32,
    pos: &mut u64,
    data: &[u8],
) -> Result<u32, nearcall::CallError<FileError>> {
    files.write(handle, pos, data)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(name) = std::env::args().nth(1) else {
        return Err("usage: stub NAME: binds to NAME and writes; stub --serve NAME: exports it".into());
    };
    if let (true, Some(name)) = (name == "--serve", std::env::args().nth(2)) {
        let _export = FilesServer::export(&name, Length)?;
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
        return Ok(());
    }
    let mut pos = 0;
    let written = counted_write(&FilesClient::bind(&name)?, 7, &mut pos, &[1; 4096]);
    println!("{written:?}, position {pos}");
    Ok(())
}

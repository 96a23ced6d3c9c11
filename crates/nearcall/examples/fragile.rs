//! A server that a test builds with `panic = "abort"`: where a panic ends the process, it ends every call in it.
//!
//! `fragile DIR` exports `fragile` in that directory until its standard input ends.

#[nearcall::interface]
trait Fragile {
    fn add(&self, a: u32, b: u32) -> u32;
    fn panic(&self);
}

struct Glass;

impl Fragile for Glass {
    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
    fn panic(&self) {
        panic!("asked to");
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args_os().nth(1).ok_or("usage: fragile DIR")?;
    let _export = nearcall::Exporter::new("fragile").dir(dir).export(FragileServer::new(Glass))?;
    println!("ready, and a panic {}", if cfg!(panic = "abort") { "aborts" } else { "unwinds" });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

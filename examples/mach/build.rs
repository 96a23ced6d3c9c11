//! Compiles the interfaces.

fn main() {
    nearcall_idl::build("disk.defs");
    nearcall_idl::build("clock.defs");
}

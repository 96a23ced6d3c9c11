//! Compiles the interface as its `.idl` has it, for the test that compares the two.

fn main() {
    nearcall_idl::build("pfs.idl");
}

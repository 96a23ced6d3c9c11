//! Compiles the interfaces.

fn main() {
    nearcall_idl::build("pfs.idl");
    nearcall_idl::build("library.idl");
    nearcall_idl::build_conventional("library.idl");
}

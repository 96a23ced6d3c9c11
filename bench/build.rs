//! The interface of the file system of the IDL4 paper, by both back ends.

fn main() {
    nearcall_idl::build("../examples/pfs/pfs.idl");
    nearcall_idl::build_conventional("../examples/pfs/pfs.idl");
}

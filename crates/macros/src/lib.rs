//! The macros of nearcall: a shell around `nearcall-idl`, which a proc-macro crate cannot export.
//!
//! Users find them as `nearcall::interface` and `nearcall::Wire`.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

/// Turns a trait into an interface that can be called from another address space.
///
/// For `trait Files` it adds `FilesClient`, `FilesServer<T>`, the trait `FilesCall` with the client's signatures, and
/// `FilesLocal<T>`, which implements that by direct calls; `Files` is also implemented for `Arc<T>`.
///
/// Methods take `&self` and parameters of these forms: `T`, `&T`, `&str`, `&[u8]` (in), `&mut T`, `&mut [u8]` (in-out),
/// `#[out] x: &mut T`, `#[out] buf: &mut [u8]`, `#[out(len = return)] buf: &mut [u8]` (out). They return nothing, `T` or
/// `Result<T, E>`. Every `T` and `E` is a `Wire`.
///
/// `#[call(concurrency = 8, timeout = "2s", astack = 4200, idempotent)]` on a method says how many calls one client can
/// have under way in it (1 to 64), how long a call may take (`us`, `ms`, `s`, `min` or `"none"`), how many bytes of
/// parameters a call can carry, and that a call can be repeated.
///
/// # Errors
/// What cannot be called across address spaces is a compile error with a hint; all of them are reported at once.
#[proc_macro_attribute]
pub fn interface(args: TokenStream, item: TokenStream) -> TokenStream {
    nearcall_idl::interface(args.into(), item.into()).into()
}

/// Makes a struct, or an enum without fields, a type that travels.
///
/// A struct is sent field by field without padding. An enum is sent as its discriminant in the integer of its
/// `#[repr]`, `u32` if it has none.
///
/// # Errors
/// Generic types, unions, enums with fields or without variants, and discriminants that do not fit are compile errors.
#[proc_macro_derive(Wire)]
pub fn wire(item: TokenStream) -> TokenStream {
    nearcall_idl::derive_wire(item.into()).into()
}

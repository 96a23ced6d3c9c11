//! The macros of nearcall: a shell around `nearcall-idl`, which a proc-macro crate cannot export.
//!
//! Users find them as `nearcall::interface`, `nearcall::Wire` and `nearcall::plain`.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

/// Turns a trait into an interface that can be called from another address space.
///
/// For `trait Files` it adds `FilesClient`, `FilesServer<T>`, the trait `FilesCall` with the client's signatures, and
/// `FilesLocal<T>`, which implements that by direct calls; `Files` is also implemented for `Arc<T>`.
///
/// Methods take `&self` and parameters of these forms: `T`, `&T`, `&str`, `&[T]`, `#[in_place] data: &[u8]`, `#[serde] x: T`,
/// `#[serde] x: &T` (in), `&mut T`, `&mut [T]` (in-out), `#[out] x: &mut T`, `#[out] buf: &mut [T]`,
/// `#[out(len = return)] buf: &mut [T]`, `#[out(len = n)] buf: &mut [T]` with `#[out] n: &mut u32` (out). They return nothing, `T` or `Result<T, E>`. Every `T` and `E` is a `Wire`,
/// those of slices are `Plain`, and those with `#[serde]` have serde's traits; for results `#[serde(return)]`,
/// `#[serde(error)]` or `#[serde(return, error)]` on the method says so.
///
/// `#[call(concurrency = 8, timeout = "2s", astack = 4200, idempotent, handoff)]` on a method says how many calls one client can
/// have under way in it (1 to 64), how long a call may take (`us`, `ms`, `s`, `min` or `"none"`), how many bytes of
/// parameters a call can carry, that a call can be repeated, and that the procedure may take long or block, so that other calls
/// do not wait for it. With `oneway` a procedure has no results at all, and a call of it does not wait.
///
/// A procedure whose last parameter is a `ReplyToken<T>` replies later: it returns nothing, and whoever has the token sends the `T`,
/// or `Result<T, E>`, that is its result for clients.
///
/// `#[interface(uuid = "..", version = "1.0")]` tells the interface from every other one: both are part of what client and
/// server compare, but for the minor number of the version.
///
/// # Errors
/// What cannot be called across address spaces is a compile error with a hint; all of them are reported at once.
#[proc_macro_attribute]
pub fn interface(args: TokenStream, item: TokenStream) -> TokenStream {
    nearcall_idl::interface(args.into(), item.into()).into()
}

/// Makes a struct or an enum a type that travels.
///
/// A struct is sent field by field without padding; an enum as its discriminant in the integer of its `#[repr]`, `u32` if
/// it has none, then the fields of the variant. Fields are anything that travels. A type may contain itself through `Box`
/// and `Vec`.
///
/// # Errors
/// Generic types, unions, enums without variants, and discriminants that do not fit are compile errors.
#[proc_macro_derive(Wire)]
pub fn wire(item: TokenStream) -> TokenStream {
    nearcall_idl::derive_wire(item.into()).into()
}

/// Makes a struct a type whose slices travel: `&[T]`, `&mut [T]`, `#[out] &mut [T]`.
///
/// It becomes `repr(C)` and gets `Wire`, `Plain`, and zerocopy's `FromBytes`, `IntoBytes`, `Immutable` and `KnownLayout`. A
/// slice is then copied as the memory that it is, without code for each item.
///
/// # Errors
/// Fields for which not every pattern of bytes is a value (`bool`, `char`, enums), padding between fields, enums, unions
/// and generic types are compile errors.
#[proc_macro_attribute]
pub fn plain(args: TokenStream, item: TokenStream) -> TokenStream {
    nearcall_idl::plain(args.into(), item.into()).into()
}

//! The interface of the manual, with its types.
/// An open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handle {
    /// Its place in the server's table.
    pub index: u32,
    /// Which of the files that were at this place.
    pub generation: u32,
}
const _: () = {
    const __AT_0: usize = 0;
    const __AT_1: usize = __AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    #[automatically_derived]
    impl ::nearcall::Wire for Handle {
        const FIXED: bool = ::nearcall::rt::all(&[<u32 as ::nearcall::Wire>::FIXED, <u32 as ::nearcall::Wire>::FIXED]);
        const SIZE: usize = Self::CLASS.fixed_part(__AT_1 + <u32 as ::nearcall::Wire>::SIZE);
        const CLASS: ::nearcall::rt::Class =
            ::nearcall::rt::Class::Fixed.and(<u32 as ::nearcall::Wire>::CLASS).and(<u32 as ::nearcall::Wire>::CLASS);
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Handle",
            id: ::core::any::TypeId::of::<Self>(),
            fields: &[("index", <u32 as ::nearcall::Wire>::SHAPE), ("generation", <u32 as ::nearcall::Wire>::SHAPE)],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            <u32 as ::nearcall::Wire>::put(&self.index, __head, __at.saturating_add(__AT_0));
            <u32 as ::nearcall::Wire>::put(&self.generation, __head, __at.saturating_add(__AT_1));
        }
        #[inline]
        fn tail_size(&self) -> usize {
            0_usize
                .saturating_add(<u32 as ::nearcall::Wire>::tail_size(&self.index))
                .saturating_add(<u32 as ::nearcall::Wire>::tail_size(&self.generation))
        }
        #[inline]
        fn put_tail(&self, __space: &mut [u8]) {
            let __size = <u32 as ::nearcall::Wire>::tail_size(&self.index);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <u32 as ::nearcall::Wire>::put_tail(&self.index, __field);
            let __size = <u32 as ::nearcall::Wire>::tail_size(&self.generation);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <u32 as ::nearcall::Wire>::put_tail(&self.generation, __field);
        }
        #[inline]
        fn tail_size_at(__head: &[u8], __at: usize) -> ::core::result::Result<usize, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(
                0_usize
                    .saturating_add(<u32 as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_0))?)
                    .saturating_add(<u32 as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_1))?),
            )
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(Self {
                index: <u32 as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_0), __tail)?,
                generation: <u32 as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1), __tail)?,
            })
        }
        #[inline]
        fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
            if Self::FIXED {
                __to.fixed(self);
            } else {
                <u32 as ::nearcall::Wire>::write(&self.index, __to);
                <u32 as ::nearcall::Wire>::write(&self.generation, __to);
            }
        }
        #[inline]
        fn read(__from: &mut ::nearcall::rt::Reader<'_>) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            if Self::FIXED {
                __from.fixed()
            } else {
                ::core::result::Result::Ok(Self {
                    index: <u32 as ::nearcall::Wire>::read(__from)?,
                    generation: <u32 as ::nearcall::Wire>::read(__from)?,
                })
            }
        }
    }
};
/// Why a file operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum FileError {
    /// No file has this name.
    NotFound = 1,
    /// The handle is of a file that was closed.
    Stale = 2,
}
const _: () = {
    const __VARIANT_0: u32 = FileError::NotFound as u32;
    const _: () = ::core::assert!(
        FileError::NotFound as i128 == __VARIANT_0 as i128
            && FileError::NotFound as i128 == FileError::NotFound as i64 as i128,
        "the discriminant of `NotFound` does not fit u32, or 63 bits: give the enum a larger `#[repr]`"
    );
    const __VARIANT_1: u32 = FileError::Stale as u32;
    const _: () = ::core::assert!(
        FileError::Stale as i128 == __VARIANT_1 as i128 && FileError::Stale as i128 == FileError::Stale as i64 as i128,
        "the discriminant of `Stale` does not fit u32, or 63 bits: give the enum a larger `#[repr]`"
    );
    #[automatically_derived]
    impl ::nearcall::Wire for FileError {
        const FIXED: bool = true;
        const SIZE: usize = <u32 as ::nearcall::Wire>::SIZE;
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
            name: "FileError",
            id: ::core::any::TypeId::of::<Self>(),
            size: <u32 as ::nearcall::Wire>::SIZE,
            variants: &[
                ::nearcall::rt::Variant { name: "NotFound", value: Self::NotFound as i64, fields: &[] },
                ::nearcall::rt::Variant { name: "Stale", value: Self::Stale as i64, fields: &[] },
            ],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            let __value = match self {
                Self::NotFound => __VARIANT_0,
                Self::Stale => __VARIANT_1,
            };
            <u32 as ::nearcall::Wire>::put(&__value, __head, __at);
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            match <u32 as ::nearcall::Wire>::get(__head, __at, __tail)? {
                __VARIANT_0 => ::core::result::Result::Ok(Self::NotFound),
                __VARIANT_1 => ::core::result::Result::Ok(Self::Stale),
                _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
            }
        }
    }
};
/// Files that a server keeps.
pub trait Files {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`FileError::NotFound`].
    fn open(&self, path: &str, flags: u32) -> Result<Handle, FileError>;
    /// Reads from `pos` and advances it; returns how many bytes were read.
    fn read(&self, handle: Handle, pos: &mut u64, buf: &mut [u8]) -> Result<u32, FileError>;
    /// Writes at `pos` and advances it; returns how many bytes were written.
    fn write(&self, handle: Handle, pos: &mut u64, data: &[u8]) -> Result<u32, FileError>;
    /// Counts calls.
    fn ping(&self) -> u32;
}
/// What a client of [`Files`] can do: the same procedures, with what can become of a call.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub trait FilesCall {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`FileError::NotFound`].
    fn open(&self, path: &str, flags: u32) -> ::core::result::Result<Handle, ::nearcall::CallError<FileError>>;
    /// Reads from `pos` and advances it; returns how many bytes were read.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn read(
        &self,
        handle: Handle,
        pos: &mut u64,
        buf: &mut [u8],
    ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>>;
    /// Writes at `pos` and advances it; returns how many bytes were written.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn write(
        &self,
        handle: Handle,
        pos: &mut u64,
        data: &[u8],
    ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>>;
    /// Counts calls.
    ///
    /// # Errors
    /// Why there is no answer.
    fn ping(&self) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>>;
}
/// A client of [`Files`]: its methods are calls through a binding.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
#[derive(::core::fmt::Debug)]
pub struct FilesClient {
    binding: ::nearcall::Binding,
}
/// Serves any [`Files`] to other address spaces.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub struct FilesServer<T>(T);
/// [`FilesCall`] without a boundary: calls a [`Files`] in the same address space.
///
/// Unlike a call, it leaves in-out and out targets as the procedure left them when that returned an error.
#[allow(dead_code, reason = "a program may have no use for it")]
pub struct FilesLocal<T>(
    /// What is called.
    pub T,
);
const _: () = {
    /// What of a head of this size lies in the frame, in bytes.
    const fn __in_frame(head: usize) -> usize {
        if head > ::nearcall::rt::LINE_BYTES { head } else { 0 }
    }
    const fn __max(a: usize, b: usize) -> usize {
        if a > b { a } else { b }
    }
    const fn __varies<T: ::nearcall::Wire>() -> bool {
        !::core::matches!(T::CLASS, ::nearcall::rt::Class::Fixed)
    }
    const __OPEN_AT_0: usize = 0;
    const __OPEN_AT_1: usize = __OPEN_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __OPEN_AT_2: usize = __OPEN_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __OPEN_REQ: usize = ::nearcall::rt::head_bytes(__OPEN_AT_2);
    const __OPEN_BACK_0: usize = 0;
    const __OPEN_BACK_1: usize = __OPEN_BACK_0 + <Handle as ::nearcall::Wire>::SIZE;
    const __OPEN_REP: usize = ::nearcall::rt::head_bytes(__max(__OPEN_BACK_1, <FileError as ::nearcall::Wire>::SIZE));
    const __OPEN_PLACES: bool = __in_frame(__OPEN_REP) != 0 || __varies::<Handle>() || __varies::<FileError>();
    const __OPEN_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__OPEN_REQ), __in_frame(__OPEN_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `open` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __READ_AT_0: usize = 0;
    const __READ_AT_1: usize = __READ_AT_0 + <Handle as ::nearcall::Wire>::SIZE;
    const __READ_AT_2: usize = __READ_AT_1 + <u64 as ::nearcall::Wire>::SIZE;
    const __READ_AT_3: usize = __READ_AT_2 + <u32 as ::nearcall::Wire>::SIZE;
    const __READ_REQ: usize = ::nearcall::rt::head_bytes(__READ_AT_3);
    const __READ_BACK_0: usize = 0;
    const __READ_BACK_1: usize = __READ_BACK_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __READ_BACK_2: usize = __READ_BACK_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __READ_REP: usize = ::nearcall::rt::head_bytes(__max(__READ_BACK_2, <FileError as ::nearcall::Wire>::SIZE));
    const __READ_PLACES: bool = true;
    const __READ_TAILS: usize = ::nearcall::rt::how_many(&[__varies::<u64>(), __varies::<u32>()]);
    const __READ_TAILS_MAX: usize =
        0_usize.saturating_add(::nearcall::rt::DEFAULT_MAX).saturating_add(::nearcall::rt::DEFAULT_MAX);
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __READ_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__READ_REQ), __in_frame(__READ_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `read` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __WRITE_AT_0: usize = 0;
    const __WRITE_AT_1: usize = __WRITE_AT_0 + <Handle as ::nearcall::Wire>::SIZE;
    const __WRITE_AT_2: usize = __WRITE_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __WRITE_AT_3: usize = __WRITE_AT_2 + <u64 as ::nearcall::Wire>::SIZE;
    const __WRITE_REQ: usize = ::nearcall::rt::head_bytes(__WRITE_AT_3);
    const __WRITE_BACK_0: usize = 0;
    const __WRITE_BACK_1: usize = __WRITE_BACK_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __WRITE_BACK_2: usize = __WRITE_BACK_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __WRITE_REP: usize = ::nearcall::rt::head_bytes(__max(__WRITE_BACK_2, <FileError as ::nearcall::Wire>::SIZE));
    const __WRITE_PLACES: bool =
        __in_frame(__WRITE_REP) != 0 || __varies::<u64>() || __varies::<u32>() || __varies::<FileError>();
    const __WRITE_TAILS: usize = ::nearcall::rt::how_many(&[__varies::<u64>(), __varies::<u32>()]);
    const __WRITE_TAILS_MAX: usize =
        0_usize.saturating_add(::nearcall::rt::DEFAULT_MAX).saturating_add(::nearcall::rt::DEFAULT_MAX);
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __WRITE_FRAME: usize = {
        ::core::assert!(
            4200 >= __max(__in_frame(__WRITE_REQ), __in_frame(__WRITE_REP)),
            "`astack` of `write` is smaller than its parts of fixed size"
        );
        4200
    };
    const __PING_AT_0: usize = 0;
    const __PING_REQ: usize = ::nearcall::rt::head_bytes(__PING_AT_0);
    const __PING_BACK_0: usize = 0;
    const __PING_BACK_1: usize = __PING_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __PING_REP: usize = ::nearcall::rt::head_bytes(__PING_BACK_1);
    const __PING_PLACES: bool = __in_frame(__PING_REP) != 0 || __varies::<u32>();
    const __PING_FRAME: usize = if __varies::<u32>() {
        ::core::assert!(
            __max(__in_frame(__PING_REQ), __in_frame(__PING_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `ping` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__PING_REQ), __in_frame(__PING_REP))
    };
    static __INTERFACE: ::nearcall::rt::Interface = ::nearcall::rt::Interface {
        name: "Files",
        uuid: 0,
        version: (0, 0),
        procedures: &[
            ::nearcall::rt::Procedure {
                name: "open",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "path",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Str,
                    },
                    ::nearcall::rt::Param {
                        name: "flags",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <Handle as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Handle as ::nearcall::Wire>::CLASS),
                        shape: <Handle as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <FileError as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<FileError as ::nearcall::Wire>::CLASS),
                        shape: <FileError as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __OPEN_REQ,
                reply_size: __OPEN_REP,
                frame_size: __OPEN_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "read",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "handle",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Handle as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Handle as ::nearcall::Wire>::CLASS),
                        shape: <Handle as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "pos",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "buf",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <FileError as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<FileError as ::nearcall::Wire>::CLASS),
                        shape: <FileError as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __READ_REQ,
                reply_size: __READ_REP,
                frame_size: __READ_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "write",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "handle",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Handle as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Handle as ::nearcall::Wire>::CLASS),
                        shape: <Handle as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "pos",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "data",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <FileError as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<FileError as ::nearcall::Wire>::CLASS),
                        shape: <FileError as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __WRITE_REQ,
                reply_size: __WRITE_REP,
                frame_size: __WRITE_FRAME,
                concurrency: 8,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::Some(::core::time::Duration::new(2, 0)),
                idempotent: true,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "ping",
                origin: "",
                params: &[::nearcall::rt::Param {
                    name: "return",
                    direction: ::nearcall::rt::Direction::Return,
                    size: <u32 as ::nearcall::Wire>::SIZE,
                    max: { ::nearcall::rt::DEFAULT_MAX },
                    carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                    shape: <u32 as ::nearcall::Wire>::SHAPE,
                }],
                request_size: __PING_REQ,
                reply_size: __PING_REP,
                frame_size: __PING_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
        ],
    };
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl FilesClient {
        /// Binds to the `Files` exported as `name`.
        ///
        /// # Errors
        /// [`BindError`](::nearcall::BindError) says why there is none.
        pub fn bind(name: &str) -> ::core::result::Result<Self, ::nearcall::BindError> {
            ::nearcall::bind::<Self>(name)
        }
        /// A client of `imp`, which has no name: to be passed to other processes, which call it back.
        ///
        /// # Errors
        /// [`BindError`](::nearcall::BindError): this process was forked, or the kernel refuses it something.
        pub fn serve<__T: Files + ::core::marker::Send + ::core::marker::Sync + 'static>(
            imp: __T,
        ) -> ::core::result::Result<::nearcall::Callback<Self>, ::nearcall::BindError> {
            ::nearcall::Callback::new(FilesServer::new(imp))
        }
        /// What `Files` is, in words: signatures, sizes, and how the parameters travel.
        #[must_use]
        pub fn describe() -> ::nearcall::Description {
            ::nearcall::describe::<Self>()
        }
        /// Opens the file at `path`.
        ///
        /// # Errors
        /// [`FileError::NotFound`].
        #[inline]
        pub fn open(&self, path: &str, flags: u32) -> ::core::result::Result<Handle, ::nearcall::CallError<FileError>> {
            let mut __call = match self.binding.begin::<__OPEN_REQ, __OPEN_REP>(0u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_open(__why, path, flags);
                }
            };
            __call.count(__OPEN_AT_0, path.len());
            __call.put::<u32>(__OPEN_AT_1, &flags);
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(path.as_bytes())?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__OPEN_AT_1, &flags)?;
            let mut __reply = __call.transfer::<__OPEN_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.get::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__OPEN_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_open(
            &self,
            __why: ::nearcall::rt::Failure,
            path: &str,
            flags: u32,
        ) -> ::core::result::Result<Handle, ::nearcall::CallError<FileError>> {
            let mut __call = self.binding.begin_far::<__OPEN_REQ, __OPEN_REP>(0u16, __why)?;
            __call.count(__OPEN_AT_0, path.len());
            __call.put::<u32>(__OPEN_AT_1, &flags);
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(path.as_bytes())?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__OPEN_AT_1, &flags)?;
            let mut __reply = __call.transfer::<__OPEN_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.get::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__OPEN_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Reads from `pos` and advances it; returns how many bytes were read.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn read(
            &self,
            handle: Handle,
            pos: &mut u64,
            buf: &mut [u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            let mut __call = match self.binding.begin::<__READ_REQ, __READ_REP>(1u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_read(__why, handle, pos, buf);
                }
            };
            __call.put::<Handle>(__READ_AT_0, &handle);
            __call.put::<u64>(__READ_AT_1, pos);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_2, buf.len())?;
            __call.tail::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_0, &handle)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_1, pos)?;
            let mut __reply = __call.transfer::<__READ_PLACES>()?;
            let __arg_buf = __reply.area::<u8>(buf.len());
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_pos = __reply.get_among::<u64, { ::nearcall::rt::DEFAULT_MAX }, __READ_TAILS>(
                __READ_BACK_0,
                __READ_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<u32, { ::nearcall::rt::DEFAULT_MAX }, __READ_TAILS>(
                __READ_BACK_1,
                __READ_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__READ_TAILS>()?;
            __reply.copy_out(&__arg_buf, ::nearcall::rt::OutLen::out_len(__return), buf)?;
            *pos = __arg_pos;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_read(
            &self,
            __why: ::nearcall::rt::Failure,
            handle: Handle,
            pos: &mut u64,
            buf: &mut [u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            let mut __call = self.binding.begin_far::<__READ_REQ, __READ_REP>(1u16, __why)?;
            __call.put::<Handle>(__READ_AT_0, &handle);
            __call.put::<u64>(__READ_AT_1, pos);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_2, buf.len())?;
            __call.tail::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_0, &handle)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_1, pos)?;
            __call.lay_out::<u8>(buf.len());
            let mut __reply = __call.transfer::<__READ_PLACES>()?;
            let __arg_buf = __reply.area::<u8>(buf.len());
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_pos = __reply.get_among::<u64, { ::nearcall::rt::DEFAULT_MAX }, __READ_TAILS>(
                __READ_BACK_0,
                __READ_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<u32, { ::nearcall::rt::DEFAULT_MAX }, __READ_TAILS>(
                __READ_BACK_1,
                __READ_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__READ_TAILS>()?;
            __reply.copy_out(&__arg_buf, ::nearcall::rt::OutLen::out_len(__return), buf)?;
            *pos = __arg_pos;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Writes at `pos` and advances it; returns how many bytes were written.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn write(
            &self,
            handle: Handle,
            pos: &mut u64,
            data: &[u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            let mut __call = match self.binding.begin::<__WRITE_REQ, __WRITE_REP>(2u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_write(__why, handle, pos, data);
                }
            };
            __call.put::<Handle>(__WRITE_AT_0, &handle);
            __call.count(__WRITE_AT_1, data.len());
            __call.put::<u64>(__WRITE_AT_2, pos);
            __call.tail::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__WRITE_AT_0, &handle)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__WRITE_AT_2, pos)?;
            let mut __reply = __call.transfer::<__WRITE_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_pos = __reply.get_among::<u64, { ::nearcall::rt::DEFAULT_MAX }, __WRITE_TAILS>(
                __WRITE_BACK_0,
                __WRITE_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<u32, { ::nearcall::rt::DEFAULT_MAX }, __WRITE_TAILS>(
                __WRITE_BACK_1,
                __WRITE_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__WRITE_TAILS>()?;
            *pos = __arg_pos;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_write(
            &self,
            __why: ::nearcall::rt::Failure,
            handle: Handle,
            pos: &mut u64,
            data: &[u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            let mut __call = self.binding.begin_far::<__WRITE_REQ, __WRITE_REP>(2u16, __why)?;
            __call.put::<Handle>(__WRITE_AT_0, &handle);
            __call.count(__WRITE_AT_1, data.len());
            __call.put::<u64>(__WRITE_AT_2, pos);
            __call.tail::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__WRITE_AT_0, &handle)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__WRITE_AT_2, pos)?;
            let mut __reply = __call.transfer::<__WRITE_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_pos = __reply.get_among::<u64, { ::nearcall::rt::DEFAULT_MAX }, __WRITE_TAILS>(
                __WRITE_BACK_0,
                __WRITE_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<u32, { ::nearcall::rt::DEFAULT_MAX }, __WRITE_TAILS>(
                __WRITE_BACK_1,
                __WRITE_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__WRITE_TAILS>()?;
            *pos = __arg_pos;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Counts calls.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn ping(&self) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = match self.binding.begin::<__PING_REQ, __PING_REP>(3u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_ping(__why),
            };
            let mut __reply = __call.transfer::<__PING_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__PING_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_ping(
            &self,
            __why: ::nearcall::rt::Failure,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = self.binding.begin_far::<__PING_REQ, __PING_REP>(3u16, __why)?;
            let mut __reply = __call.transfer::<__PING_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__PING_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Starts [`open`](Self::open) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_open(
            &self,
            path: &str,
            flags: u32,
        ) -> ::core::result::Result<::nearcall::Pending<'_, Handle, FileError>, ::nearcall::CallError<FileError>>
        {
            let mut __call = self.binding.begin_start::<__OPEN_REQ, __OPEN_REP>(0u16)?;
            __call.count(__OPEN_AT_0, path.len());
            __call.put::<u32>(__OPEN_AT_1, &flags);
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(path.as_bytes())?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__OPEN_AT_1, &flags)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<Handle, ::nearcall::CallError<FileError>> {
                let mut __reply = __answer.open::<__OPEN_REP, __OPEN_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let __return = __reply
                    .get::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__OPEN_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__OPEN_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`read`](Self::read) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_read<'__a>(
            &'__a self,
            handle: Handle,
            pos: &'__a mut u64,
            buf: &'__a mut [u8],
        ) -> ::core::result::Result<::nearcall::Pending<'__a, u32, FileError>, ::nearcall::CallError<FileError>>
        {
            let mut __call = self.binding.begin_start::<__READ_REQ, __READ_REP>(1u16)?;
            __call.put::<Handle>(__READ_AT_0, &handle);
            __call.put::<u64>(__READ_AT_1, pos);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_2, buf.len())?;
            __call.tail::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_0, &handle)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__READ_AT_1, pos)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
                let mut __reply = __answer.open::<__READ_REP, __READ_PLACES>()?;
                let __arg_buf = __reply.area::<u8>(buf.len());
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let mut __tails = ::nearcall::rt::Tails::new();
                let __arg_pos = __reply
                    .get_among::<
                        u64,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __READ_TAILS,
                    >(__READ_BACK_0, __READ_TAILS_MAX, &mut __tails)?;
                let __return = __reply
                    .get_among::<
                        u32,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __READ_TAILS,
                    >(__READ_BACK_1, __READ_TAILS_MAX, &mut __tails)?;
                __tails.end::<__READ_TAILS>()?;
                __reply
                    .copy_out(
                        &__arg_buf,
                        ::nearcall::rt::OutLen::out_len(__return),
                        buf,
                    )?;
                *pos = __arg_pos;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__READ_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`write`](Self::write) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_write<'__a>(
            &'__a self,
            handle: Handle,
            pos: &'__a mut u64,
            data: &[u8],
        ) -> ::core::result::Result<::nearcall::Pending<'__a, u32, FileError>, ::nearcall::CallError<FileError>>
        {
            let mut __call = self.binding.begin_start::<__WRITE_REQ, __WRITE_REP>(2u16)?;
            __call.put::<Handle>(__WRITE_AT_0, &handle);
            __call.count(__WRITE_AT_1, data.len());
            __call.put::<u64>(__WRITE_AT_2, pos);
            __call.tail::<Handle, { ::nearcall::rt::DEFAULT_MAX }>(__WRITE_AT_0, &handle)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__WRITE_AT_2, pos)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
                let mut __reply = __answer.open::<__WRITE_REP, __WRITE_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<FileError, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let mut __tails = ::nearcall::rt::Tails::new();
                let __arg_pos = __reply
                    .get_among::<
                        u64,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __WRITE_TAILS,
                    >(__WRITE_BACK_0, __WRITE_TAILS_MAX, &mut __tails)?;
                let __return = __reply
                    .get_among::<
                        u32,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __WRITE_TAILS,
                    >(__WRITE_BACK_1, __WRITE_TAILS_MAX, &mut __tails)?;
                __tails.end::<__WRITE_TAILS>()?;
                *pos = __arg_pos;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__WRITE_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`ping`](Self::ping) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_ping(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let __call = self.binding.begin_start::<__PING_REQ, __PING_REP>(3u16)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u32,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__PING_REP, __PING_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__PING_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__PING_PLACES, _, _>(&self.binding, __read)?)
        }
    }
    impl ::nearcall::Client for FilesClient {
        const NAME: &'static str = "Files";
        const INTERFACE: &'static ::nearcall::rt::Interface = &__INTERFACE;
        fn from_binding(binding: ::nearcall::Binding) -> Self {
            Self { binding }
        }
        fn binding(&self) -> &::nearcall::Binding {
            &self.binding
        }
    }
    impl FilesCall for FilesClient {
        #[inline]
        fn open(&self, path: &str, flags: u32) -> ::core::result::Result<Handle, ::nearcall::CallError<FileError>> {
            Self::open(self, path, flags)
        }
        #[inline]
        fn read(
            &self,
            handle: Handle,
            pos: &mut u64,
            buf: &mut [u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            Self::read(self, handle, pos, buf)
        }
        #[inline]
        fn write(
            &self,
            handle: Handle,
            pos: &mut u64,
            data: &[u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            Self::write(self, handle, pos, data)
        }
        #[inline]
        fn ping(&self) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::ping(self)
        }
    }
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl<T: Files + ::core::marker::Send + ::core::marker::Sync + 'static> FilesServer<T> {
        /// A service of `imp`, for [`Exporter`](::nearcall::Exporter) or [`FilesServer::export`].
        pub const fn new(imp: T) -> Self {
            Self(imp)
        }
        /// Exports `imp` as `name`, until the result is dropped.
        ///
        /// # Errors
        /// [`ExportError`](::nearcall::ExportError) says why it cannot be.
        pub fn export(name: &str, imp: T) -> ::core::result::Result<::nearcall::Export, ::nearcall::ExportError> {
            ::nearcall::export(name, Self::new(imp))
        }
        const __SERVE: &'static [::nearcall::rt::Serve<T>] =
            &[__serve_open::<T>, __serve_read::<T>, __serve_write::<T>, __serve_ping::<T>];
    }
    impl<T> ::core::fmt::Debug for FilesServer<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("FilesServer").finish_non_exhaustive()
        }
    }
    impl<T: Files + ::core::marker::Send + ::core::marker::Sync + 'static> ::nearcall::rt::Service for FilesServer<T> {
        fn interface(&self) -> &'static ::nearcall::rt::Interface {
            &__INTERFACE
        }
        fn call(
            &self,
            __procedure: u16,
            __call: &mut ::nearcall::rt::Incoming<'_>,
        ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
            match Self::__SERVE.get(::core::convert::Into::<usize>::into(__procedure)) {
                ::core::option::Option::Some(__serve) => __serve(&self.0, __call),
                ::core::option::Option::None => ::core::result::Result::Err(::nearcall::rt::Refusal::NoSuchProcedure),
            }
        }
    }
    fn __serve_open<__T: Files>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__OPEN_REQ, __OPEN_REP>()?;
        let __arg_path =
            __call.str::<{ ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __OPEN_AT_0)?)?;
        let __arg_flags = __call.value::<u32, __OPEN_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __OPEN_AT_1)?;
        match <__T as Files>::open(__imp, __arg_path, __arg_flags) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__OPEN_REP>::ZERO;
                __call.reply_value::<Handle, _, { ::nearcall::rt::DEFAULT_MAX }>(
                    &mut __head,
                    __OPEN_BACK_0,
                    &__return,
                )?;
                __call.reply::<__OPEN_REP, __OPEN_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__OPEN_REP>::ZERO;
                __call.reply_value::<FileError, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__OPEN_REP, __OPEN_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    fn __serve_read<__T: Files>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__READ_REQ, __READ_REP>()?;
        let __end = __in_frame(__READ_REP);
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __READ_AT_2)?,
        )?;
        __call.provide(__end)?;
        let __arg_handle = __call.value::<Handle, __READ_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __READ_AT_0)?;
        let mut __arg_pos = __call.value::<u64, __READ_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __READ_AT_1)?;
        let __arg_buf = __call.out::<u8>(::nearcall::rt::get_count(&__head.0, __READ_AT_2)?)?;
        match <__T as Files>::read(__imp, __arg_handle, &mut __arg_pos, __arg_buf) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__READ_REP>::ZERO;
                let mut __tails = ::nearcall::rt::Tails::new();
                __call.reply_among::<u64, _, { ::nearcall::rt::DEFAULT_MAX }, __READ_TAILS>(
                    &mut __head,
                    __READ_BACK_0,
                    &__arg_pos,
                    &mut __tails,
                )?;
                __call.reply_among::<u32, _, { ::nearcall::rt::DEFAULT_MAX }, __READ_TAILS>(
                    &mut __head,
                    __READ_BACK_1,
                    &__return,
                    &mut __tails,
                )?;
                __call.reply_tails::<__READ_TAILS>(&__tails)?;
                __call.reply::<__READ_REP, __READ_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__READ_REP>::ZERO;
                __call.reply_value::<FileError, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__READ_REP, __READ_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    fn __serve_write<__T: Files>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__WRITE_REQ, __WRITE_REP>()?;
        let __arg_handle =
            __call.value::<Handle, __WRITE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __WRITE_AT_0)?;
        let __arg_data =
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __WRITE_AT_1)?)?;
        let mut __arg_pos = __call.value::<u64, __WRITE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __WRITE_AT_2)?;
        match <__T as Files>::write(__imp, __arg_handle, &mut __arg_pos, __arg_data) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__WRITE_REP>::ZERO;
                let mut __tails = ::nearcall::rt::Tails::new();
                __call.reply_among::<u64, _, { ::nearcall::rt::DEFAULT_MAX }, __WRITE_TAILS>(
                    &mut __head,
                    __WRITE_BACK_0,
                    &__arg_pos,
                    &mut __tails,
                )?;
                __call.reply_among::<u32, _, { ::nearcall::rt::DEFAULT_MAX }, __WRITE_TAILS>(
                    &mut __head,
                    __WRITE_BACK_1,
                    &__return,
                    &mut __tails,
                )?;
                __call.reply_tails::<__WRITE_TAILS>(&__tails)?;
                __call.reply::<__WRITE_REP, __WRITE_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__WRITE_REP>::ZERO;
                __call.reply_value::<FileError, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__WRITE_REP, __WRITE_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    fn __serve_ping<__T: Files>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__PING_REQ, __PING_REP>()?;
        let __return = <__T as Files>::ping(__imp);
        let mut __head = ::nearcall::rt::Head::<__PING_REP>::ZERO;
        __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __PING_BACK_0, &__return)?;
        __call.reply::<__PING_REP, __PING_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(dead_code, reason = "a program may have no use for it")]
    impl<__T: Files> FilesLocal<__T> {
        /// Starts [`open`](Self::open) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_open(
            &self,
            path: &str,
            flags: u32,
        ) -> ::core::result::Result<::nearcall::Pending<'_, Handle, FileError>, ::nearcall::CallError<FileError>>
        {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FilesCall>::open(self, path, flags)))
        }
        /// Starts [`read`](Self::read) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_read<'__a>(
            &'__a self,
            handle: Handle,
            pos: &'__a mut u64,
            buf: &'__a mut [u8],
        ) -> ::core::result::Result<::nearcall::Pending<'__a, u32, FileError>, ::nearcall::CallError<FileError>>
        {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FilesCall>::read(self, handle, pos, buf)))
        }
        /// Starts [`write`](Self::write) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_write<'__a>(
            &'__a self,
            handle: Handle,
            pos: &'__a mut u64,
            data: &[u8],
        ) -> ::core::result::Result<::nearcall::Pending<'__a, u32, FileError>, ::nearcall::CallError<FileError>>
        {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FilesCall>::write(self, handle, pos, data)))
        }
        /// Starts [`ping`](Self::ping) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_ping(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FilesCall>::ping(self)))
        }
    }
    impl<T> ::core::fmt::Debug for FilesLocal<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("FilesLocal").finish_non_exhaustive()
        }
    }
    impl<__T: Files> FilesCall for FilesLocal<__T> {
        #[inline]
        fn open(&self, path: &str, flags: u32) -> ::core::result::Result<Handle, ::nearcall::CallError<FileError>> {
            <__T as Files>::open(&self.0, path, flags).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn read(
            &self,
            handle: Handle,
            pos: &mut u64,
            buf: &mut [u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            <__T as Files>::read(&self.0, handle, pos, buf).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn write(
            &self,
            handle: Handle,
            pos: &mut u64,
            data: &[u8],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<FileError>> {
            <__T as Files>::write(&self.0, handle, pos, data).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn ping(&self) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Files>::ping(&self.0))
        }
    }
    impl<__T: Files + ?::core::marker::Sized> Files for ::std::sync::Arc<__T> {
        #[inline]
        fn open(&self, path: &str, flags: u32) -> ::core::result::Result<Handle, FileError> {
            <__T as Files>::open(self, path, flags)
        }
        #[inline]
        fn read(&self, handle: Handle, pos: &mut u64, buf: &mut [u8]) -> ::core::result::Result<u32, FileError> {
            <__T as Files>::read(self, handle, pos, buf)
        }
        #[inline]
        fn write(&self, handle: Handle, pos: &mut u64, data: &[u8]) -> ::core::result::Result<u32, FileError> {
            <__T as Files>::write(self, handle, pos, data)
        }
        #[inline]
        fn ping(&self) -> u32 {
            <__T as Files>::ping(self)
        }
    }
};

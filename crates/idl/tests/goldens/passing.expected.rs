//! What is passed and not copied, and several strings at once.
use std::os::fd::{BorrowedFd, OwnedFd};
pub trait Watch {
    fn seen(&self, what: u32);
}
/// What a client of [`Watch`] can do: the same procedures, with what can become of a call.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub trait WatchCall {
    /// Calls `seen`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn seen(&self, what: u32) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
}
/// A client of [`Watch`]: its methods are calls through a binding.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
#[derive(::core::fmt::Debug)]
pub struct WatchClient {
    binding: ::nearcall::Binding,
}
/// Serves any [`Watch`] to other address spaces.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub struct WatchServer<T>(T);
/// [`WatchCall`] without a boundary: calls a [`Watch`] in the same address space.
///
/// Unlike a call, it leaves in-out and out targets as the procedure left them when that returned an error.
#[allow(dead_code, reason = "a program may have no use for it")]
pub struct WatchLocal<T>(
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
    const __SEEN_AT_0: usize = 0;
    const __SEEN_AT_1: usize = __SEEN_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __SEEN_REQ: usize = ::nearcall::rt::head_bytes(__SEEN_AT_1);
    const __SEEN_BACK_0: usize = 0;
    const __SEEN_REP: usize = ::nearcall::rt::head_bytes(__SEEN_BACK_0);
    const __SEEN_PLACES: bool = __in_frame(__SEEN_REP) != 0;
    const __SEEN_FRAME: usize = if __varies::<u32>() {
        ::core::assert!(
            __max(__in_frame(__SEEN_REQ), __in_frame(__SEEN_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `seen` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__SEEN_REQ), __in_frame(__SEEN_REP))
    };
    static __INTERFACE: ::nearcall::rt::Interface = ::nearcall::rt::Interface {
        name: "Watch",
        uuid: 0,
        version: (0, 0),
        procedures: &[::nearcall::rt::Procedure {
            name: "seen",
            origin: "",
            params: &[
                ::nearcall::rt::Param {
                    name: "what",
                    direction: ::nearcall::rt::Direction::In,
                    size: <u32 as ::nearcall::Wire>::SIZE,
                    max: { ::nearcall::rt::DEFAULT_MAX },
                    carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                    shape: <u32 as ::nearcall::Wire>::SHAPE,
                },
                ::nearcall::rt::Param {
                    name: "return",
                    direction: ::nearcall::rt::Direction::Return,
                    size: <() as ::nearcall::Wire>::SIZE,
                    max: { ::nearcall::rt::DEFAULT_MAX },
                    carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                    shape: <() as ::nearcall::Wire>::SHAPE,
                },
            ],
            request_size: __SEEN_REQ,
            reply_size: __SEEN_REP,
            frame_size: __SEEN_FRAME,
            concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
            exhausted: ::nearcall::rt::Exhausted::Wait,
            timeout: ::core::option::Option::None,
            idempotent: false,
            handoff: false,
            near: false,
        }],
    };
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl WatchClient {
        /// Binds to the `Watch` exported as `name`.
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
        pub fn serve<__T: Watch + ::core::marker::Send + ::core::marker::Sync + 'static>(
            imp: __T,
        ) -> ::core::result::Result<::nearcall::Callback<Self>, ::nearcall::BindError> {
            ::nearcall::Callback::new(WatchServer::new(imp))
        }
        /// What `Watch` is, in words: signatures, sizes, and how the parameters travel.
        #[must_use]
        pub fn describe() -> ::nearcall::Description {
            ::nearcall::describe::<Self>()
        }
        /// Calls `seen`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn seen(
            &self,
            what: u32,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__SEEN_REQ, __SEEN_REP>(0u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_seen(__why, what),
            };
            __call.put::<u32>(__SEEN_AT_0, &what);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SEEN_AT_0, &what)?;
            let __reply = __call.transfer::<__SEEN_PLACES>()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_seen(
            &self,
            __why: ::nearcall::rt::Failure,
            what: u32,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__SEEN_REQ, __SEEN_REP>(0u16, __why)?;
            __call.put::<u32>(__SEEN_AT_0, &what);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SEEN_AT_0, &what)?;
            let __reply = __call.transfer::<__SEEN_PLACES>()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// Starts [`seen`](Self::seen) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_seen(
            &self,
            what: u32,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__SEEN_REQ, __SEEN_REP>(0u16)?;
            __call.put::<u32>(__SEEN_AT_0, &what);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SEEN_AT_0, &what)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let __reply = __answer.open::<__SEEN_REP, __SEEN_PLACES>()?;
                __reply.refuse_app()?;
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__SEEN_PLACES, _, _>(&self.binding, __read)?)
        }
    }
    impl ::nearcall::Client for WatchClient {
        const NAME: &'static str = "Watch";
        const INTERFACE: &'static ::nearcall::rt::Interface = &__INTERFACE;
        fn from_binding(binding: ::nearcall::Binding) -> Self {
            Self { binding }
        }
        fn binding(&self) -> &::nearcall::Binding {
            &self.binding
        }
    }
    impl WatchCall for WatchClient {
        #[inline]
        fn seen(&self, what: u32) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::seen(self, what)
        }
    }
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl<T: Watch + ::core::marker::Send + ::core::marker::Sync + 'static> WatchServer<T> {
        /// A service of `imp`, for [`Exporter`](::nearcall::Exporter) or [`WatchServer::export`].
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
        const __SERVE: &'static [::nearcall::rt::Serve<T>] = &[__serve_seen::<T>];
    }
    impl<T> ::core::fmt::Debug for WatchServer<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("WatchServer").finish_non_exhaustive()
        }
    }
    impl<T: Watch + ::core::marker::Send + ::core::marker::Sync + 'static> ::nearcall::rt::Service for WatchServer<T> {
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
    fn __serve_seen<__T: Watch>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__SEEN_REQ, __SEEN_REP>()?;
        let __arg_what = __call.value::<u32, __SEEN_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __SEEN_AT_0)?;
        <__T as Watch>::seen(__imp, __arg_what);
        __call.reply::<__SEEN_REP, __SEEN_PLACES>(&::nearcall::rt::Head::<__SEEN_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(dead_code, reason = "a program may have no use for it")]
    impl<__T: Watch> WatchLocal<__T> {
        /// Starts [`seen`](Self::seen) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_seen(
            &self,
            what: u32,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as WatchCall>::seen(self, what)))
        }
    }
    impl<T> ::core::fmt::Debug for WatchLocal<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("WatchLocal").finish_non_exhaustive()
        }
    }
    impl<__T: Watch> WatchCall for WatchLocal<__T> {
        #[inline]
        fn seen(&self, what: u32) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Watch>::seen(&self.0, what);
            ::core::result::Result::Ok(())
        }
    }
    impl<__T: Watch + ?::core::marker::Sized> Watch for ::std::sync::Arc<__T> {
        #[inline]
        fn seen(&self, what: u32) {
            <__T as Watch>::seen(self, what)
        }
    }
};
pub trait Passing {
    fn file(&self, number: u32, file: OwnedFd, log: BorrowedFd<'_>) -> u32;
    fn watch(&self, by: WatchClient, also: &WatchClient);
    fn made(&self, number: u32) -> Result<WatchClient, u32>;
    fn plain(&self) -> OwnedFd;
    fn again(&self) -> PassingClient;
    fn memory(&self, sealed: &nearcall::Grant, shared: nearcall::SharedGrant) -> Result<nearcall::Grant, u32>;
    fn several(
        &self,
        files: Vec<OwnedFd>,
        lent: &[BorrowedFd<'_>],
        log: Option<BorrowedFd<'_>>,
        by: Option<&WatchClient>,
    );
    fn several_back(&self, count: u32) -> Result<Vec<OwnedFd>, u32>;
    fn perhaps(&self, by: &Option<WatchClient>) -> Option<nearcall::Grant>;
    fn gather(&self, before: &str, strings: &[&[u8]]) -> u32;
    fn scatter(&self, places: &mut [&mut [u8]], after: &mut [u16]) -> u32;
}
/// What a client of [`Passing`] can do: the same procedures, with what can become of a call.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub trait PassingCall {
    /// Calls `file`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn file(
        &self,
        number: u32,
        file: OwnedFd,
        log: BorrowedFd<'_>,
    ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Calls `watch`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn watch(
        &self,
        by: WatchClient,
        also: &WatchClient,
    ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// Calls `made`.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn made(&self, number: u32) -> ::core::result::Result<WatchClient, ::nearcall::CallError<u32>>;
    /// Calls `plain`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn plain(&self) -> ::core::result::Result<OwnedFd, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Calls `again`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn again(&self) -> ::core::result::Result<PassingClient, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Calls `memory`.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn memory(
        &self,
        sealed: &nearcall::Grant,
        shared: nearcall::SharedGrant,
    ) -> ::core::result::Result<nearcall::Grant, ::nearcall::CallError<u32>>;
    /// Calls `several`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn several(
        &self,
        files: Vec<OwnedFd>,
        lent: &[BorrowedFd<'_>],
        log: Option<BorrowedFd<'_>>,
        by: Option<&WatchClient>,
    ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// Calls `several_back`.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn several_back(&self, count: u32) -> ::core::result::Result<Vec<OwnedFd>, ::nearcall::CallError<u32>>;
    /// Calls `perhaps`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn perhaps(
        &self,
        by: &Option<WatchClient>,
    ) -> ::core::result::Result<Option<nearcall::Grant>, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Calls `gather`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn gather(
        &self,
        before: &str,
        strings: &[&[u8]],
    ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Calls `scatter`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn scatter(
        &self,
        places: &mut [&mut [u8]],
        after: &mut [u16],
    ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>>;
}
/// A client of [`Passing`]: its methods are calls through a binding.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
#[derive(::core::fmt::Debug)]
pub struct PassingClient {
    binding: ::nearcall::Binding,
}
/// Serves any [`Passing`] to other address spaces.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub struct PassingServer<T>(T);
/// [`PassingCall`] without a boundary: calls a [`Passing`] in the same address space.
///
/// Unlike a call, it leaves in-out and out targets as the procedure left them when that returned an error.
#[allow(dead_code, reason = "a program may have no use for it")]
pub struct PassingLocal<T>(
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
    const __FILE_AT_0: usize = 0;
    const __FILE_AT_1: usize = __FILE_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __FILE_AT_2: usize = __FILE_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __FILE_AT_3: usize = __FILE_AT_2 + <u32 as ::nearcall::Wire>::SIZE;
    const __FILE_REQ: usize = ::nearcall::rt::head_bytes(__FILE_AT_3);
    const __FILE_BACK_0: usize = 0;
    const __FILE_BACK_1: usize = __FILE_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __FILE_REP: usize = ::nearcall::rt::head_bytes(__FILE_BACK_1);
    const __FILE_PLACES: bool = __in_frame(__FILE_REP) != 0 || __varies::<u32>();
    const _: () = ::core::assert!(
        <OwnedFd as ::nearcall::rt::Pass>::COUNT + <::std::os::fd::OwnedFd as ::nearcall::rt::Pass>::COUNT
            <= ::nearcall::rt::PASSED_MAX,
        "`file` passes more than 16 descriptors"
    );
    const __FILE_FRAME: usize = if __varies::<u32>() {
        ::core::assert!(
            __max(__in_frame(__FILE_REQ), __in_frame(__FILE_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `file` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__FILE_REQ), __in_frame(__FILE_REP))
    };
    const __WATCH_AT_0: usize = 0;
    const __WATCH_AT_1: usize = __WATCH_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __WATCH_AT_2: usize = __WATCH_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __WATCH_REQ: usize = ::nearcall::rt::head_bytes(__WATCH_AT_2);
    const __WATCH_BACK_0: usize = 0;
    const __WATCH_REP: usize = ::nearcall::rt::head_bytes(__WATCH_BACK_0);
    const __WATCH_PLACES: bool = __in_frame(__WATCH_REP) != 0;
    const _: () = ::core::assert!(
        <WatchClient as ::nearcall::rt::Pass>::COUNT + <WatchClient as ::nearcall::rt::Pass>::COUNT
            <= ::nearcall::rt::PASSED_MAX,
        "`watch` passes more than 16 descriptors"
    );
    const __WATCH_FRAME: usize = __max(__in_frame(__WATCH_REQ), __in_frame(__WATCH_REP));
    const __MADE_AT_0: usize = 0;
    const __MADE_AT_1: usize = __MADE_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __MADE_REQ: usize = ::nearcall::rt::head_bytes(__MADE_AT_1);
    const __MADE_BACK_0: usize = 0;
    const __MADE_BACK_1: usize = __MADE_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __MADE_REP: usize = ::nearcall::rt::head_bytes(__max(__MADE_BACK_1, <u32 as ::nearcall::Wire>::SIZE));
    const __MADE_PLACES: bool = __in_frame(__MADE_REP) != 0 || __varies::<u32>();
    const __MADE_FRAME: usize = if __varies::<u32>() {
        ::core::assert!(
            __max(__in_frame(__MADE_REQ), __in_frame(__MADE_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `made` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__MADE_REQ), __in_frame(__MADE_REP))
    };
    const __PLAIN_AT_0: usize = 0;
    const __PLAIN_REQ: usize = ::nearcall::rt::head_bytes(__PLAIN_AT_0);
    const __PLAIN_BACK_0: usize = 0;
    const __PLAIN_BACK_1: usize = __PLAIN_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __PLAIN_REP: usize = ::nearcall::rt::head_bytes(__PLAIN_BACK_1);
    const __PLAIN_PLACES: bool = __in_frame(__PLAIN_REP) != 0;
    const __PLAIN_FRAME: usize = __max(__in_frame(__PLAIN_REQ), __in_frame(__PLAIN_REP));
    const __AGAIN_AT_0: usize = 0;
    const __AGAIN_REQ: usize = ::nearcall::rt::head_bytes(__AGAIN_AT_0);
    const __AGAIN_BACK_0: usize = 0;
    const __AGAIN_BACK_1: usize = __AGAIN_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __AGAIN_REP: usize = ::nearcall::rt::head_bytes(__AGAIN_BACK_1);
    const __AGAIN_PLACES: bool = __in_frame(__AGAIN_REP) != 0;
    const __AGAIN_FRAME: usize = __max(__in_frame(__AGAIN_REQ), __in_frame(__AGAIN_REP));
    const __MEMORY_AT_0: usize = 0;
    const __MEMORY_AT_1: usize = __MEMORY_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __MEMORY_AT_2: usize = __MEMORY_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __MEMORY_REQ: usize = ::nearcall::rt::head_bytes(__MEMORY_AT_2);
    const __MEMORY_BACK_0: usize = 0;
    const __MEMORY_BACK_1: usize = __MEMORY_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __MEMORY_REP: usize = ::nearcall::rt::head_bytes(__max(__MEMORY_BACK_1, <u32 as ::nearcall::Wire>::SIZE));
    const __MEMORY_PLACES: bool = __in_frame(__MEMORY_REP) != 0 || __varies::<u32>();
    const _: () = ::core::assert!(
        <nearcall::Grant as ::nearcall::rt::Pass>::COUNT + <nearcall::SharedGrant as ::nearcall::rt::Pass>::COUNT
            <= ::nearcall::rt::PASSED_MAX,
        "`memory` passes more than 16 descriptors"
    );
    const __MEMORY_FRAME: usize = if __varies::<u32>() {
        ::core::assert!(
            __max(__in_frame(__MEMORY_REQ), __in_frame(__MEMORY_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `memory` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__MEMORY_REQ), __in_frame(__MEMORY_REP))
    };
    const __SEVERAL_AT_0: usize = 0;
    const __SEVERAL_AT_1: usize = __SEVERAL_AT_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_AT_2: usize = __SEVERAL_AT_1 + <u64 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_AT_3: usize = __SEVERAL_AT_2 + <u64 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_AT_4: usize = __SEVERAL_AT_3 + <u64 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_REQ: usize = ::nearcall::rt::head_bytes(__SEVERAL_AT_4);
    const __SEVERAL_BACK_0: usize = 0;
    const __SEVERAL_REP: usize = ::nearcall::rt::head_bytes(__SEVERAL_BACK_0);
    const __SEVERAL_PLACES: bool = __in_frame(__SEVERAL_REP) != 0;
    const _: () = ::core::assert!(
        <OwnedFd as ::nearcall::rt::Pass>::COUNT
            + <::std::os::fd::OwnedFd as ::nearcall::rt::Pass>::COUNT
            + <::std::os::fd::OwnedFd as ::nearcall::rt::Pass>::COUNT
            + <WatchClient as ::nearcall::rt::Pass>::COUNT
            <= ::nearcall::rt::PASSED_MAX,
        "`several` passes more than 16 descriptors"
    );
    const __SEVERAL_FRAME: usize = __max(__in_frame(__SEVERAL_REQ), __in_frame(__SEVERAL_REP));
    const __SEVERAL_BACK_AT_0: usize = 0;
    const __SEVERAL_BACK_AT_1: usize = __SEVERAL_BACK_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_BACK_REQ: usize = ::nearcall::rt::head_bytes(__SEVERAL_BACK_AT_1);
    const __SEVERAL_BACK_BACK_0: usize = 0;
    const __SEVERAL_BACK_BACK_1: usize = __SEVERAL_BACK_BACK_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_BACK_REP: usize =
        ::nearcall::rt::head_bytes(__max(__SEVERAL_BACK_BACK_1, <u32 as ::nearcall::Wire>::SIZE));
    const __SEVERAL_BACK_PLACES: bool = __in_frame(__SEVERAL_BACK_REP) != 0 || __varies::<u32>();
    const __SEVERAL_BACK_FRAME: usize = if __varies::<u32>() {
        ::core::assert!(
            __max(__in_frame(__SEVERAL_BACK_REQ), __in_frame(__SEVERAL_BACK_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `several_back` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__SEVERAL_BACK_REQ), __in_frame(__SEVERAL_BACK_REP))
    };
    const __PERHAPS_AT_0: usize = 0;
    const __PERHAPS_AT_1: usize = __PERHAPS_AT_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __PERHAPS_REQ: usize = ::nearcall::rt::head_bytes(__PERHAPS_AT_1);
    const __PERHAPS_BACK_0: usize = 0;
    const __PERHAPS_BACK_1: usize = __PERHAPS_BACK_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __PERHAPS_REP: usize = ::nearcall::rt::head_bytes(__PERHAPS_BACK_1);
    const __PERHAPS_PLACES: bool = __in_frame(__PERHAPS_REP) != 0;
    const _: () = ::core::assert!(
        <WatchClient as ::nearcall::rt::Pass>::COUNT <= ::nearcall::rt::PASSED_MAX,
        "`perhaps` passes more than 16 descriptors"
    );
    const __PERHAPS_FRAME: usize = __max(__in_frame(__PERHAPS_REQ), __in_frame(__PERHAPS_REP));
    const __GATHER_AT_0: usize = 0;
    const __GATHER_AT_1: usize = __GATHER_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __GATHER_AT_2: usize = __GATHER_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __GATHER_REQ: usize = ::nearcall::rt::head_bytes(__GATHER_AT_2);
    const __GATHER_BACK_0: usize = 0;
    const __GATHER_BACK_1: usize = __GATHER_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __GATHER_REP: usize = ::nearcall::rt::head_bytes(__GATHER_BACK_1);
    const __GATHER_PLACES: bool = __in_frame(__GATHER_REP) != 0 || __varies::<u32>();
    const __GATHER_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__GATHER_REQ), __in_frame(__GATHER_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `gather` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __SCATTER_AT_0: usize = 0;
    const __SCATTER_AT_1: usize = __SCATTER_AT_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __SCATTER_AT_2: usize = __SCATTER_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __SCATTER_REQ: usize = ::nearcall::rt::head_bytes(__SCATTER_AT_2);
    const __SCATTER_BACK_0: usize = 0;
    const __SCATTER_BACK_1: usize = __SCATTER_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __SCATTER_REP: usize = ::nearcall::rt::head_bytes(__SCATTER_BACK_1);
    const __SCATTER_PLACES: bool = true;
    const _: () = ::nearcall::rt::assert_item::<u16>();
    const __SCATTER_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__SCATTER_REQ), __in_frame(__SCATTER_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `scatter` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    static __INTERFACE: ::nearcall::rt::Interface = ::nearcall::rt::Interface {
        name: "Passing",
        uuid: 0,
        version: (0, 0),
        procedures: &[
            ::nearcall::rt::Procedure {
                name: "file",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "number",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "file",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <OwnedFd as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "log",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <::std::os::fd::OwnedFd as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __FILE_REQ,
                reply_size: __FILE_REP,
                frame_size: __FILE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "watch",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "by",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <WatchClient as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "also",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <WatchClient as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __WATCH_REQ,
                reply_size: __WATCH_REP,
                frame_size: __WATCH_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "made",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "number",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <WatchClient as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __MADE_REQ,
                reply_size: __MADE_REP,
                frame_size: __MADE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "plain",
                origin: "",
                params: &[::nearcall::rt::Param {
                    name: "return",
                    direction: ::nearcall::rt::Direction::Return,
                    size: <u32 as ::nearcall::Wire>::SIZE,
                    max: { ::nearcall::rt::DEFAULT_MAX },
                    carried: ::nearcall::rt::Carried::Passed,
                    shape: <OwnedFd as ::nearcall::rt::Pass>::SHAPE,
                }],
                request_size: __PLAIN_REQ,
                reply_size: __PLAIN_REP,
                frame_size: __PLAIN_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "again",
                origin: "",
                params: &[::nearcall::rt::Param {
                    name: "return",
                    direction: ::nearcall::rt::Direction::Return,
                    size: <u32 as ::nearcall::Wire>::SIZE,
                    max: { ::nearcall::rt::DEFAULT_MAX },
                    carried: ::nearcall::rt::Carried::Passed,
                    shape: <PassingClient as ::nearcall::rt::Pass>::SHAPE,
                }],
                request_size: __AGAIN_REQ,
                reply_size: __AGAIN_REP,
                frame_size: __AGAIN_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "memory",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "sealed",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <nearcall::Grant as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "shared",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <nearcall::SharedGrant as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: <nearcall::Grant as ::nearcall::rt::Pass>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __MEMORY_REQ,
                reply_size: __MEMORY_REP,
                frame_size: __MEMORY_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "several",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "files",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of_passed::<OwnedFd> },
                    },
                    ::nearcall::rt::Param {
                        name: "lent",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: &::nearcall::rt::Shape::Seq {
                            item: ::nearcall::rt::shape_of_passed::<::std::os::fd::OwnedFd>,
                        },
                    },
                    ::nearcall::rt::Param {
                        name: "log",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: &::nearcall::rt::Shape::Optional {
                            item: <::std::os::fd::OwnedFd as ::nearcall::rt::Pass>::SHAPE,
                        },
                    },
                    ::nearcall::rt::Param {
                        name: "by",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: &::nearcall::rt::Shape::Optional { item: <WatchClient as ::nearcall::rt::Pass>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __SEVERAL_REQ,
                reply_size: __SEVERAL_REP,
                frame_size: __SEVERAL_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "several_back",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "count",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of_passed::<OwnedFd> },
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __SEVERAL_BACK_REQ,
                reply_size: __SEVERAL_BACK_REP,
                frame_size: __SEVERAL_BACK_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "perhaps",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "by",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: &::nearcall::rt::Shape::Optional { item: <WatchClient as ::nearcall::rt::Pass>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Passed,
                        shape: &::nearcall::rt::Shape::Optional {
                            item: <nearcall::Grant as ::nearcall::rt::Pass>::SHAPE,
                        },
                    },
                ],
                request_size: __PERHAPS_REQ,
                reply_size: __PERHAPS_REP,
                frame_size: __PERHAPS_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "gather",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "before",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Str,
                    },
                    ::nearcall::rt::Param {
                        name: "strings",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: 100,
                        carried: ::nearcall::rt::Carried::Items,
                        shape: ::nearcall::rt::STRINGS,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __GATHER_REQ,
                reply_size: __GATHER_REP,
                frame_size: __GATHER_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "scatter",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "places",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: ::nearcall::rt::STRINGS,
                    },
                    ::nearcall::rt::Param {
                        name: "after",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u16> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __SCATTER_REQ,
                reply_size: __SCATTER_REP,
                frame_size: __SCATTER_FRAME,
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
    impl PassingClient {
        /// Binds to the `Passing` exported as `name`.
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
        pub fn serve<__T: Passing + ::core::marker::Send + ::core::marker::Sync + 'static>(
            imp: __T,
        ) -> ::core::result::Result<::nearcall::Callback<Self>, ::nearcall::BindError> {
            ::nearcall::Callback::new(PassingServer::new(imp))
        }
        /// What `Passing` is, in words: signatures, sizes, and how the parameters travel.
        #[must_use]
        pub fn describe() -> ::nearcall::Description {
            ::nearcall::describe::<Self>()
        }
        /// Calls `file`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn file(
            &self,
            number: u32,
            file: OwnedFd,
            log: BorrowedFd<'_>,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__FILE_REQ, __FILE_REP>(0u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_file(__why, number, file, log);
                }
            };
            __call.put::<u32>(__FILE_AT_0, &number);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__FILE_AT_0, &number)?;
            let mut __parcel = __call.parcel();
            __parcel.add::<OwnedFd>(&file)?;
            __parcel.lend(log);
            let __sent = __call.send(__parcel)?;
            __call.put::<u32>(__FILE_AT_1, &__sent.token());
            __call.put::<u32>(__FILE_AT_2, &__sent.token());
            let mut __reply = __call.transfer::<__FILE_PLACES>()?;
            __sent.taken();
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__FILE_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_file(
            &self,
            __why: ::nearcall::rt::Failure,
            number: u32,
            file: OwnedFd,
            log: BorrowedFd<'_>,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let _ = (number, file, log);
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `watch`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn watch(
            &self,
            by: WatchClient,
            also: &WatchClient,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__WATCH_REQ, __WATCH_REP>(1u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_watch(__why, by, also);
                }
            };
            let mut __parcel = __call.parcel();
            __parcel.add::<WatchClient>(&by)?;
            __parcel.add::<WatchClient>(also)?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u32>(__WATCH_AT_0, &__sent.token());
            __call.put::<u32>(__WATCH_AT_1, &__sent.token());
            let __reply = __call.transfer::<__WATCH_PLACES>()?;
            __reply.refuse_app()?;
            __sent.taken();
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_watch(
            &self,
            __why: ::nearcall::rt::Failure,
            by: WatchClient,
            also: &WatchClient,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let _ = (by, also);
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `made`.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn made(&self, number: u32) -> ::core::result::Result<WatchClient, ::nearcall::CallError<u32>> {
            let mut __call = match self.binding.begin::<__MADE_REQ, __MADE_REP>(2u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_made(__why, number);
                }
            };
            __call.put::<u32>(__MADE_AT_0, &number);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__MADE_AT_0, &number)?;
            let mut __reply = __call.transfer::<__MADE_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.take::<WatchClient>(__MADE_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_made(
            &self,
            __why: ::nearcall::rt::Failure,
            number: u32,
        ) -> ::core::result::Result<WatchClient, ::nearcall::CallError<u32>> {
            let _ = (number,);
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `plain`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn plain(&self) -> ::core::result::Result<OwnedFd, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = match self.binding.begin::<__PLAIN_REQ, __PLAIN_REP>(3u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_plain(__why),
            };
            let mut __reply = __call.transfer::<__PLAIN_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.take::<OwnedFd>(__PLAIN_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_plain(
            &self,
            __why: ::nearcall::rt::Failure,
        ) -> ::core::result::Result<OwnedFd, ::nearcall::CallError<::core::convert::Infallible>> {
            let _ = ();
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `again`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn again(
            &self,
        ) -> ::core::result::Result<PassingClient, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = match self.binding.begin::<__AGAIN_REQ, __AGAIN_REP>(4u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_again(__why),
            };
            let mut __reply = __call.transfer::<__AGAIN_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.take::<PassingClient>(__AGAIN_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_again(
            &self,
            __why: ::nearcall::rt::Failure,
        ) -> ::core::result::Result<PassingClient, ::nearcall::CallError<::core::convert::Infallible>> {
            let _ = ();
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `memory`.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn memory(
            &self,
            sealed: &nearcall::Grant,
            shared: nearcall::SharedGrant,
        ) -> ::core::result::Result<nearcall::Grant, ::nearcall::CallError<u32>> {
            let mut __call = match self.binding.begin::<__MEMORY_REQ, __MEMORY_REP>(5u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_memory(__why, sealed, shared);
                }
            };
            let mut __parcel = __call.parcel();
            __parcel.add::<nearcall::Grant>(sealed)?;
            __parcel.add::<nearcall::SharedGrant>(&shared)?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u32>(__MEMORY_AT_0, &__sent.token());
            __call.put::<u32>(__MEMORY_AT_1, &__sent.token());
            let mut __reply = __call.transfer::<__MEMORY_PLACES>()?;
            __sent.taken();
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.take::<nearcall::Grant>(__MEMORY_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_memory(
            &self,
            __why: ::nearcall::rt::Failure,
            sealed: &nearcall::Grant,
            shared: nearcall::SharedGrant,
        ) -> ::core::result::Result<nearcall::Grant, ::nearcall::CallError<u32>> {
            let _ = (sealed, shared);
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `several`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn several(
            &self,
            files: Vec<OwnedFd>,
            lent: &[BorrowedFd<'_>],
            log: Option<BorrowedFd<'_>>,
            by: Option<&WatchClient>,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__SEVERAL_REQ, __SEVERAL_REP>(6u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_several(__why, files, lent, log, by);
                }
            };
            let mut __parcel = __call.parcel();
            let __arg_files = __parcel.add_all::<OwnedFd>(files.iter())?;
            let __arg_lent = __parcel.lend_all(lent.iter().copied())?;
            let __arg_log = __parcel.lend_all(log.iter().copied())?;
            let __arg_by = __parcel.add_all::<WatchClient>(by.iter().copied())?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u64>(__SEVERAL_AT_0, &__sent.several(__arg_files));
            __call.put::<u64>(__SEVERAL_AT_1, &__sent.several(__arg_lent));
            __call.put::<u64>(__SEVERAL_AT_2, &__sent.several(__arg_log));
            __call.put::<u64>(__SEVERAL_AT_3, &__sent.several(__arg_by));
            let __reply = __call.transfer::<__SEVERAL_PLACES>()?;
            __reply.refuse_app()?;
            __sent.taken();
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_several(
            &self,
            __why: ::nearcall::rt::Failure,
            files: Vec<OwnedFd>,
            lent: &[BorrowedFd<'_>],
            log: Option<BorrowedFd<'_>>,
            by: Option<&WatchClient>,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let _ = (files, lent, log, by);
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `several_back`.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn several_back(&self, count: u32) -> ::core::result::Result<Vec<OwnedFd>, ::nearcall::CallError<u32>> {
            let mut __call = match self.binding.begin::<__SEVERAL_BACK_REQ, __SEVERAL_BACK_REP>(7u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_several_back(__why, count);
                }
            };
            __call.put::<u32>(__SEVERAL_BACK_AT_0, &count);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_BACK_AT_0, &count)?;
            let mut __reply = __call.transfer::<__SEVERAL_BACK_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.take_several::<OwnedFd>(__SEVERAL_BACK_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_several_back(
            &self,
            __why: ::nearcall::rt::Failure,
            count: u32,
        ) -> ::core::result::Result<Vec<OwnedFd>, ::nearcall::CallError<u32>> {
            let _ = (count,);
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `perhaps`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn perhaps(
            &self,
            by: &Option<WatchClient>,
        ) -> ::core::result::Result<Option<nearcall::Grant>, ::nearcall::CallError<::core::convert::Infallible>>
        {
            let mut __call = match self.binding.begin::<__PERHAPS_REQ, __PERHAPS_REP>(8u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_perhaps(__why, by);
                }
            };
            let mut __parcel = __call.parcel();
            let __arg_by = __parcel.add_all::<WatchClient>(by.iter())?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u64>(__PERHAPS_AT_0, &__sent.several(__arg_by));
            let mut __reply = __call.transfer::<__PERHAPS_PLACES>()?;
            __sent.taken();
            __reply.refuse_app()?;
            let __return = __reply.take_optional::<nearcall::Grant>(__PERHAPS_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_perhaps(
            &self,
            __why: ::nearcall::rt::Failure,
            by: &Option<WatchClient>,
        ) -> ::core::result::Result<Option<nearcall::Grant>, ::nearcall::CallError<::core::convert::Infallible>>
        {
            let _ = (by,);
            ::core::result::Result::Err(__why.into())
        }
        /// Calls `gather`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn gather(
            &self,
            before: &str,
            strings: &[&[u8]],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__GATHER_REQ, __GATHER_REP>(9u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_gather(__why, before, strings);
                }
            };
            __call.count(__GATHER_AT_0, before.len());
            __call.strings(__GATHER_AT_1, strings)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(before.as_bytes())?;
            __call.gather::<100>(strings)?;
            let mut __reply = __call.transfer::<__GATHER_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__GATHER_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_gather(
            &self,
            __why: ::nearcall::rt::Failure,
            before: &str,
            strings: &[&[u8]],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__GATHER_REQ, __GATHER_REP>(9u16, __why)?;
            __call.count(__GATHER_AT_0, before.len());
            __call.strings(__GATHER_AT_1, strings)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(before.as_bytes())?;
            __call.gather::<100>(strings)?;
            let mut __reply = __call.transfer::<__GATHER_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__GATHER_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Calls `scatter`.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn scatter(
            &self,
            places: &mut [&mut [u8]],
            after: &mut [u16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__SCATTER_REQ, __SCATTER_REP>(10u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_scatter(__why, places, after);
                }
            };
            __call.places::<{ ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_AT_0, places)?;
            __call.capacity::<u16, { ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_AT_1, after.len())?;
            __call.scatter(places)?;
            let mut __reply = __call.transfer::<__SCATTER_PLACES>()?;
            let __arg_places = __reply.area::<u8>(::nearcall::rt::total(places));
            let __arg_after = __reply.area::<u16>(after.len());
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_BACK_0)?;
            __reply.check(&__arg_places, ::nearcall::rt::total(places))?;
            __reply.check(&__arg_after, after.len())?;
            __reply.scatter(&__arg_places, places)?;
            __reply.copy_out(&__arg_after, after.len(), after)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_scatter(
            &self,
            __why: ::nearcall::rt::Failure,
            places: &mut [&mut [u8]],
            after: &mut [u16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__SCATTER_REQ, __SCATTER_REP>(10u16, __why)?;
            __call.places::<{ ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_AT_0, places)?;
            __call.capacity::<u16, { ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_AT_1, after.len())?;
            __call.scatter(places)?;
            __call.lay_out::<u8>(::nearcall::rt::total(places));
            __call.lay_out::<u16>(after.len());
            let mut __reply = __call.transfer::<__SCATTER_PLACES>()?;
            let __arg_places = __reply.area::<u8>(::nearcall::rt::total(places));
            let __arg_after = __reply.area::<u16>(after.len());
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_BACK_0)?;
            __reply.check(&__arg_places, ::nearcall::rt::total(places))?;
            __reply.check(&__arg_after, after.len())?;
            __reply.scatter(&__arg_places, places)?;
            __reply.copy_out(&__arg_after, after.len(), after)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Starts [`file`](Self::file) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_file(
            &self,
            number: u32,
            file: OwnedFd,
            log: BorrowedFd<'_>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__FILE_REQ, __FILE_REP>(0u16)?;
            __call.put::<u32>(__FILE_AT_0, &number);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__FILE_AT_0, &number)?;
            let mut __parcel = __call.parcel();
            __parcel.add::<OwnedFd>(&file)?;
            __parcel.lend(log);
            let __sent = __call.send(__parcel)?;
            __call.put::<u32>(__FILE_AT_1, &__sent.token());
            __call.put::<u32>(__FILE_AT_2, &__sent.token());
            let __until = __sent.until();
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u32,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__FILE_REP, __FILE_PLACES>()?;
                __sent.taken();
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__FILE_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start_by::<__FILE_PLACES, _, _>(&self.binding, __until, __read)?)
        }
        /// Starts [`watch`](Self::watch) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_watch(
            &self,
            by: WatchClient,
            also: &WatchClient,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__WATCH_REQ, __WATCH_REP>(1u16)?;
            let mut __parcel = __call.parcel();
            __parcel.add::<WatchClient>(&by)?;
            __parcel.add::<WatchClient>(also)?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u32>(__WATCH_AT_0, &__sent.token());
            __call.put::<u32>(__WATCH_AT_1, &__sent.token());
            let __until = __sent.until();
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let __reply = __answer.open::<__WATCH_REP, __WATCH_PLACES>()?;
                __reply.refuse_app()?;
                __sent.taken();
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start_by::<__WATCH_PLACES, _, _>(&self.binding, __until, __read)?)
        }
        /// Starts [`made`](Self::made) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_made(
            &self,
            number: u32,
        ) -> ::core::result::Result<::nearcall::Pending<'_, WatchClient, u32>, ::nearcall::CallError<u32>> {
            let mut __call = self.binding.begin_start::<__MADE_REQ, __MADE_REP>(2u16)?;
            __call.put::<u32>(__MADE_AT_0, &number);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__MADE_AT_0, &number)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<WatchClient, ::nearcall::CallError<u32>> {
                let mut __reply = __answer.open::<__MADE_REP, __MADE_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let __return = __reply.take::<WatchClient>(__MADE_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__MADE_PLACES, _, _>(&self.binding, __read)?.passed_back())
        }
        /// Starts [`plain`](Self::plain) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_plain(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, OwnedFd, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let __call = self.binding.begin_start::<__PLAIN_REQ, __PLAIN_REP>(3u16)?;
            let __read = move |__answer: ::nearcall::rt::Answer<'_>| -> ::core::result::Result<
                OwnedFd,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__PLAIN_REP, __PLAIN_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply.take::<OwnedFd>(__PLAIN_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__PLAIN_PLACES, _, _>(&self.binding, __read)?.passed_back())
        }
        /// Starts [`again`](Self::again) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_again(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, PassingClient, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let __call = self.binding.begin_start::<__AGAIN_REQ, __AGAIN_REP>(4u16)?;
            let __read = move |__answer: ::nearcall::rt::Answer<'_>| -> ::core::result::Result<
                PassingClient,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__AGAIN_REP, __AGAIN_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply.take::<PassingClient>(__AGAIN_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__AGAIN_PLACES, _, _>(&self.binding, __read)?.passed_back())
        }
        /// Starts [`memory`](Self::memory) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_memory(
            &self,
            sealed: &nearcall::Grant,
            shared: nearcall::SharedGrant,
        ) -> ::core::result::Result<::nearcall::Pending<'_, nearcall::Grant, u32>, ::nearcall::CallError<u32>> {
            let mut __call = self.binding.begin_start::<__MEMORY_REQ, __MEMORY_REP>(5u16)?;
            let mut __parcel = __call.parcel();
            __parcel.add::<nearcall::Grant>(sealed)?;
            __parcel.add::<nearcall::SharedGrant>(&shared)?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u32>(__MEMORY_AT_0, &__sent.token());
            __call.put::<u32>(__MEMORY_AT_1, &__sent.token());
            let __until = __sent.until();
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<nearcall::Grant, ::nearcall::CallError<u32>> {
                let mut __reply = __answer.open::<__MEMORY_REP, __MEMORY_PLACES>()?;
                __sent.taken();
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let __return = __reply.take::<nearcall::Grant>(__MEMORY_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(
                __call.start_by::<__MEMORY_PLACES, _, _>(&self.binding, __until, __read)?.passed_back(),
            )
        }
        /// Starts [`several`](Self::several) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_several(
            &self,
            files: Vec<OwnedFd>,
            lent: &[BorrowedFd<'_>],
            log: Option<BorrowedFd<'_>>,
            by: Option<&WatchClient>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__SEVERAL_REQ, __SEVERAL_REP>(6u16)?;
            let mut __parcel = __call.parcel();
            let __arg_files = __parcel.add_all::<OwnedFd>(files.iter())?;
            let __arg_lent = __parcel.lend_all(lent.iter().copied())?;
            let __arg_log = __parcel.lend_all(log.iter().copied())?;
            let __arg_by = __parcel.add_all::<WatchClient>(by.iter().copied())?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u64>(__SEVERAL_AT_0, &__sent.several(__arg_files));
            __call.put::<u64>(__SEVERAL_AT_1, &__sent.several(__arg_lent));
            __call.put::<u64>(__SEVERAL_AT_2, &__sent.several(__arg_log));
            __call.put::<u64>(__SEVERAL_AT_3, &__sent.several(__arg_by));
            let __until = __sent.until();
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let __reply = __answer.open::<__SEVERAL_REP, __SEVERAL_PLACES>()?;
                __reply.refuse_app()?;
                __sent.taken();
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start_by::<__SEVERAL_PLACES, _, _>(&self.binding, __until, __read)?)
        }
        /// Starts [`several_back`](Self::several_back) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_several_back(
            &self,
            count: u32,
        ) -> ::core::result::Result<::nearcall::Pending<'_, Vec<OwnedFd>, u32>, ::nearcall::CallError<u32>> {
            let mut __call = self.binding.begin_start::<__SEVERAL_BACK_REQ, __SEVERAL_BACK_REP>(7u16)?;
            __call.put::<u32>(__SEVERAL_BACK_AT_0, &count);
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_BACK_AT_0, &count)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<Vec<OwnedFd>, ::nearcall::CallError<u32>> {
                let mut __reply = __answer
                    .open::<__SEVERAL_BACK_REP, __SEVERAL_BACK_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let __return = __reply.take_several::<OwnedFd>(__SEVERAL_BACK_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(
                __call.start::<__SEVERAL_BACK_PLACES, _, _>(&self.binding, __read)?.passed_back(),
            )
        }
        /// Starts [`perhaps`](Self::perhaps) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_perhaps(
            &self,
            by: &Option<WatchClient>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Option<nearcall::Grant>, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__PERHAPS_REQ, __PERHAPS_REP>(8u16)?;
            let mut __parcel = __call.parcel();
            let __arg_by = __parcel.add_all::<WatchClient>(by.iter())?;
            let __sent = __call.send(__parcel)?;
            __call.put::<u64>(__PERHAPS_AT_0, &__sent.several(__arg_by));
            let __until = __sent.until();
            let __read = move |__answer: ::nearcall::rt::Answer<'_>| -> ::core::result::Result<
                Option<nearcall::Grant>,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__PERHAPS_REP, __PERHAPS_PLACES>()?;
                __sent.taken();
                __reply.refuse_app()?;
                let __return = __reply.take_optional::<nearcall::Grant>(__PERHAPS_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(
                __call.start_by::<__PERHAPS_PLACES, _, _>(&self.binding, __until, __read)?.passed_back(),
            )
        }
        /// Starts [`gather`](Self::gather) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_gather(
            &self,
            before: &str,
            strings: &[&[u8]],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__GATHER_REQ, __GATHER_REP>(9u16)?;
            __call.count(__GATHER_AT_0, before.len());
            __call.strings(__GATHER_AT_1, strings)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(before.as_bytes())?;
            __call.gather::<100>(strings)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u32,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__GATHER_REP, __GATHER_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__GATHER_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__GATHER_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`scatter`](Self::scatter) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_scatter<'__a>(
            &'__a self,
            places: &'__a mut [&'__a mut [u8]],
            after: &'__a mut [u16],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__SCATTER_REQ, __SCATTER_REP>(10u16)?;
            __call.places::<{ ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_AT_0, places)?;
            __call.capacity::<u16, { ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_AT_1, after.len())?;
            __call.scatter(places)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u32,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__SCATTER_REP, __SCATTER_PLACES>()?;
                let __arg_places = __reply.area::<u8>(::nearcall::rt::total(places));
                let __arg_after = __reply.area::<u16>(after.len());
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__SCATTER_BACK_0)?;
                __reply.check(&__arg_places, ::nearcall::rt::total(places))?;
                __reply.check(&__arg_after, after.len())?;
                __reply.scatter(&__arg_places, places)?;
                __reply.copy_out(&__arg_after, after.len(), after)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__SCATTER_PLACES, _, _>(&self.binding, __read)?)
        }
    }
    impl ::nearcall::Client for PassingClient {
        const NAME: &'static str = "Passing";
        const INTERFACE: &'static ::nearcall::rt::Interface = &__INTERFACE;
        fn from_binding(binding: ::nearcall::Binding) -> Self {
            Self { binding }
        }
        fn binding(&self) -> &::nearcall::Binding {
            &self.binding
        }
    }
    impl PassingCall for PassingClient {
        #[inline]
        fn file(
            &self,
            number: u32,
            file: OwnedFd,
            log: BorrowedFd<'_>,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::file(self, number, file, log)
        }
        #[inline]
        fn watch(
            &self,
            by: WatchClient,
            also: &WatchClient,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::watch(self, by, also)
        }
        #[inline]
        fn made(&self, number: u32) -> ::core::result::Result<WatchClient, ::nearcall::CallError<u32>> {
            Self::made(self, number)
        }
        #[inline]
        fn plain(&self) -> ::core::result::Result<OwnedFd, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::plain(self)
        }
        #[inline]
        fn again(&self) -> ::core::result::Result<PassingClient, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::again(self)
        }
        #[inline]
        fn memory(
            &self,
            sealed: &nearcall::Grant,
            shared: nearcall::SharedGrant,
        ) -> ::core::result::Result<nearcall::Grant, ::nearcall::CallError<u32>> {
            Self::memory(self, sealed, shared)
        }
        #[inline]
        fn several(
            &self,
            files: Vec<OwnedFd>,
            lent: &[BorrowedFd<'_>],
            log: Option<BorrowedFd<'_>>,
            by: Option<&WatchClient>,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::several(self, files, lent, log, by)
        }
        #[inline]
        fn several_back(&self, count: u32) -> ::core::result::Result<Vec<OwnedFd>, ::nearcall::CallError<u32>> {
            Self::several_back(self, count)
        }
        #[inline]
        fn perhaps(
            &self,
            by: &Option<WatchClient>,
        ) -> ::core::result::Result<Option<nearcall::Grant>, ::nearcall::CallError<::core::convert::Infallible>>
        {
            Self::perhaps(self, by)
        }
        #[inline]
        fn gather(
            &self,
            before: &str,
            strings: &[&[u8]],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::gather(self, before, strings)
        }
        #[inline]
        fn scatter(
            &self,
            places: &mut [&mut [u8]],
            after: &mut [u16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::scatter(self, places, after)
        }
    }
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl<T: Passing + ::core::marker::Send + ::core::marker::Sync + 'static> PassingServer<T> {
        /// A service of `imp`, for [`Exporter`](::nearcall::Exporter) or [`PassingServer::export`].
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
        const __SERVE: &'static [::nearcall::rt::Serve<T>] = &[
            __serve_file::<T>,
            __serve_watch::<T>,
            __serve_made::<T>,
            __serve_plain::<T>,
            __serve_again::<T>,
            __serve_memory::<T>,
            __serve_several::<T>,
            __serve_several_back::<T>,
            __serve_perhaps::<T>,
            __serve_gather::<T>,
            __serve_scatter::<T>,
        ];
    }
    impl<T> ::core::fmt::Debug for PassingServer<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("PassingServer").finish_non_exhaustive()
        }
    }
    impl<T: Passing + ::core::marker::Send + ::core::marker::Sync + 'static> ::nearcall::rt::Service for PassingServer<T> {
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
    fn __serve_file<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__FILE_REQ, __FILE_REP>()?;
        let __arg_number = __call.value::<u32, __FILE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __FILE_AT_0)?;
        let mut __arrived = __call.parcel::<__FILE_REQ>(&__head, &[__FILE_AT_1, __FILE_AT_2])?;
        let __arg_file = __arrived.take::<OwnedFd>()?;
        let __arg_log = __arrived.lent()?;
        __arrived.end()?;
        let __return = <__T as Passing>::file(__imp, __arg_number, __arg_file, ::std::os::fd::AsFd::as_fd(&__arg_log));
        let mut __head = ::nearcall::rt::Head::<__FILE_REP>::ZERO;
        __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __FILE_BACK_0, &__return)?;
        __call.reply::<__FILE_REP, __FILE_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    fn __serve_watch<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__WATCH_REQ, __WATCH_REP>()?;
        let mut __arrived = __call.parcel::<__WATCH_REQ>(&__head, &[__WATCH_AT_0, __WATCH_AT_1])?;
        let __arg_by = __arrived.take::<WatchClient>()?;
        let __arg_also = __arrived.take::<WatchClient>()?;
        __arrived.end()?;
        <__T as Passing>::watch(__imp, __arg_by, &__arg_also);
        __call.reply::<__WATCH_REP, __WATCH_PLACES>(&::nearcall::rt::Head::<__WATCH_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    fn __serve_made<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__MADE_REQ, __MADE_REP>()?;
        let __arg_number = __call.value::<u32, __MADE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __MADE_AT_0)?;
        match <__T as Passing>::made(__imp, __arg_number) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__MADE_REP>::ZERO;
                __call.give::<WatchClient, _>(&mut __head, __MADE_BACK_0, &__return)?;
                __call.reply::<__MADE_REP, __MADE_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__MADE_REP>::ZERO;
                __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__MADE_REP, __MADE_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    fn __serve_plain<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__PLAIN_REQ, __PLAIN_REP>()?;
        let __return = <__T as Passing>::plain(__imp);
        let mut __head = ::nearcall::rt::Head::<__PLAIN_REP>::ZERO;
        __call.give::<OwnedFd, _>(&mut __head, __PLAIN_BACK_0, &__return)?;
        __call.reply::<__PLAIN_REP, __PLAIN_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    fn __serve_again<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__AGAIN_REQ, __AGAIN_REP>()?;
        let __return = <__T as Passing>::again(__imp);
        let mut __head = ::nearcall::rt::Head::<__AGAIN_REP>::ZERO;
        __call.give::<PassingClient, _>(&mut __head, __AGAIN_BACK_0, &__return)?;
        __call.reply::<__AGAIN_REP, __AGAIN_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    fn __serve_memory<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__MEMORY_REQ, __MEMORY_REP>()?;
        let mut __arrived = __call.parcel::<__MEMORY_REQ>(&__head, &[__MEMORY_AT_0, __MEMORY_AT_1])?;
        let __arg_sealed = __arrived.take::<nearcall::Grant>()?;
        let __arg_shared = __arrived.take::<nearcall::SharedGrant>()?;
        __arrived.end()?;
        match <__T as Passing>::memory(__imp, &__arg_sealed, __arg_shared) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__MEMORY_REP>::ZERO;
                __call.give::<nearcall::Grant, _>(&mut __head, __MEMORY_BACK_0, &__return)?;
                __call.reply::<__MEMORY_REP, __MEMORY_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__MEMORY_REP>::ZERO;
                __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__MEMORY_REP, __MEMORY_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    fn __serve_several<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__SEVERAL_REQ, __SEVERAL_REP>()?;
        let mut __arrived = __call.parcel_of::<__SEVERAL_REQ>(
            &__head,
            &[],
            &[__SEVERAL_AT_0, __SEVERAL_AT_1, __SEVERAL_AT_2, __SEVERAL_AT_3],
        )?;
        let __arg_files = __arrived.take_several::<OwnedFd>()?;
        let __arg_lent = __arrived.lent_several()?;
        let __arg_log = __arrived.lent_optional()?;
        let __arg_by = __arrived.take_optional::<WatchClient>()?;
        __arrived.end()?;
        <__T as Passing>::several(
            __imp,
            __arg_files,
            &__arg_lent.iter().map(::std::os::fd::AsFd::as_fd).collect::<::std::vec::Vec<_>>(),
            __arg_log.as_ref().map(::std::os::fd::AsFd::as_fd),
            __arg_by.as_ref(),
        );
        __call.reply::<__SEVERAL_REP, __SEVERAL_PLACES>(&::nearcall::rt::Head::<__SEVERAL_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    fn __serve_several_back<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__SEVERAL_BACK_REQ, __SEVERAL_BACK_REP>()?;
        let __arg_count =
            __call.value::<u32, __SEVERAL_BACK_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __SEVERAL_BACK_AT_0)?;
        match <__T as Passing>::several_back(__imp, __arg_count) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__SEVERAL_BACK_REP>::ZERO;
                __call.give_all::<OwnedFd, _>(&mut __head, __SEVERAL_BACK_BACK_0, __return.iter())?;
                __call.reply::<__SEVERAL_BACK_REP, __SEVERAL_BACK_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__SEVERAL_BACK_REP>::ZERO;
                __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__SEVERAL_BACK_REP, __SEVERAL_BACK_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    fn __serve_perhaps<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__PERHAPS_REQ, __PERHAPS_REP>()?;
        let mut __arrived = __call.parcel_of::<__PERHAPS_REQ>(&__head, &[], &[__PERHAPS_AT_0])?;
        let __arg_by = __arrived.take_optional::<WatchClient>()?;
        __arrived.end()?;
        let __return = <__T as Passing>::perhaps(__imp, &__arg_by);
        let mut __head = ::nearcall::rt::Head::<__PERHAPS_REP>::ZERO;
        __call.give_all::<nearcall::Grant, _>(&mut __head, __PERHAPS_BACK_0, __return.iter())?;
        __call.reply::<__PERHAPS_REP, __PERHAPS_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    fn __serve_gather<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__GATHER_REQ, __GATHER_REP>()?;
        let __arg_before =
            __call.str::<{ ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __GATHER_AT_0)?)?;
        let __arg_strings = __call.gathered::<100>(::nearcall::rt::get_count(&__head.0, __GATHER_AT_1)?)?;
        let __return = <__T as Passing>::gather(__imp, __arg_before, __arg_strings.as_slice());
        let mut __head = ::nearcall::rt::Head::<__GATHER_REP>::ZERO;
        __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __GATHER_BACK_0, &__return)?;
        __call.reply::<__GATHER_REP, __GATHER_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    fn __serve_scatter<__T: Passing>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__SCATTER_REQ, __SCATTER_REP>()?;
        let __end = __in_frame(__SCATTER_REP);
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::total_at(&__head, __SCATTER_AT_0)?,
        )?;
        let __end = __call.area_end::<u16, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __SCATTER_AT_1)?,
        )?;
        __call.provide(__end)?;
        let mut __arg_places = __call.scattered::<__SCATTER_REQ>(&__head, __SCATTER_AT_0)?;
        let __arg_after = __call.out::<u16>(::nearcall::rt::get_count(&__head.0, __SCATTER_AT_1)?)?;
        let __return = <__T as Passing>::scatter(__imp, __arg_places.as_mut_slice(), __arg_after);
        let mut __head = ::nearcall::rt::Head::<__SCATTER_REP>::ZERO;
        __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __SCATTER_BACK_0, &__return)?;
        __call.reply::<__SCATTER_REP, __SCATTER_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(dead_code, reason = "a program may have no use for it")]
    impl<__T: Passing> PassingLocal<__T> {
        /// Starts [`file`](Self::file) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_file(
            &self,
            number: u32,
            file: OwnedFd,
            log: BorrowedFd<'_>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::file(self, number, file, log)))
        }
        /// Starts [`watch`](Self::watch) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_watch(
            &self,
            by: WatchClient,
            also: &WatchClient,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::watch(self, by, also)))
        }
        /// Starts [`made`](Self::made) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_made(
            &self,
            number: u32,
        ) -> ::core::result::Result<::nearcall::Pending<'_, WatchClient, u32>, ::nearcall::CallError<u32>> {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::made(self, number)))
        }
        /// Starts [`plain`](Self::plain) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_plain(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, OwnedFd, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::plain(self)))
        }
        /// Starts [`again`](Self::again) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_again(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, PassingClient, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::again(self)))
        }
        /// Starts [`memory`](Self::memory) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_memory(
            &self,
            sealed: &nearcall::Grant,
            shared: nearcall::SharedGrant,
        ) -> ::core::result::Result<::nearcall::Pending<'_, nearcall::Grant, u32>, ::nearcall::CallError<u32>> {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::memory(self, sealed, shared)))
        }
        /// Starts [`several`](Self::several) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_several(
            &self,
            files: Vec<OwnedFd>,
            lent: &[BorrowedFd<'_>],
            log: Option<BorrowedFd<'_>>,
            by: Option<&WatchClient>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::several(
                self, files, lent, log, by,
            )))
        }
        /// Starts [`several_back`](Self::several_back) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_several_back(
            &self,
            count: u32,
        ) -> ::core::result::Result<::nearcall::Pending<'_, Vec<OwnedFd>, u32>, ::nearcall::CallError<u32>> {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::several_back(self, count)))
        }
        /// Starts [`perhaps`](Self::perhaps) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_perhaps(
            &self,
            by: &Option<WatchClient>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Option<nearcall::Grant>, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::perhaps(self, by)))
        }
        /// Starts [`gather`](Self::gather) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_gather(
            &self,
            before: &str,
            strings: &[&[u8]],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::gather(self, before, strings)))
        }
        /// Starts [`scatter`](Self::scatter) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_scatter<'__a>(
            &'__a self,
            places: &'__a mut [&'__a mut [u8]],
            after: &'__a mut [u16],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as PassingCall>::scatter(self, places, after)))
        }
    }
    impl<T> ::core::fmt::Debug for PassingLocal<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("PassingLocal").finish_non_exhaustive()
        }
    }
    impl<__T: Passing> PassingCall for PassingLocal<__T> {
        #[inline]
        fn file(
            &self,
            number: u32,
            file: OwnedFd,
            log: BorrowedFd<'_>,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Passing>::file(&self.0, number, file, log))
        }
        #[inline]
        fn watch(
            &self,
            by: WatchClient,
            also: &WatchClient,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Passing>::watch(&self.0, by, also);
            ::core::result::Result::Ok(())
        }
        #[inline]
        fn made(&self, number: u32) -> ::core::result::Result<WatchClient, ::nearcall::CallError<u32>> {
            <__T as Passing>::made(&self.0, number).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn plain(&self) -> ::core::result::Result<OwnedFd, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Passing>::plain(&self.0))
        }
        #[inline]
        fn again(&self) -> ::core::result::Result<PassingClient, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Passing>::again(&self.0))
        }
        #[inline]
        fn memory(
            &self,
            sealed: &nearcall::Grant,
            shared: nearcall::SharedGrant,
        ) -> ::core::result::Result<nearcall::Grant, ::nearcall::CallError<u32>> {
            <__T as Passing>::memory(&self.0, sealed, shared).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn several(
            &self,
            files: Vec<OwnedFd>,
            lent: &[BorrowedFd<'_>],
            log: Option<BorrowedFd<'_>>,
            by: Option<&WatchClient>,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Passing>::several(&self.0, files, lent, log, by);
            ::core::result::Result::Ok(())
        }
        #[inline]
        fn several_back(&self, count: u32) -> ::core::result::Result<Vec<OwnedFd>, ::nearcall::CallError<u32>> {
            <__T as Passing>::several_back(&self.0, count).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn perhaps(
            &self,
            by: &Option<WatchClient>,
        ) -> ::core::result::Result<Option<nearcall::Grant>, ::nearcall::CallError<::core::convert::Infallible>>
        {
            ::core::result::Result::Ok(<__T as Passing>::perhaps(&self.0, by))
        }
        #[inline]
        fn gather(
            &self,
            before: &str,
            strings: &[&[u8]],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Passing>::gather(&self.0, before, strings))
        }
        #[inline]
        fn scatter(
            &self,
            places: &mut [&mut [u8]],
            after: &mut [u16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Passing>::scatter(&self.0, places, after))
        }
    }
    impl<__T: Passing + ?::core::marker::Sized> Passing for ::std::sync::Arc<__T> {
        #[inline]
        fn file(&self, number: u32, file: OwnedFd, log: BorrowedFd<'_>) -> u32 {
            <__T as Passing>::file(self, number, file, log)
        }
        #[inline]
        fn watch(&self, by: WatchClient, also: &WatchClient) {
            <__T as Passing>::watch(self, by, also)
        }
        #[inline]
        fn made(&self, number: u32) -> ::core::result::Result<WatchClient, u32> {
            <__T as Passing>::made(self, number)
        }
        #[inline]
        fn plain(&self) -> OwnedFd {
            <__T as Passing>::plain(self)
        }
        #[inline]
        fn again(&self) -> PassingClient {
            <__T as Passing>::again(self)
        }
        #[inline]
        fn memory(
            &self,
            sealed: &nearcall::Grant,
            shared: nearcall::SharedGrant,
        ) -> ::core::result::Result<nearcall::Grant, u32> {
            <__T as Passing>::memory(self, sealed, shared)
        }
        #[inline]
        fn several(
            &self,
            files: Vec<OwnedFd>,
            lent: &[BorrowedFd<'_>],
            log: Option<BorrowedFd<'_>>,
            by: Option<&WatchClient>,
        ) {
            <__T as Passing>::several(self, files, lent, log, by)
        }
        #[inline]
        fn several_back(&self, count: u32) -> ::core::result::Result<Vec<OwnedFd>, u32> {
            <__T as Passing>::several_back(self, count)
        }
        #[inline]
        fn perhaps(&self, by: &Option<WatchClient>) -> Option<nearcall::Grant> {
            <__T as Passing>::perhaps(self, by)
        }
        #[inline]
        fn gather(&self, before: &str, strings: &[&[u8]]) -> u32 {
            <__T as Passing>::gather(self, before, strings)
        }
        #[inline]
        fn scatter(&self, places: &mut [&mut [u8]], after: &mut [u16]) -> u32 {
            <__T as Passing>::scatter(self, places, after)
        }
    }
};

//! A null call through capnp-rpc: Cap'n Proto over a Unix stream socket, a single-threaded tokio on each side.
//!
//! Client and dispatcher are written by hand as its compiler would write them, so that none is needed; request and reply
//! are a list of one number, which takes as many words as a structure of one number.

use std::ops::Deref;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};
use capnp::any_pointer;
use capnp::capability::{DispatchCallResult, FromClientHook, FromServer, Params, Promise, Results};
use capnp::primitive_list::{Builder, Reader};
use capnp::private::capability::ClientHook;
use capnp_rpc::RpcSystem;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::twoparty::VatNetwork;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use super::probe::{Concurrent, Driver, Probe, answer, expect};
use super::{Kind, SOCKET, start, tell_ready};
use crate::client::Task;
use crate::sample::Sample;

/// The interface and its one procedure, as numbers.
const INTERFACE: u64 = 0x9e37_79b9_7f4a_7c15;
const NULL: u16 = 0;

/// The capability to call.
struct Client(capnp::capability::Client);

impl FromClientHook for Client {
    fn new(hook: Box<dyn ClientHook>) -> Self {
        Self(capnp::capability::Client::new(hook))
    }

    fn into_client_hook(self) -> Box<dyn ClientHook> {
        self.0.hook
    }

    fn as_client_hook(&self) -> &dyn ClientHook {
        &*self.0.hook
    }
}

struct Answers;

/// What calls `Answers`.
struct Dispatch(Rc<Answers>);

impl Clone for Dispatch {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl Deref for Dispatch {
    type Target = Answers;

    fn deref(&self) -> &Answers {
        &self.0
    }
}

impl FromServer<Answers> for Client {
    type Dispatch = Dispatch;

    fn from_server(answers: Rc<Answers>) -> Dispatch {
        Dispatch(answers)
    }
}

impl capnp::capability::Server for Dispatch {
    fn dispatch_call(
        self,
        interface: u64,
        method: u16,
        params: Params<any_pointer::Owned>,
        mut results: Results<any_pointer::Owned>,
    ) -> DispatchCallResult {
        let answered = match (interface, method) {
            (INTERFACE, NULL) => params.get().and_then(|params| {
                let number = params.get_as::<Reader<'_, u64>>()?;
                results.get().initn_as::<Builder<'_, u64>>(1).set(0, answer(number.get(0)));
                Ok(())
            }),
            _ => Err(capnp::Error::unimplemented("there is one procedure".to_owned())),
        };
        DispatchCallResult::new(Promise::from(answered), false)
    }

    fn as_ptr(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

impl Concurrent for Client {
    async fn call(&self, number: u64) -> Result<()> {
        let mut request = self.0.new_call::<any_pointer::Owned, any_pointer::Owned>(INTERFACE, NULL, None);
        request.get().initn_as::<Builder<'_, u64>>(1).set(0, number);
        let reply = request.send().promise.await?;
        expect(reply.get()?.get_as::<Reader<'_, u64>>()?.get(0), number)
    }
}

fn network(stream: UnixStream, side: Side) -> Box<VatNetwork<impl futures::AsyncRead + Unpin + 'static>> {
    let (reader, writer) = stream.into_split();
    Box::new(VatNetwork::new(reader.compat(), writer.compat_write(), side, Default::default()))
}

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(probe: Probe<'_>, task: &Task) -> Result<Sample> {
    let place = tempfile::tempdir().context("making a directory")?;
    let server = start(Kind::Capnp, task, place.path())?;
    let driver = Driver::local()?;
    let client: Client = driver.block_on(async {
        let stream = UnixStream::connect(place.path().join(SOCKET)).await.context("connecting")?;
        let mut system = RpcSystem::new(network(stream, Side::Client), None);
        let client = system.bootstrap(Side::Server);
        tokio::task::spawn_local(system);
        anyhow::Ok(client)
    })?;
    probe.concurrent(&server, &driver, &client)
}

/// The server's process: answers one client until it closes the socket.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve(place: &Path) -> Result<()> {
    Driver::local()?.block_on(async {
        let listener = UnixListener::bind(place.join(SOCKET)).context("listening")?;
        tell_ready()?;
        let (stream, _) = listener.accept().await.context("accepting")?;
        let client: Client = capnp_rpc::new_client(Answers);
        RpcSystem::new(network(stream, Side::Server), Some(client.0)).await.context("serving")
    })
}

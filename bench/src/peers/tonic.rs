//! A null call through tonic: gRPC, so Protocol Buffers in HTTP/2, over a Unix stream socket, a single-threaded tokio on
//! each side.
//!
//! Message and service are written by hand as its compiler would write them, so that none is needed.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::path::Path;
use std::task::{Context as Waker, Poll};

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use tokio::net::UnixListener;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Service, http};
use tonic::server::{NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::probe::{Concurrent, Driver, Probe, answer, end_with_input, expect};
use super::{Kind, SOCKET, start, tell_ready};
use crate::client::Task;
use crate::sample::Sample;

/// Request and reply.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Number {
    #[prost(uint64, tag = "1")]
    number: u64,
}

#[derive(Clone)]
struct Answers;

impl NamedService for Answers {
    const NAME: &'static str = "nearcall.Bench";
}

impl Service<http::Request<Body>> for Answers {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Waker<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            // There is one procedure.
            let codec: ProstCodec<Number, Number> = ProstCodec::default();
            Ok(tonic::server::Grpc::new(codec).unary(Null, request).await)
        })
    }
}

struct Null;

impl UnaryService<Number> for Null {
    type Response = Number;
    type Future = Ready<Result<Response<Number>, Status>>;

    fn call(&mut self, request: Request<Number>) -> Self::Future {
        ready(Ok(Response::new(Number { number: answer(request.into_inner().number) })))
    }
}

impl Concurrent for Grpc<Channel> {
    async fn call(&self, number: u64) -> Result<()> {
        // As the generated client: a clone for each call that may be under way beside others.
        let mut client = self.clone();
        client.ready().await?;
        let (path, codec) = (PathAndQuery::from_static("/nearcall.Bench/Null"), ProstCodec::default());
        let reply: Response<Number> = client.unary(Request::new(Number { number }), path, codec).await?;
        expect(reply.into_inner().number, number)
    }
}

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(probe: Probe<'_>, task: &Task) -> Result<Sample> {
    let place = tempfile::tempdir().context("making a directory")?;
    let server = start(Kind::Tonic, task, place.path())?;
    let driver = Driver::new()?;
    let socket = place.path().join(SOCKET);
    let socket = socket.to_str().context("the name of the temporary directory is not UTF-8")?;
    let endpoint = Endpoint::from_shared(format!("unix:{socket}")).context("the name of the socket")?;
    let channel = driver.block_on(endpoint.connect()).context("connecting")?;
    probe.concurrent(&server, &driver, &Grpc::new(channel))
}

/// The server's process: answers until the input ends.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve(place: &Path) -> Result<()> {
    Driver::new()?.block_on(async {
        let listener = UnixListener::bind(place.join(SOCKET)).context("listening")?;
        tell_ready()?;
        end_with_input()?;
        let incoming = futures::stream::unfold(listener, async |listener| {
            let accepted = listener.accept().await.map(|(socket, _)| socket);
            Some((accepted, listener))
        });
        Server::builder().add_service(Answers).serve_with_incoming(incoming).await.context("serving")
    })
}

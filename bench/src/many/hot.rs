//! Null calls of one client, as `null.spin` makes them, in the presence of a crowd that does nothing.

use anyhow::Result;

use super::{Size, crowd};
use crate::client::Task;
use crate::near::calls::Procedure;
use crate::near::session::{How, Session, Wait, bind};
use crate::sample::Sample;

/// See [`super::measure`]. This process is one of the clients.
///
/// # Errors
/// As there.
pub(crate) fn measure(size: Size, task: &Task) -> Result<Sample> {
    let session = Session::start(task, Wait::Auto)?;
    let mut others = crowd::start(task, size.processes - 1)?;
    crowd::bind(&mut others, session.names(), size.bindings)?;
    let mut own = Vec::new();
    for _ in 1..size.bindings {
        let client = bind(session.names(), Wait::Auto)?;
        client.null()?;
        own.push(client);
    }
    let how = How { procedure: Procedure::Null, wait: Wait::Auto, until_polled: true };
    let mut sample = session.measure(how, task)?;
    sample.fact("clients", f64::from(size.processes));
    sample.fact("bindings", f64::from(size.processes * size.bindings));
    Ok(sample)
}

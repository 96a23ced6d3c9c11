//! Far names: `chan://HOST:PORT/SERVICE`.
//!
//! HOST is an IPv4 address, or a name of the hosts file: `$NEARCALL_HOSTS`, else `/etc/nearcall/hosts`, lines of
//! `NAME ADDRESS` or `NAME ADDRESS:PORT`, `#` begins a comment. A port in the name wins over one in the file; without either it
//! is [`PORT`].

use std::net::Ipv4Addr;
use std::path::PathBuf;

use nearcall_graph::Peer;

use crate::error::BindError;
use crate::names;

/// The port of hosts that name none.
pub const PORT: u16 = 5180;

/// Before far names.
const SCHEME: &str = "chan://";

/// A service of another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FarName {
    pub(crate) peer: Peer,
    pub(crate) service: String,
}

impl std::fmt::Display for FarName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.peer, self.service)
    }
}

/// What `name` names, if it is a far name. `Err`: it is none that can be understood.
pub(crate) fn parse(name: &str) -> Result<Option<FarName>, BindError> {
    let Some(rest) = name.strip_prefix(SCHEME) else {
        return if name.contains("://") { Err(BindError::Unsupported(name.to_owned())) } else { Ok(None) };
    };
    let (host, service) =
        rest.split_once('/').ok_or_else(|| BindError::Unsupported(format!("{name}: names no service")))?;
    names::check(service)?;
    Ok(Some(FarName { peer: address(host)?, service: service.to_owned() }))
}

/// A host, by address or by name, with or without a port.
pub(crate) fn address(text: &str) -> Result<Peer, BindError> {
    let (host, port) = match text.split_once(':') {
        None => (text, None),
        Some((host, port)) => {
            let number: Option<u16> = port.parse().ok().filter(|port| *port != 0);
            (host, Some(number.ok_or_else(|| BindError::Unsupported(format!("{text}: {port} is no port")))?))
        }
    };
    if let Ok(host) = host.parse::<Ipv4Addr>() {
        return Ok(Peer { host, port: port.unwrap_or(PORT) });
    }
    let path = std::env::var_os("NEARCALL_HOSTS").map_or_else(|| PathBuf::from("/etc/nearcall/hosts"), PathBuf::from);
    let unknown = || BindError::NotFound { name: host.to_owned(), dir: path.clone() };
    let file = std::fs::read_to_string(&path).map_err(|_| unknown())?;
    let found = look_up(&file, host).ok_or_else(unknown)?;
    Ok(Peer { port: port.unwrap_or(found.port), ..found })
}

/// The first line of a hosts file that names `host` and can be understood.
fn look_up(file: &str, host: &str) -> Option<Peer> {
    file.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let (name, address) = (words.next()?, words.next()?);
        if name != host || words.next().is_some() {
            return None;
        }
        let (address, port) = match address.split_once(':') {
            Some((address, port)) => (address, port.parse().ok()?),
            None => (address, PORT),
        };
        Some(Peer { host: address.parse().ok()?, port })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_hosts() {
        let far = parse("chan://10.0.0.2:7000/files").unwrap().unwrap();
        assert_eq!(
            (far.peer.port, far.service.as_str(), far.to_string().as_str()),
            (7000, "files", "chan://10.0.0.2:7000/files")
        );
        assert_eq!(parse("chan://10.0.0.2/files").unwrap().unwrap().peer.port, PORT);
        assert_eq!(parse("files").unwrap(), None);
        for wrong in ["grpc://10.0.0.2/files", "chan://10.0.0.2", "chan://10.0.0.2:0/files", "chan://10.0.0.2:x/files"]
        {
            assert!(matches!(parse(wrong), Err(BindError::Unsupported(_))), "{wrong}");
        }
        assert!(matches!(parse("chan://10.0.0.2/.."), Err(BindError::Dir(_))));
    }

    #[test]
    fn a_hosts_file() {
        let file = "# hosts\nfirst 10.0.0.1\nsecond 10.0.0.2:99 # the other\nbad 10.0.0\nbad 10.0.0.3\n";
        let at = |host| look_up(file, host).map(|peer| peer.to_string());
        assert_eq!(at("first"), Some(format!("10.0.0.1:{PORT}")));
        assert_eq!(at("second"), Some("10.0.0.2:99".to_owned()));
        assert_eq!(at("bad"), Some(format!("10.0.0.3:{PORT}")));
        assert_eq!(at("third"), None);
    }
}

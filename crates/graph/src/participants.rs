//! Participants: who is at either end of a session, as stacks of addresses.
//!
//! Whoever opens pushes what the protocol below needs; each protocol takes off what is its own and passes the rest on. So
//! nobody has to know how many protocols are between it and the wire, nor what their addresses look like.
//!
//! Source: The x-kernel (1991), section 2.1 (participant lists).

use core::net::Ipv4Addr;

/// An address at some layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// Of a network interface.
    Hardware(Hardware),
    /// Of a host.
    Host(Ipv4Addr),
    /// Of a user within a host.
    Port(u16),
}

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hardware(pub [u8; 6]);

impl Hardware {
    /// All interfaces of a segment.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether more than one interface listens to it.
    #[must_use]
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl core::fmt::Display for Hardware {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Text that is no Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an Ethernet address is six hexadecimal bytes with colons between them")]
pub struct NoHardware;

impl core::str::FromStr for Hardware {
    type Err = NoHardware;

    fn from_str(text: &str) -> Result<Self, NoHardware> {
        let mut address = [0; 6];
        let mut bytes = text.split(':');
        for byte in &mut address {
            *byte = u8::from_str_radix(bytes.next().ok_or(NoHardware)?, 16).map_err(|_| NoHardware)?;
        }
        if bytes.next().is_some() { Err(NoHardware) } else { Ok(Self(address)) }
    }
}

/// Another host's user of a protocol: what is known of it is kept by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// The host.
    pub host: Ipv4Addr,
    /// Its port; 0 where there are none.
    pub port: u16,
}

impl core::fmt::Display for Peer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Both ends of a session. The last address of a stack is for the protocol that is asked, the first for the lowest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Participants {
    local: Vec<Address>,
    remote: Vec<Address>,
}

impl Participants {
    /// Nobody in particular.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pushes an address of the other side.
    #[must_use]
    pub fn to(mut self, address: Address) -> Self {
        self.remote.push(address);
        self
    }

    /// Pushes an address of our own.
    #[must_use]
    pub fn at(mut self, address: Address) -> Self {
        self.local.push(address);
        self
    }

    /// The other side: its host, and its port if there is one. `None` without a host.
    #[must_use]
    pub fn peer(&self) -> Option<Peer> {
        let mut remote = self.remote.clone();
        let port = pop(&mut remote, port).unwrap_or(0);
        Some(Peer { host: pop(&mut remote, host)?, port })
    }

    /// Takes off the port of the other side, if one is on top.
    pub fn pop_remote_port(&mut self) -> Option<u16> {
        pop(&mut self.remote, port)
    }

    /// Takes off our own port.
    pub fn pop_local_port(&mut self) -> Option<u16> {
        pop(&mut self.local, port)
    }

    /// Takes off the other host.
    pub fn pop_remote_host(&mut self) -> Option<Ipv4Addr> {
        pop(&mut self.remote, host)
    }

    /// Takes off our own host.
    pub fn pop_local_host(&mut self) -> Option<Ipv4Addr> {
        pop(&mut self.local, host)
    }

    /// Takes off the interface of the other side.
    pub fn pop_remote_hardware(&mut self) -> Option<Hardware> {
        pop(&mut self.remote, |address| match address {
            Address::Hardware(hardware) => Some(hardware),
            _ => None,
        })
    }
}

fn port(address: Address) -> Option<u16> {
    if let Address::Port(port) = address { Some(port) } else { None }
}

fn host(address: Address) -> Option<Ipv4Addr> {
    if let Address::Host(host) = address { Some(host) } else { None }
}

fn pop<T>(stack: &mut Vec<Address>, of: impl Fn(Address) -> Option<T>) -> Option<T> {
    let taken = of(*stack.last()?)?;
    stack.pop();
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::{Address, Hardware, Participants};

    #[test]
    fn each_layer_takes_its_own() {
        let host = core::net::Ipv4Addr::new(10, 0, 0, 1);
        let mut parts = Participants::new().to(Address::Host(host)).to(Address::Port(7)).at(Address::Port(9));
        assert_eq!(parts.pop_remote_host(), None, "the port is on top");
        assert_eq!((parts.pop_remote_port(), parts.pop_local_port()), (Some(7), Some(9)));
        assert_eq!((parts.pop_remote_host(), parts.pop_remote_host()), (Some(host), None));
    }

    #[test]
    fn ethernet_addresses_as_text() {
        let address = Hardware([2, 0, 0, 0xab, 0, 1]);
        assert_eq!("02:00:00:ab:00:01".parse(), Ok(address));
        assert_eq!(address.to_string(), "02:00:00:ab:00:01");
        for wrong in ["", "02:00:00:ab:00", "02:00:00:ab:00:01:02", "0x:00:00:ab:00:01", "102:0:0:0:0:0"] {
            assert!(wrong.parse::<Hardware>().is_err(), "{wrong}");
        }
    }
}

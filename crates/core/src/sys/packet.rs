//! Packet sockets: frames of one network interface, headers included.
//!
//! Source: packet(7), netdevice(7).

use core::mem;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

/// A socket that is bound to one interface, and receives only what others send there.
#[derive(Debug)]
pub struct PacketSocket {
    fd: OwnedFd,
}

/// What the kernel says of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// Its address.
    pub hardware: [u8; 6],
    /// The largest packet, in bytes without the Ethernet header.
    pub mtu: usize,
}

/// A frame that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes of it, which may be more than there was room for.
    pub size: usize,
    /// The kernel vouches for its transport checksum, or never computed it because the frame has not left the machine.
    pub checksum_not_needed: bool,
    /// It had the tag of a virtual network (IEEE 802.1Q), which the kernel took off.
    pub is_tagged: bool,
}

impl Received {
    /// A frame of `size` bytes, of which the kernel says `status`.
    pub(crate) fn new(size: usize, status: u32) -> Self {
        let checksum_not_needed = status & (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID) != 0;
        Self { size, checksum_not_needed, is_tagged: status & TP_STATUS_VLAN_VALID != 0 }
    }
}

/// Not in libc for all targets.
const TP_STATUS_CSUMNOTREADY: u32 = 1 << 3;
const TP_STATUS_VLAN_VALID: u32 = 1 << 4;
const TP_STATUS_CSUM_VALID: u32 = 1 << 7;
/// `TP_STATUS_USER`: a slot of a ring holds a frame.
pub(crate) const STATUS_USER: u32 = 1;
/// Of rings, for `PACKET_VERSION`.
const TPACKET_V2: i32 = 1;
/// Since Linux 4.20: own frames do not come back.
const PACKET_IGNORE_OUTGOING: i32 = 23;

/// Opens the interface `name` of this kernel thread's network namespace. `promiscuous`: frames to other addresses than the
/// interface's own come, too.
///
/// # Errors
/// What the kernel says: `PERM` without `CAP_NET_RAW`, `NODEV` if there is no such interface.
pub fn open(name: &str, promiscuous: bool) -> Result<(PacketSocket, Interface), Errno> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // Protocol 0: nothing arrives before it is bound to the interface.
    // SAFETY: takes no pointer.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if fd < 0 {
        return Err(super::last_errno());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let index = index(fd.as_fd(), name)?;
    let interface = Interface { hardware: hardware(fd.as_fd(), name)?, mtu: mtu(fd.as_fd(), name)? };
    option(fd.as_fd(), libc::PACKET_AUXDATA, &1_i32)?;
    // Where the kernel cannot, the receiver's own address check drops them.
    let _ = option(fd.as_fd(), PACKET_IGNORE_OUTGOING, &1_i32);
    if promiscuous {
        let membership = libc::packet_mreq {
            mr_ifindex: index,
            mr_type: u16::try_from(libc::PACKET_MR_PROMISC).unwrap_or(1),
            mr_alen: 0,
            mr_address: [0; 8],
        };
        option(fd.as_fd(), libc::PACKET_ADD_MEMBERSHIP, &membership)?;
    }
    // SAFETY: sockaddr_ll is integers; zero is a value of it.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(17);
    address.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or(3).to_be();
    address.sll_ifindex = index;
    let size = socklen(size_of::<libc::sockaddr_ll>());
    // SAFETY: `address` lives through the call, and `size` is its size.
    let result = unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) };
    if result == 0 { Ok((PacketSocket { fd }, interface)) } else { Err(super::last_errno()) }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Room for the auxiliary data, aligned as `cmsghdr` wants.
#[repr(C, align(8))]
struct Control([u8; 64]);

impl PacketSocket {
    /// Sends the frame that `slices` are together, without waiting.
    ///
    /// # Errors
    /// What the kernel says: `AGAIN` and `NOBUFS` when too many are under way, `NETDOWN` when the interface is down.
    pub fn send(&self, slices: &[IoSlice<'_>]) -> Result<(), Errno> {
        rustix::io::retry_on_intr(|| rustix::io::writev(&self.fd, slices)).map(|_| ())
    }

    /// Receives one frame without waiting. `None`: none is there.
    ///
    /// # Errors
    /// What the kernel says: `NETDOWN`, once, when the interface went down.
    pub fn receive(&self, into: &mut [u8]) -> Result<Option<Received>, Errno> {
        let mut control = Control([0; 64]);
        let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
        // SAFETY: msghdr is integers and pointers; zero is a value of it.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = size_of::<Control>();
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        // SAFETY: the header points to `part` and `control`, which live through the call and have the stated sizes.
        let size = unsafe { libc::recvmsg(self.fd.as_raw_fd(), &raw mut header, flags) };
        let Ok(size) = usize::try_from(size) else {
            return match super::last_errno() {
                Errno::AGAIN | Errno::INTR => Ok(None),
                errno => Err(errno),
            };
        };
        Ok(Some(Received::new(size, auxiliary_status(&header))))
    }

    /// Has the kernel put what arrives from now on into slots that can be mapped, in blocks, and no longer where
    /// [`receive`](Self::receive) looks. What had arrived is lost.
    ///
    /// # Errors
    /// What the kernel says: `INVAL` for sizes that do not divide each other or no blocks, `NOMEM` when memory is short, `BUSY` if it
    /// was done before.
    pub(crate) fn share(&self, slot_size: usize, block_size: usize, block_count: usize) -> Result<(), Errno> {
        let number = |size: usize| libc::c_uint::try_from(size).map_err(|_| Errno::INVAL);
        let ring = Ring {
            block_size: number(block_size)?,
            block_count: number(block_count)?,
            slot_size: number(slot_size)?,
            slot_count: number((block_size / slot_size.max(1)).saturating_mul(block_count))?,
        };
        // None at all would take a ring away that is not there.
        if block_count == 0 {
            return Err(Errno::INVAL);
        }
        option(self.fd.as_fd(), libc::PACKET_VERSION, &TPACKET_V2)?;
        option(self.fd.as_fd(), libc::PACKET_RX_RING, &ring)
    }

    /// What has become of the interface since this was asked last: `NETDOWN` once after it went down. Until it is asked, the socket
    /// counts as readable.
    ///
    /// # Errors
    /// That, or what the kernel says.
    pub fn trouble(&self) -> Result<(), Errno> {
        rustix::net::sockopt::socket_error(&self.fd)?
    }
}

/// `tpacket_req`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Ring {
    block_size: libc::c_uint,
    block_count: libc::c_uint,
    slot_size: libc::c_uint,
    slot_count: libc::c_uint,
}

/// What the kernel says of a frame, 0 if it says nothing.
fn auxiliary_status(header: &libc::msghdr) -> u32 {
    // SAFETY: recvmsg has filled in the header.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !next.is_null() {
        // SAFETY: the kernel wrote a whole header where CMSG_FIRSTHDR or CMSG_NXTHDR points.
        let message = unsafe { next.read() };
        // SAFETY: CMSG_LEN only computes.
        let whole = unsafe { libc::CMSG_LEN(u32::try_from(size_of::<libc::tpacket_auxdata>()).unwrap_or(u32::MAX)) };
        let is_whole = message.cmsg_len >= usize::try_from(whole).unwrap_or(usize::MAX);
        if message.cmsg_level == libc::SOL_PACKET && message.cmsg_type == libc::PACKET_AUXDATA && is_whole {
            // SAFETY: `next` is a header that the kernel wrote; its data follows it.
            let data = unsafe { libc::CMSG_DATA(next) };
            // SAFETY: the kernel wrote a tpacket_auxdata here, as the size says; it may be unaligned.
            return unsafe { data.cast::<libc::tpacket_auxdata>().read_unaligned() }.tp_status;
        }
        // SAFETY: `next` is a header inside the room that `header` names.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    0
}

fn socklen(size: usize) -> libc::socklen_t {
    libc::socklen_t::try_from(size).unwrap_or(0)
}

fn option<T: Copy>(fd: BorrowedFd<'_>, name: i32, value: &T) -> Result<(), Errno> {
    let size = socklen(size_of::<T>());
    // SAFETY: `value` lives through the call, and `size` is its size.
    let result =
        unsafe { libc::setsockopt(fd.as_raw_fd(), libc::SOL_PACKET, name, core::ptr::from_ref(value).cast(), size) };
    if result == 0 { Ok(()) } else { Err(super::last_errno()) }
}

/// A request about the interface `name`, without anything else in it.
fn request(name: &str) -> Result<libc::ifreq, Errno> {
    // SAFETY: ifreq is integers and pointers; zero is a value of it.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    // One byte stays zero, as the kernel wants it.
    if name.is_empty() || name.len() >= request.ifr_name.len() || name.contains('\0') {
        return Err(Errno::NODEV);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    Ok(request)
}

fn ask(fd: BorrowedFd<'_>, what: libc::c_ulong, request: &mut libc::ifreq) -> Result<(), Errno> {
    // SAFETY: the requests of this file read and write one ifreq, and `request` lives through the call.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), what as _, core::ptr::from_mut(request)) };
    if result == 0 { Ok(()) } else { Err(super::last_errno()) }
}

fn index(fd: BorrowedFd<'_>, name: &str) -> Result<i32, Errno> {
    let mut request = request(name)?;
    ask(fd, libc::SIOCGIFINDEX, &mut request)?;
    // SAFETY: the kernel has just written this field of the union, and any bytes are an integer.
    Ok(unsafe { request.ifr_ifru.ifru_ifindex })
}

fn mtu(fd: BorrowedFd<'_>, name: &str) -> Result<usize, Errno> {
    let mut request = request(name)?;
    ask(fd, libc::SIOCGIFMTU, &mut request)?;
    // SAFETY: the kernel has just written this field of the union, and any bytes are an integer.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    usize::try_from(mtu).map_err(|_| Errno::NODEV)
}

fn hardware(fd: BorrowedFd<'_>, name: &str) -> Result<[u8; 6], Errno> {
    let mut request = request(name)?;
    ask(fd, libc::SIOCGIFHWADDR, &mut request)?;
    // SAFETY: the kernel has just written this field of the union, and any bytes are integers.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut hardware = [0; 6];
    for (to, from) in hardware.iter_mut().zip(address.sa_data) {
        *to = u8::from_ne_bytes(from.to_ne_bytes());
    }
    Ok(hardware)
}

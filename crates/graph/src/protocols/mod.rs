//! The protocols. None names another: what is above and below comes from the graph file.

pub mod arp;
pub mod echo;
pub mod eth;
pub mod fault;
pub mod icmp;
pub mod ip;
pub mod relay;
pub mod trace;
pub mod udp;
pub mod vsize;

//! The protocols. None names another: what is above and below comes from the graph file.

pub mod arp;
pub mod bid;
pub mod bidctl;
pub mod blast;
pub mod chan;
pub mod echo;
pub mod eth;
pub mod fault;
pub mod icmp;
pub mod ip;
pub mod relay;
pub mod select;
pub mod trace;
pub mod udp;
pub mod vchan;
pub mod vsize;

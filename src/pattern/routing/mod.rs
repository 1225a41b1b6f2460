//! What socket types are made of: who is read next, who is written next, and
//! who wants a message.

#![forbid(unsafe_code)]

pub mod distributor;
pub mod fair_queue;
pub mod load_balancer;
mod pipe_list;
pub mod prefix_tree;
pub mod routing_table;
pub mod subscriptions;

#[cfg(all(test, not(loom)))]
mod tests;

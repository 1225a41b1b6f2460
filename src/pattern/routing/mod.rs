//! What socket types are made of: which pipe is read next, which one is written next, and
//! which ones are sent a message.

#![forbid(unsafe_code)]

pub mod distributor;
pub mod fair_queue;
pub mod load_balancer;
mod pipe_list;
pub mod prefix_tree;
pub mod routing_table;
pub mod subscriptions;
mod turns;

#[cfg(all(test, not(loom)))]
mod tests;

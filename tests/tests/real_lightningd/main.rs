//! The bridge and the guests of this repository under real lightningd nodes. Each test says that
//! it is skipped where there is no lightningd.

mod dynamic;
mod hello;
mod hostile;
mod hostile_hooks;
mod line;
mod startup;
mod support;

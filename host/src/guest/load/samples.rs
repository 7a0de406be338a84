//! Modules to test with, made from WIT.

use wit_component::StringEncoding;
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use super::world::{PACKAGE, WORLD};

/// A core module that imports and exports all that the guest's world has.
pub(super) fn guest() -> Vec<u8> {
    of_world(PACKAGE, WORLD)
}

/// The same for another world.
pub(super) fn of_world(package: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("test.wit", package).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wit_component::dummy_module(
        &resolve,
        world,
        ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback),
    );
    wit_component::embed_component_metadata(
        &mut module,
        &resolve,
        world,
        StringEncoding::UTF8,
        false,
    )
    .unwrap();
    module
}

/// A module of this text that says it is a guest.
pub(super) fn embed(wat: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("guest.wit", PACKAGE).unwrap();
    let world = resolve.select_world(&[package], Some(WORLD)).unwrap();
    let mut module = wat::parse_str(wat).unwrap();
    wit_component::embed_component_metadata(
        &mut module,
        &resolve,
        world,
        StringEncoding::UTF8,
        false,
    )
    .unwrap();
    module
}

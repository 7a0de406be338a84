//! Shows the bridge and the guests at work: what was asked, and what each guest answered.
//!
//! ```text
//! demo [--transcript]
//! ```
//!
//! With `--transcript` all traffic between the simulated lightningd and its plugins is
//! printed at the end of each part. The exit code is 0 where every answer was the expected one.

mod channels;
mod node;
mod place;
mod real;
mod solo;
mod stage;

use std::process::ExitCode;

use anyhow::bail;

use place::Place;
use stage::Stage;

fn main() -> ExitCode {
    let mut stage = Stage::new();
    match run(&mut stage) {
        Ok(()) if stage.end() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(stage: &mut Stage) -> anyhow::Result<()> {
    let mut transcript = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--transcript" => transcript = true,
            _ => bail!("{argument}: unknown; there is --transcript"),
        }
    }
    let place = Place::find()?;
    node::show(stage, &place, transcript)?;
    solo::show(stage, &place, transcript)?;
    real::show(stage, &place)
}

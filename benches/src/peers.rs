//! The native plugins that the bridge is measured beside, built here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::plugin::Start;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Peer {
    /// A C program that answers without looking: what the pipes cost.
    C,
    /// The Rust framework.
    ClnPlugin,
    /// The Python framework.
    Pyln,
    /// The bridge with a guest.
    Bridge,
}

impl Peer {
    /// In the table's order.
    pub const ALL: [Peer; 4] = [Peer::C, Peer::ClnPlugin, Peer::Pyln, Peer::Bridge];

    /// As the report has it.
    pub fn word(self) -> &'static str {
        match self {
            Peer::C => "C echo",
            Peer::ClnPlugin => "cln-plugin",
            Peer::Pyln => "pyln-client",
            Peer::Bridge => "cln-wasm",
        }
    }
}

/// The version of pyln-client that is measured.
const PYLN: &str = "pyln-client==26.6.9";

/// Builds a native peer under `target` and tells how to start it, but for the folder.
pub fn prepare(peer: Peer, source: &Path, target: &Path) -> anyhow::Result<Start> {
    let command = match peer {
        Peer::C => {
            let program = target.join("echo");
            let mut cc = Command::new("cc");
            cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]);
            run(cc.arg(&program).arg(source.join("echo.c")))?;
            vec![program]
        }
        Peer::ClnPlugin => {
            let folder = target.join("cln-plugin");
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut build = Command::new(cargo);
            build.args([
                "build",
                "--release",
                "--locked",
                "--quiet",
                "--manifest-path",
            ]);
            build.arg(source.join("cln-plugin/Cargo.toml"));
            // Its own folder: what the bridge is built with must not be touched.
            run(build.arg("--target-dir").arg(&folder))?;
            vec![folder.join("release/peer-cln-plugin")]
        }
        Peer::Pyln => {
            let venv = target.join("venv");
            let python = venv.join("bin/python");
            let mut known = Command::new(&python);
            known.args(["-c", "import pyln.client"]);
            if !known.output().is_ok_and(|output| output.status.success()) {
                run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
                run(Command::new(&python).args(["-m", "pip", "install", "--quiet", PYLN]))?;
            }
            vec![python, source.join("with_pyln_client.py")]
        }
        Peer::Bridge => bail!("the bridge is no native peer"),
    };
    Ok(Start {
        name: peer.word().to_owned(),
        command,
        environment: Vec::new(),
        folder: PathBuf::new(),
    })
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().context(program.clone())?;
    ensure!(
        output.status.success(),
        "{program}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

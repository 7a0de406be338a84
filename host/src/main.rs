//! `cln-wasm`, the plugin that lightningd starts.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use cln_protocol::native::Version;
use cln_wasm::bridge::aggregate::Mode;
use cln_wasm::bridge::node::Node;
use cln_wasm::bridge::origin::Origin;
use cln_wasm::bridge::startup::Startup;
use cln_wasm::bridge::{Bridge, Setup};
use cln_wasm::guest::load::compile;
use cln_wasm::guest::load::find;
use cln_wasm::guest::load::workshop::Workshop;
use cln_wasm::guest::ticker::Ticker;
use cln_wasm::lightningd::output::Output;
use cln_wasm::lightningd::stdio::{Sink, Source};

/// Every hook allocates, mostly a few KB at a time (docs/performance.md, "Which allocator").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs untrusted extensions of Core Lightning as sandboxed WebAssembly guests.
///
/// lightningd starts this program: `lightningd --plugin=/path/to/cln-wasm`. Guests
/// are the files NAME.wasm, each with the operator's NAME.toml beside it, in
/// $CLN_WASM_DIR, else in wasm/ of the network directory, else in wasm/ one level up.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// A file whose first line is `#!/usr/bin/env cln-wasm` and whose body is the TOML
    /// of one guest: that guest runs as a plugin of its own
    file: Option<PathBuf>,
    /// Given by lightningd to every plugin when it runs with --developer
    #[arg(long, hide = true)]
    developer: bool,
    /// Given by lightningd to every plugin when it debugs itself
    #[arg(long, hide = true)]
    dev_debug_self: bool,
    /// Compiles the guest on stdin to stdout, under limits
    #[arg(long, hide = true)]
    compile_guest: bool,
}

/// Where compiled guests are kept: in the network directory, which lightningd makes
/// the working directory of its plugins.
const COMPILED: &str = "cln-wasm/compiled";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.compile_guest {
        return compile::compile_child_main();
    }
    leave_out_huge_pages();
    if std::env::var_os("LIGHTNINGD_PLUGIN").is_none() && std::io::stdin().is_terminal() {
        eprintln!(
            "cln-wasm is a plugin: lightningd starts it and speaks to it.\n\
             Add this line to lightningd's config:\n\n    plugin={}\n\nMore: cln-wasm --help",
            std::env::current_exe().unwrap_or_default().display()
        );
        return ExitCode::FAILURE;
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // lightningd drops the log lines of a plugin that dies; stderr is its own.
            eprintln!("cln-wasm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A guest touches a few pages of its memory here and there, and each would have 2 MB in place of 4 KB
/// (docs/performance.md, "Huge pages"). Where the kernel gives none, there are none to leave out.
#[cfg(target_os = "linux")]
fn leave_out_huge_pages() {
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
fn leave_out_huge_pages() {}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    // As a task: waking the future that `block_on` itself polls costs a system call each time.
    let served = runtime.block_on(async {
        let serving = tokio::spawn(serve(arguments));
        serving.await.context("the bridge failed")?
    });
    // Dropping it would wait for guests that were moved to threads of their own.
    runtime.shutdown_background();
    served
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let started_as = match &arguments.file {
        Some(file) => file.clone(),
        None => std::env::args_os().next().unwrap_or_default().into(),
    };
    let plugin_name = started_as
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let (mode, origin) = match arguments.file {
        Some(file) => (Mode::Solo, Origin::Solo(file)),
        None => {
            let named = std::env::var_os("CLN_WASM_DIR");
            let here = std::env::current_dir().context("the working directory cannot be read")?;
            (
                Mode::Bridge,
                Origin::Folder(find::folder(named.as_deref(), &here)),
            )
        }
    };
    let lightningd = std::env::var("LIGHTNINGD_VERSION").ok();
    let version = lightningd.as_deref().and_then(Version::parse);

    let workshop = Arc::new(
        Workshop::open(PathBuf::from(COMPILED))
            .map_err(anyhow::Error::from)
            .context("this machine cannot run WebAssembly")?,
    );
    let ticker =
        Ticker::start(workshop.engine().clone()).context("cannot start the epoch thread")?;
    let startup = Startup::begin(origin, Arc::clone(&workshop), Arc::new(ticker));

    let output = Arc::new(Output::default());
    let node = Arc::new(Node::new(Arc::clone(&output)));
    if let Some(lightningd) = lightningd {
        node.lightningd.get_or_init(|| lightningd.into());
    }
    let writer = tokio::spawn(write(Arc::clone(&output)));
    let setup = Setup {
        mode,
        version,
        plugin_name,
    };
    let source = Source::stdin().context("stdin cannot be read")?;
    let ended = Bridge::new(setup, node, workshop)
        .run(source, startup)
        .await;
    output.close();
    let written = writer.await.context("the writer failed")?;
    ended.context("reading from lightningd")?;
    written.context("writing to lightningd")
}

/// The one writer of stdout.
async fn write(output: Arc<Output>) -> std::io::Result<()> {
    let mut sink = Sink::stdout()?;
    let mut burst = Vec::new();
    while output.take(&mut burst).await.is_some() {
        sink.write_all(&burst).await?;
    }
    Ok(())
}
